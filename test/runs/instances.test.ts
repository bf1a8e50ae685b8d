import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { hasEvidence, proved } from '../support/proved.ts';
import { runVerified } from '../support/verified-run.ts';

const AUDITS = join(import.meta.dirname, '../../audits');
const SMALL =
  '--regions a,b --round-trip a:b=10 --replicas 0 --rate 150 --connections 300 --users 4 --skew 0 --roaming 1 --duration 5s --ramp 1 --policy 8:2/s'.split(
    ' ',
  );

async function run(args: readonly string[]) {
  const folder = testFolder();
  const { code, stdout, stderr } = await runVerified([...args, '--json'], { cwd: folder });
  expect(stdout, stderr).not.toBe('');
  expect(processesMentioning(folder)).toEqual([]);
  const report: RunReport = JSON.parse(stdout);
  const lines = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8').trim().split('\n');
  const operations = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'op');
  return { code, report, operations, stderr };
}

/** Long overlaps hide who admitted what. */
const isDiagnosed = ({ report }: { readonly report: RunReport }) => (report.diagnosis ?? []).length > 0;

const inMemory = ['--limiter', resolve(AUDITS, 'memory-counter.mjs')];

describe('a region with several services', { timeout: 240_000 }, () => {
  it('convicts a limit in the memory of each process, by the number of instances', async () => {
    const { code, report, operations } = await proved(
      () => run(['bench', ...inMemory, ...SMALL, '--instances', '3']),
      isDiagnosed,
    );
    expect([code, report.verdict, report.plan.instances]).toEqual([1, 'fail', 3]);
    expect(report.diagnosis).toEqual([
      expect.stringMatching(
        /^the limit is multiplied by the 6 instances that ratings:u\d reached: each alone admitted no more than the policy allows, /,
      ),
    ]);
    expect(report.reasons?.map(({ reason }) => reason)).toEqual(['instances-apart']);
    expect(report.command).toContain(' --instances 3 ');
    const reached = new Set(operations.map(({ region, instance }) => `${region}-${instance}`));
    expect([...reached].sort()).toEqual(['a-1', 'a-2', 'a-3', 'b-1', 'b-2', 'b-3']);
  });

  it('names regions where each has one service, and no instance', async () => {
    const { code, report, operations } = await proved(
      () => run(['bench', ...inMemory, ...SMALL]),
      isDiagnosed,
    );
    expect([code, report.plan.instances]).toEqual([1, undefined]);
    expect(report.reasons?.map(({ reason }) => reason)).toEqual(['regions-apart']);
    expect(operations.some((operation) => 'instance' in operation)).toBe(false);
  });

  it('has a share of each service for itself while Redis cannot decide', async () => {
    const cut = [
      'chaos',
      'partition',
      '--isolate',
      'b',
      '--at',
      '1s',
      '--for',
      '3s',
      '--on-failure',
      'local-share',
    ];
    const { report, operations } = await run([...cut, ...SMALL, '--instances', '2']);
    expect(report.claims.map(({ claim, status }) => [claim, status])).toContainEqual([
      'total-excess <= bound',
      'holds',
    ]);
    const fallbacks = report.shards.flatMap((shard) => shard.fallbacks ?? []);
    expect(new Set(fallbacks.map(({ region, instance }) => `${region} ${instance}`))).toEqual(
      new Set(operations.filter(isFallback).map(({ region, instance }) => `${region} ${instance}`)),
    );
    expect(report.shards.map(({ bound }) => bound?.formula ?? '').join()).toContain('s of b 2) / 4');
  });
});

function isFallback({ outcome, decision }: { outcome: string; decision?: { source: string } }): boolean {
  return outcome === 'allowed' && decision?.source === 'fallback';
}

