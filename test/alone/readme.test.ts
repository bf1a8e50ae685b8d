import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { RunReport } from '../../src/report/report.ts';
import { runProgram } from '../support/cli.ts';
import { blocksOn, HISTORY_PAGE, RUN_PAGES, WORKFLOW_PAGE } from '../support/doc-blocks.ts';
import { compileExamples } from '../support/examples.ts';
import { processesMentioning } from '../support/processes.ts';
import { type Command, commandsOf, ROOT, scriptOf } from '../support/readme.ts';
import { freePort } from '../support/redis-server.ts';
import { startTestServer } from '../support/server.ts';
import { expectLatestVerified } from '../support/verified-run.ts';

/** That is how this test is run. */
const RUNS_THIS = 'bin/setup && npm test';

const CHAOS = 'bin/openclaw-rl chaos partition --isolate eu-west';

/** By the ports that pages show: free ones. Of a cluster's nodes the bus port is 10,000 higher. */
const ports = await Promise.all(
  [
    ['6379', '7070', '8080', '8081', '8474'].map(async (port) => [port, await freePort()] as const),
    ['7001', '7002', '7003'].map(async (port) => [port, await freePort(55_000)] as const),
  ].flat(),
);
const withFreePorts = (text: string) =>
  ports.reduce((sofar, [known, free]) => sofar.replaceAll(known, `${free}`), text);

const folder = newcomersFolder();
const env = {
  OPENCLAW_RL_STATE: join(folder, 'state'),
  GITHUB_ACTIONS: '',
  GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
};
const alreadyRun = new Set<string>();

/** What a clone has, as far as the pages use it, and the files that they show; runs and state are the test's own. */
function newcomersFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'openclaw-rl-readme-'));
  for (const name of ['docs', 'scenarios', 'node_modules']) symlinkSync(join(ROOT, name), join(made, name));
  const [history, ...operations] = blocksOn(HISTORY_PAGE, 'json').map(({ text }) => text);
  writeFileSync(join(made, 'history.ndjson'), history ?? '');
  writeFileSync(join(made, 'with-operations.ndjson'), withOperations(history ?? '', operations));
  for (const { text } of blocksOn(RUN_PAGES, 'js'))
    writeFileSync(join(made, /^\/\/ (\S+\.mjs)$/m.exec(text)?.[1] ?? 'unnamed.mjs'), text);
  for (const { text } of blocksOn(RUN_PAGES, 'yaml')) {
    const [, name] = /^# (\S+\.yaml)$/m.exec(text) ?? [];
    if (name !== undefined) writeFileSync(join(made, name), withFreePorts(text));
  }
  mkdirSync(join(made, 'bin'));
  for (const name of readdirSync(join(ROOT, 'bin'))) {
    writeFileSync(join(made, 'bin', name), `#!/bin/sh\nexec '${join(ROOT, 'bin', name)}' "$@"\n`);
    chmodSync(join(made, 'bin', name), 0o755);
  }
  return made;
}

/** The history with the operations that the page shows alone. */
function withOperations(history: string, operations: readonly string[]): string {
  const [header, ...rest] = history.trim().split('\n');
  const all = [header, ...rest.slice(0, -1), ...operations.map((text) => text.trim())];
  const sent = `"sent":${all.length - 1}`;
  return `${all.join('\n')}\n${rest.at(-1)?.replace(/"sent":\d+/, sent)}\n`;
}

async function runAll(commands: readonly Command[], more: Record<string, string> = {}) {
  for (const { text } of commands) alreadyRun.add(text);
  const script = withFreePorts(scriptOf(commands));
  const result = await runProgram('bash', ['-c', script], { cwd: folder, env: { ...env, ...more } });
  expect(result.code, `${script}\n${result.stdout}\n${result.stderr}`).toBe(0);
  expect(processesMentioning(folder)).toEqual([]);
  return result;
}

const chaosRun = () => readdirSync(join(folder, 'reports')).find((name) => name.includes('chaos')) ?? '';

const newestReport = (): RunReport =>
  JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8'));

