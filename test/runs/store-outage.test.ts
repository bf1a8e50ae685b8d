import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HistoryRecord, Operation } from '../../src/history/records/operation.ts';
import type { RunReport } from '../../src/report/report.ts';
import { testFolder } from '../support/cli.ts';
import { runVerified } from '../support/verified-run.ts';

/** Gone for 4 s, then slow for 4 s: each user sends some 6 requests a second, for a bucket of 2 tokens, 1/s. */
const scenarioOf = (onFailure: string, excess: string) => `# What do users get while Redis is gone, and slow?
onFailure: ${onFailure}
policy: 2:1/s
topology: { regions: [a, b], roundTrip: { 'a:b': 4ms }, nodeTimeout: 4s }
load: { mode: open, rate: 50, connections: 200, users: 8, duration: 16s }
faults:
  - { fault: slow-store, latency: 2s, at: 2s, for: 8s }
  - { fault: store-outage, at: 2s, for: 4s }
claims: [${excess}, contested >= 1, info <= 60%, failed <= 99%, headroom <= 100%, dropped <= 99%]
`;

/** A phase without the first second: a busy machine is slow to inject and to heal. */
const SETTLED_US = 1_000_000;

async function run(onFailure: string, excess = 'total-excess <= bound') {
  const folder = testFolder();
  writeFileSync(join(folder, 'outage.yaml'), scenarioOf(onFailure, excess));
  const { code, stdout, stderr } = await runVerified(['run', 'outage.yaml', '--json'], { cwd: folder });
  expect(stdout, stderr).not.toBe('');
  const report: RunReport = JSON.parse(stdout);
  const records = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HistoryRecord);
  const at = (fault: string, phase: string) => {
    const found = records.find((one) => one.type === 'fault' && one.fault === fault && one.phase === phase);
    if (found?.type !== 'fault') throw new Error(`no ${phase} of ${fault}`);
    return found.atUs;
  };
  const operations = records.filter((one): one is Operation => one.type === 'op');
  const sentIn = (fromUs: number, toUs: number) =>
    operations.filter(({ invokedUs }) => invokedUs >= fromUs + SETTLED_US && invokedUs < toUs);
  const [goneUs, slowUs, backUs] = [
    at('store-outage', 'inject'),
    at('store-outage', 'heal'),
    at('slow-store', 'heal'),
  ];
  return {
    ...{ code, report },
    gone: sentIn(goneUs, slowUs),
    slow: sentIn(slowUs, backUs),
    after: operations.filter(({ invokedUs }) => invokedUs >= backUs),
  };
}

const outcomes = (operations: readonly Operation[]) => [...new Set(operations.map(({ outcome }) => outcome))];
const sources = (operations: readonly Operation[]) => [
  ...new Set(operations.flatMap(({ decision }) => decision?.source ?? [])),
];

/** The median wait, in milliseconds. */
function waitOf(operations: readonly Operation[]): number {
  const waits = operations
    .flatMap(({ invokedUs, completedUs }) => (completedUs === null ? [] : [completedUs - invokedUs]))
    .sort((a, b) => a - b);
  return (waits[Math.floor(waits.length / 2)] ?? Number.POSITIVE_INFINITY) / 1_000;
}

function claim({ claims }: RunReport, text: string) {
  const found = claims.find((one) => one.claim.startsWith(text));
  return found?.verdict;
}

describe('while Redis is gone, and slow, users get', { timeout: 180_000 }, () => {
  it('closed: failures within the time limit of a command, no token too many, and decisions once it is back', async () => {
    const { report, gone, slow, after } = await run('closed');
    expect(claim(report, 'total-excess')).toBe('pass');
    expect(report.troubles.filter((trouble) => /changed nothing/.test(trouble))).toEqual([]);
    for (const phase of [gone, slow]) {
      expect(outcomes(phase)).not.toContain('allowed');
      expect(phase.some(({ outcome, status }) => outcome === 'failed' && status === 503)).toBe(true);
    }
    expect(waitOf(gone)).toBeLessThan(900); // a command is given up after 1 s; without a connection none is sent
    expect(sources(after)).toEqual(['redis']);
  });

  it('open: whatever they ask for, at once, with an excess for which no bound is declared', async () => {
    const { report, gone, slow, after } = await run('open', 'total-excess <= 2');
    expect(claim(report, 'total-excess')).toBe('fail');
    expect(report.shards.flatMap(({ bound }) => bound?.totalExcess ?? [])).toEqual([]);
    for (const phase of [gone, slow]) {
      expect(outcomes(phase)).toEqual(['allowed']);
      expect(sources(phase)).toEqual(['fallback']);
    }
    expect(waitOf(gone)).toBeLessThan(900);
    expect(sources(after)).toContain('redis');
  });

  it('local-share: the share of their region, and an excess within the declared bound', async () => {
    const { report, gone, slow, after } = await run('local-share');
    expect(claim(report, 'total-excess')).toBe('pass');
    for (const phase of [gone, slow]) {
      expect(sources(phase)).toEqual(['fallback']);
      expect(outcomes(phase)).toContain('denied');
      expect(outcomes(phase)).not.toContain('failed');
    }
    expect(sources(after)).toContain('redis');
  });
});