/** The services that failed requests. A replica can be silent for a second, on a machine that pauses. */
function failedAt({ operations }: Pick<Awaited<ReturnType<typeof run>>, 'operations'>): string[] {
  const failed = operations.filter(
    ({ outcome, error }) => outcome === 'failed' && error !== 'REPLICAS_MISSING',
  );
  return [...new Set(failed.map(({ region, instance }) => `${region} ${instance}`))].sort();
}

describe('services that are killed and start again', { timeout: 240_000 }, () => {
  const RESTART = ['--at', '1s', '--for', '1500ms', '--instances', '3'];

  it.each([
    { strategy: 'central', which: [] },
    { strategy: 'acked', which: ['--instance', '2'] },
    { strategy: 'lease', which: ['--instance', '3'] },
  ])('give nothing away under $strategy', async ({ strategy, which }) => {
    // A busy machine takes 3 s to start three services again, which are then to be seen together.
    const instead: Readonly<Record<string, string>> = { '--replicas': '1', '--duration': '10s' };
    const load = SMALL.map((word, at) => instead[SMALL[at - 1] ?? ''] ?? word);
    const args = ['chaos', 'restart-service', '--region', 'b', ...which, '--strategy', strategy];
    const killed = (which.length === 0 ? ['1', '2', '3'] : which.slice(1)).map((instance) => `b ${instance}`);
    // on a machine that pauses others fail requests, too
    const { code, report, operations, stderr } = await proved(
      () => run([...args, ...RESTART, ...load]),
      (ended) => hasEvidence(ended) && failedAt(ended).length <= killed.length,
    );
    expect([code, report.verdict], JSON.stringify(report.claims) + stderr).toEqual([0, 'pass']);
    const proof = report.events.find(({ event }) => event === 'proof');
    expect(proof?.args).toMatchObject({
      bit: true,
      saw: expect.stringMatching(/^service \d of b did not answer, and another process of it does now/),
    });
    expect(failedAt({ operations })).toEqual(killed);
    expect(report.sent).toBe(operations.length);
  });

  it('whose plug-in cannot be made a second time are named, leave their fault in force', async () => {
    const module = join(testFolder(), 'once.mjs');
    const text = `import { appendFileSync, readFileSync } from 'node:fs';
      import * as counter from ${JSON.stringify(resolve(AUDITS, 'memory-counter.mjs'))};
      export function createLimiter(options) {
        const file = ${JSON.stringify(`${module}-`)} + options.region;
        appendFileSync(file, 'x');
        if (readFileSync(file, 'utf8').length > 1) throw new Error('no second start');
        return counter.createLimiter(options);
      }`;
    writeFileSync(module, text);
    const fault = ['chaos', 'restart-service', '--region', 'b', '--at', '1s', '--for', '1s'];
    const { report, operations } = await run([...fault, '--limiter', module, ...SMALL]);
    const why = 'plugin:once.mjs failed to start: no second start';
    const late = `restart-service was healed late: ${why}`; // only where the load goes on after the first try
    expect(report.troubles.filter((trouble) => trouble !== late)).toEqual([
      `heal restart-service: OpenclawError: ${why}`,
    ]);
    expect(report.verdict).not.toBe('pass');
    expect(report.sent).toBe(operations.length);
    expect(operations.filter(({ region, outcome }) => region === 'b' && outcome === 'failed')).not.toEqual(
      [],
    );
  });

  it('are ended on Ctrl-C while one region has none, and nothing is left', async () => {
    const folder = testFolder();
    const command = ['chaos', 'restart-service', '--region', 'b', '--at', '500ms', '--for', '60s'];
    const started = startCli([...command, ...SMALL, '--duration', '90s', '--instances', '2'], {
      cwd: folder,
    });
    await untilSaid(started, /fault restart-service/, { timeout: 90_000 });
    started.child.kill('SIGINT');
    expect(await started.ended, started.output.stderr).toBe(130);
    expect(started.output.stderr).not.toContain('not undone');
    expect(processesMentioning(folder)).toEqual([]);
  });
});