const withoutFigures = (text: string) => text.replace(/\d+(\.\d+)?/g, '0');

/** What must be true after a command of a page, besides its exit code. */
const AFTER: Readonly<Record<string, (stdout: string, stderr: string) => void | Promise<void>>> = {
  'bin/setup && bin/openclaw-rl bench': async (stdout, stderr) => {
    const report = newestReport();
    expect(report.plan.load).toMatchObject({ connections: 1_000, durationMs: 20_000 });
    expect(report.plan.topology.regions).toHaveLength(3);
    expect(report.contested.busiest).toBeGreaterThanOrEqual(80);
    const { overAdmission, falseDenials, unaccounted } = report;
    expect([overAdmission.totalExcess, falseDenials.total, unaccounted]).toEqual([0, 0, 0]);
    expect(report.proofs).toMatchObject({ convicted: 0, open: 0 });
    expect(stdout).toMatch(/^verdict {2}pass\n/);
    expect(stdout).toMatch(/all \d+ requests sent are accounted for: .* \+ 0 failed \+ 0 info/);
    expect(stdout).toMatch(/again {4}openclaw-rl bench .*--seed 1\n/);
    expect(stderr).toMatch(/^claim: total-excess <= 0: at most 0 tokens admitted beyond an ideal bucket/m);
    const [shown] = blocksOn('README.md', 'console');
    const [command, ...lines] = withoutFigures(shown?.text ?? '')
      .trimEnd()
      .split('\n');
    expect(command).toBe('$ bin/openclaw-rl bench');
    expect(withoutFigures(stdout).split('\n').slice(0, lines.length)).toEqual(lines);
    await expectLatestVerified({ cwd: folder, env });
  },
  [CHAOS]: async () => {
    const report = newestReport();
    expect(report.phases.map(({ name }) => name)).toEqual(['before', 'during partition', 'after partition']);
    const during = report.cells.filter(({ phase }) => phase === 'during partition');
    const failedIn = (region: string) => during.find((cell) => cell.region === region)?.outcomes.failed ?? 0;
    expect(failedIn('eu-west')).toBeGreaterThan(failedIn('us-east')); // its side is down, the other recovers
    const takeover = report.events.find(({ node, args }) => node === 'ap-south-1' && args?.to === 'primary');
    const proofs = report.events.filter(({ event }) => event === 'proof').map(({ args }) => args?.bit);
    expect(proofs).toEqual([true]);
    const [injected, healed] = report.faults.map(({ atUs }) => atUs);
    expect(takeover?.atUs).toBeGreaterThan(injected ?? Number.POSITIVE_INFINITY);
    expect(takeover?.atUs).toBeLessThan(healed ?? 0);
    const shard = report.shards.find((each) => each.shard === 'eu-west-0');
    expect(shard?.failovers.map(({ node }) => node)).toEqual(['ap-south-1']);
    expect(report.overAdmission.largestExcess).toBeLessThanOrEqual(shard?.bound?.totalExcess ?? 0);
    expect(readdirSync(join(folder, 'reports/latest')).sort()).toEqual([
      'history.ndjson',
      'junit.xml',
      'logs',
      'plan.json',
      'report.html',
      'report.json',
      'report.md',
    ]);
    await expectLatestVerified({ cwd: folder, env });
  },
  'bin/openclaw-rl bench --endpoints endpoints.yaml --duration 10 --connections 100': (stdout, stderr) => {
    expect(stdout).toMatch(/bench --endpoints endpoints.yaml can run here/);
    expect(stdout).toMatch(/^verdict {2}pass$/m);
    expect(stderr).toMatch(/^deleted \d+ keys of this run; 0 are left$/m);
    expect(newestReport()).toMatchObject({ system: 'external cluster, endpoints.yaml' });
  },
  'bin/openclaw-rl check us-east.ndjson eu-west.ndjson ap-south.ndjson': (stdout) => {
    expect(stdout).toMatch(/^verdict {2}pass$/m);
    expect(stdout).toMatch(/^│ all 3 /m);
  },
  'bin/openclaw-rl check history.ndjson': async (stdout) => {
    const all = (counts: string) => `all ${counts} + 0 denied + 0 failed + 1 info`;
    expect(stdout).toContain(all('2 requests sent are accounted for: 1 allowed'));
    const program = join(ROOT, 'bin/openclaw-rl');
    const more = await runProgram(program, ['check', 'with-operations.ndjson'], { cwd: folder });
    expect(more.stdout).toContain(all('3 requests sent are accounted for: 2 allowed'));
  },
  'bin/openclaw-rl run scenarios/article-limiter.yaml': async (stdout) => {
    expect(stdout).toMatch(/^verdict {2}fail\n/);
    expect(stdout).toMatch(/ {2}FAIL \d+ of \d+ denials were false/);
    const what = / {2}why tokens come in whole-second steps: .*/;
    expect(stdout).toMatch(what);
    const history = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8');
    const nameless = history.replaceAll('article', 'nameless');
    expect(nameless).not.toBe(history);
    writeFileSync(join(folder, 'nameless.ndjson'), nameless);
    const again = await runProgram(join(ROOT, 'bin/openclaw-rl'), ['check', 'nameless.ndjson'], {
      cwd: folder,
    });
    expect(again.code).toBe(1);
    expect(what.exec(again.stdout)?.[0]).toBe(what.exec(stdout)?.[0]);
    await expectLatestVerified({ cwd: folder, env });
  },
};

