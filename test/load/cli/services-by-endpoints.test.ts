import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunReport } from '../../../src/report/report.ts';
import { runCli, testFolder } from '../../support/cli.ts';
import { httpReply, startHttpServer } from '../../support/http-server.ts';
import { hasEvidence, proved } from '../../support/proved.ts';
import { unansweredBeforeFault } from '../../support/unanswered.ts';

/** A bucket of 10 tokens, 5 more a second, for each API key. While the file `broken` is there, one region answers 503. */
async function startServices(folder: string) {
  const levels = new Map<string, { level: number; atMs: number }>();
  const serve = async (mayBreak: boolean) => {
    const server = await startHttpServer(({ headers }, socket) => {
      if (mayBreak && existsSync(join(folder, 'broken'))) return void socket.write(httpReply(503));
      const key = headers['x-api-key'] ?? '';
      const nowMs = performance.now();
      const bucket = levels.get(key) ?? { level: 10, atMs: nowMs };
      const level = Math.min(10, bucket.level + ((nowMs - bucket.atMs) / 1_000) * 5);
      levels.set(key, { level: level >= 1 ? level - 1 : level, atMs: nowMs });
      socket.write(httpReply(level >= 1 ? 200 : 429));
    });
    onTestFinished(() => server.stop());
    return server;
  };
  const [us, eu] = [await serve(false), await serve(true)];
  const services = { 'us-east': `${us.url}/`, 'eu-west': `${eu.url}/?token=s3cret` };
  const file = JSON.stringify({ regions: ['us-east', 'eu-west'], services });
  writeFileSync(join(folder, 'services.json'), file);
}

const SERVICES = ['--endpoints', 'services.json', '--subject-header', 'x-api-key'];
const CHAOS =
  '--connections 8 --users 6 --roaming 1 --skew 0 --policy 10:5/s --duration 5s --ramp 0.2s --at 1s --for 2s';
const BREAK = ['--inject', 'echo > broken', '--heal', 'rm broken'];

async function call(folder: string, args: readonly string[]) {
  const { code, stdout, stderr } = await runCli(args, { cwd: folder });
  const path = join(folder, 'reports/latest/report.json');
  const report: RunReport | undefined = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  return { code, stdout, stderr, report };
}

describe('HTTP services in an endpoints file', { timeout: 120_000 }, () => {
  it('are broken and mended by commands of chaos', async () => {
    const folder = testFolder();
    await startServices(folder);
    const flags = ['--allow', '200', '--claim', 'total-excess <= 0', '--claim', 'info <= 90%'];
    const chaos = ['chaos', 'command', ...SERVICES, ...BREAK, ...CHAOS.split(' '), ...flags];
    const { code, stdout, stderr, report } = await proved(() => call(folder, chaos), hasEvidence);
    expect([code, report?.verdict], stdout + stderr).toEqual([0, 'pass']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/note not proved: 1 fault by command names no proof/);
    expect(report?.faults.map(({ fault, phase }) => `${phase} ${fault}`)).toEqual([
      'inject command',
      'heal command',
    ]);
    expect(unansweredBeforeFault(folder)).toEqual([]);
    const during = report?.phases.find(({ name }) => name === 'during command');
    expect(during?.outcomes.info).toBeGreaterThan(10);
    expect(existsSync(join(folder, 'broken'))).toBe(false);
    expect(report?.command).toMatch(/^openclaw-rl chaos command --endpoints services.json .*--seed 1$/);
    expect(stdout + JSON.stringify(report)).not.toContain('s3cret');
  });

  it('run a scenario, in the regions of the file', async () => {
    const folder = testFolder();
    await startServices(folder);
    const scenario = (fault: string) =>
      [
        '# What does a service do while the other is broken?',
        'policy: 10:5/s',
        'load: { connections: 8, users: 6, roaming: 1, skew: 0, duration: 4s, ramp: 200ms }',
        `faults: [{ ${fault}, at: 1s, for: 1s }]`,
        'claims: [total-excess <= 0, info <= 90%]',
      ].join('\n');
    writeFileSync(
      join(folder, 'mine.yaml'),
      scenario('fault: command, inject: echo > broken, heal: rm broken, proof: test -e broken'),
    );
    const run = () => call(folder, ['run', 'mine.yaml', ...SERVICES]);
    const { code, stdout, stderr, report } = await proved(run, hasEvidence);
    expect([code, report?.verdict], stdout + stderr).toEqual([0, 'pass']);
    expect(report?.events.map(({ event, args }) => [event, args])).toEqual([
      ['proof', { fault: 'command', bit: true, saw: 'its proof succeeded' }],
    ]);
    expect(stdout).not.toMatch(/not proved/);
    expect(report?.regions.map(({ name }) => name).sort()).toEqual(['eu-west', 'us-east']);
    writeFileSync(join(folder, 'cut.yaml'), scenario('fault: partition, isolate: [eu-west]'));
    const refused = await call(folder, ['run', 'cut.yaml', ...SERVICES]);
    expect([refused.code, refused.stderr]).toEqual([
      64,
      'error: fault partition cannot run on HTTP services, which openclaw-rl did not start\n' +
        '  break them by a command of yours: fault: command [INVALID_OPTION]\n',
    ]);
  });

  it.each([
    {
      args: ['chaos', 'partition', '--isolate', 'eu-west', '--endpoints', 'services.json'],
      says: /fault partition cannot run on HTTP services/,
    },
    {
      args: ['chaos', 'command', ...BREAK, ...SERVICES, '--strategy', 'acked'],
      says: /--strategy: cannot be used with HTTP services, whose limiter decides/,
    },
    {
      args: ['chaos', 'command', ...BREAK, '--subject-header', 'x'],
      says: /--subject-header: only valid with HTTP services in the file of --endpoints/,
    },
    {
      args: ['run', 'baseline', '--subject-header', 'x'],
      says: /--subject-header: only valid with HTTP services in the file of --endpoints/,
    },
    {
      args: ['run', 'baseline', '--promise', 'sliding-window:20/4s'],
      says: /--promise: only valid for a plug-in, and for HTTP services in the file of --endpoints/,
    },
    {
      args: ['chaos', 'command', ...BREAK, ...SERVICES, '--probe', 'restart,region=a'],
      says: /probe restart needs Redis nodes; this system has HTTP services/,
    },
    {
      args: ['chaos', 'command', ...BREAK, ...SERVICES, '--probe', 'unreachable,service=mars'],
      says: /probe: expected one of the regions a; found "mars"/,
    },
    {
      args: ['run', 'baseline', ...SERVICES, '--strategy', 'acked'],
      says: /--strategy: cannot be used with HTTP services, whose limiter decides/,
    },
    {
      args: ['run', 'baseline', ...SERVICES, '--subjects', 'keys.txt'],
      says: /baseline has 200 users; --subjects has 1 keys/,
    },
  ])('are refused what they cannot do: $args', async ({ args, says }) => {
    const folder = testFolder();
    const services = { a: 'http://127.0.0.1:9/' };
    writeFileSync(join(folder, 'services.json'), JSON.stringify({ regions: ['a'], services }));
    writeFileSync(join(folder, 'keys.txt'), 'k1\n');
    const { code, stderr } = await call(folder, args);
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });
});
