import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { testFolder } from '../support/cli.ts';
import { runVerified } from '../support/verified-run.ts';

/** Few users who all roam, at a low rate that drains every small bucket; a failed request is not repeated at once. */
const LOAD = '--policy 8:2/s --rate 60 --connections 150 --users 8 --skew 0 --roaming 1 --ramp 1'.split(' ');
const CLAIMS = ['--claim', 'total-excess <= bound', '--claim', 'info <= 40%'];
const SENTINEL = ['--topology', 'sentinel'];
/** Of us-east, with the primary. A takeover comes 3 to 5 s after it, on a busy machine later. */
const PARTITION = 'chaos partition --isolate us-east --at 3s --for 12s --duration 18'.split(' ');

interface Done {
  readonly report: RunReport;
  /** Its admissions. */
  readonly admitted: readonly { readonly atUs: number; readonly region: string; readonly node?: string }[];
}

/** A run that is no `fail`; its report, and the admissions with the node of each. */
async function run(...args: readonly string[]): Promise<Done> {
  const cwd = testFolder();
  const { code, stderr } = await runVerified([...args, ...LOAD, ...CLAIMS], { cwd });
  // 2, unknown: a busy machine decides or drains too little. What each test is about is asserted besides.
  expect(code, stderr).toBeOneOf([0, 2]);
  const read = (file: string) => readFileSync(join(cwd, 'reports/latest', file), 'utf8');
  const lines = read('history.ndjson').split('\n');
  const allowed = lines.filter((line) => line.includes('"outcome":"allowed"'));
  const admitted = allowed.map((line) => {
    const { invokedUs, region, decision } = JSON.parse(line);
    return { atUs: Number(invokedUs), region, node: decision?.node };
  });
  return { report: JSON.parse(read('report.json')), admitted };
}

function excessClaim({ claims }: RunReport) {
  const [claim] = claims;
  expect([claim?.claim, claim?.status]).toEqual(['total-excess <= bound', 'holds']);
  return Number(claim?.measured);
}

/** When a node other than the first was first seen as the primary. */
function promotedAtUs({ events }: RunReport): number {
  const promotion = events.find(({ node, args }) => args?.to === 'primary' && node !== 'us-east-0');
  expect(promotion, JSON.stringify(events)).toBeDefined();
  return promotion?.atUs ?? Number.NaN;
}

describe('behind Sentinels', { timeout: 240_000 }, () => {
  it('a primary that is cut off goes on: an excess within b + r * overlap', async () => {
    const { report, admitted } = await run(...PARTITION, ...SENTINEL);
    expect(excessClaim(report)).toBeGreaterThan(0);
    const [shard] = report.shards;
    const [takeover] = shard?.failovers ?? [];
    expect(takeover?.overlapUs).toBeGreaterThan(0);
    expect(shard?.bound?.formula).toMatch(/^\(8 \+ 2\/s \* [\d.]+ s overlap, takeover by [a-z-]+-0\)/);
    const after = admitted.filter(({ atUs }) => atUs > promotedAtUs(report));
    expect(new Set(after.map(({ node }) => node))).toContain('us-east-0');
  });

  it('a primary that is cut off stops, with min-replicas-to-write', async () => {
    const limits = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2'];
    const { report, admitted } = await run(...PARTITION, ...SENTINEL, ...limits);
    excessClaim(report);
    const promotedUs = promotedAtUs(report);
    const inject = report.faults.find(({ phase }) => phase === 'inject');
    const old = admitted.filter(({ node }) => node === 'us-east-0');
    const reached = old.filter(({ region, atUs }) => region !== 'us-east' && atUs < promotedUs); // not yet cut off
    const cutUs = Math.max(Number(inject?.atUs), ...reached.map(({ atUs }) => atUs));
    // The limit, a second until the server looks again, and two for a busy machine.
    const lastUs = cutUs + 5_000_000;
    expect(Math.max(...old.map(({ atUs }) => atUs))).toBeLessThan(lastUs);
    expect(admitted.some(({ node, atUs }) => node !== 'us-east-0' && atUs > promotedUs)).toBe(true);
  });

  it.each([
    { strategy: 'central', duration: '18' },
    // Both refuse until the old primary is back as a replica: 8 to 18 s after the heal.
    { strategy: 'acked', duration: '36' },
    { strategy: 'lease', duration: '36' },
  ])('$strategy admits no more than it declares when the primary dies', async ({ strategy, duration }) => {
    const kill = 'chaos kill --node us-east-0 --at 3s --for 8s'.split(' ');
    const { report } = await run(...kill, '--duration', duration, ...SENTINEL, '--strategy', strategy);
    const excess = excessClaim(report);
    if (strategy !== 'central') expect(excess).toBe(0);
    promotedAtUs(report);
  });
});

describe('one server for all regions', { timeout: 120_000 }, () => {
  it('comes back from its append-only file with every bucket', async () => {
    const restart = 'chaos restart --node us-east-0 --at 3s --duration 12'.split(' ');
    const { report } = await run(...restart, '--topology', 'single', '--persistence', 'aof');
    expect(excessClaim(report)).toBe(0);
    expect(report.faults.map(({ phase }) => phase).slice(0, 3)).toEqual(['inject', 'heal', 'settled']);
    expect(report.shards.map(({ shard, failovers }) => [shard, failovers])).toEqual([['us-east-0', []]]);
  });
});