describe('what pages show', { timeout: 180_000 }, () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(
    blocksOn(RUN_PAGES, 'sh').map((block) => {
      const commands = commandsOf(block).filter(({ text }) => text !== RUNS_THIS);
      return { page: block.page, title: commands.map(({ text }) => text.slice(0, 60)).join('; '), commands };
    }),
  )('does what $page says: $title', async ({ commands }) => {
    const { stdout, stderr } = await runAll(commands);
    for (const { text } of commands) await AFTER[text]?.(stdout, stderr);
  });

  it('has every command to look at among those that have run', () => {
    const known = new Set(Object.keys(AFTER));
    for (const text of known) expect(alreadyRun).toContain(text);
  });

  it('is the output of commands that have run', () => {
    for (const { text } of blocksOn(RUN_PAGES, 'console')) {
      const [, shown] = /^\$ (.*)$/m.exec(text) ?? [];
      if (shown !== undefined)
        expect(
          [...alreadyRun].some((command) => command.endsWith(shown)),
          shown,
        ).toBe(true);
    }
  });

  it('has a workflow for GitHub Actions whose steps run', async () => {
    const [workflow, ...others] = blocksOn(WORKFLOW_PAGE, 'yaml');
    expect(others).toEqual([]);
    const { steps } = parse(workflow?.text ?? '').jobs.limiter as { steps: { run?: string }[] };
    const commands = steps
      .flatMap(({ run }) => (run === undefined ? [] : [{ text: run, inBackground: false, exitCode: 0 }]))
      .filter(({ text }) => text !== CHAOS); // it has run already
    expect(alreadyRun).toContain(CHAOS);
    rmSync(join(folder, 'reports/latest'));
    symlinkSync(chaosRun(), join(folder, 'reports/latest'));
    await runAll(commands, { GITHUB_ACTIONS: 'true' });
    expect(readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8')).toMatch(/^# openclaw-rl /);
  });

  it('has an example of the library in the README that compiles and runs', async () => {
    const server = await startTestServer('redis-server');
    const examples = blocksOn('README.md', 'ts').map(({ text }) => text);
    expect(examples).toHaveLength(1);
    const { compiled, run } = await compileExamples(join(folder, 'consumer'), examples, server.port);
    expect([compiled.code, compiled.stdout]).toEqual([0, '']);
    expect(await run(0)).toEqual({
      code: 0,
      stderr: '',
      stdout: '{ allowed: true, remainingTokens: 97, retryAfterUs: 0 }\n',
    });
    await server.stop();
  });
});
