import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { runVerified } from '../support/verified-run.ts';

/** Few users who all roam, so that every bucket is drained in every region. */
const LOAD = '--rate 300 --connections 300 --users 10 --skew 0 --roaming 1 --ramp 1'.split(' ');
const CLAIMS = ['--claim', 'total-excess <= bound', '--claim', 'info <= 40%'];

async function run(args: readonly string[]): Promise<{ report: RunReport; history: string }> {
  const folder = testFolder();
  await runVerified([...args, ...LOAD, ...CLAIMS], { cwd: folder });
  const read = (file: string) => readFileSync(join(folder, 'reports/latest', file), 'utf8');
  return { report: JSON.parse(read('report.json')), history: read('history.ndjson') };
}

describe('strategy acked', { timeout: 240_000 }, () => {
  it('admits nothing twice when a primary dies under load, where its declared bound counts no failover', async () => {
    const args = ['chaos', 'kill', '--node', 'us-east-0', '--at', '4s', '--for', '9s', '--duration', '18'];
    const { report } = await run([...args, '--strategy', 'acked']);
    const [claim] = report.claims;
    expect([claim?.claim, claim?.status, claim?.measured]).toEqual(['total-excess <= bound', 'holds', 0]);
    const shard = report.shards.find(({ shard }) => shard === 'us-east-0');
    expect(shard?.failovers.length).toBeGreaterThan(0);
    // On a machine so busy that its replica was not promoted in nine seconds, it comes back with nothing.
    expect(shard?.bound?.totalExcess).toBe(20 * (shard?.emptyRestarts ?? Number.NaN));
    expect(report.replay.findings).toEqual([]);
    expect(report.outcomes.allowed).toBeGreaterThan(0);
  });

  it('serves on by local shares where it cannot decide, within what they declare', async () => {
    const cut = [
      'chaos',
      'partition',
      '--isolate',
      'eu-west',
      '--at',
      '4s',
      '--for',
      '6s',
      '--duration',
      '14',
    ];
    const { report, history } = await run([...cut, '--strategy', 'acked', '--on-failure', 'local-share']);
    const [claim] = report.claims;
    expect([claim?.claim, claim?.status]).toEqual(['total-excess <= bound', 'holds']);
    expect(report.plan.onFailure).toBe('local-share');
    const fallbacks = report.shards.flatMap((shard) => shard.fallbacks ?? []);
    expect(new Set(fallbacks.map(({ region }) => region))).toContain('eu-west');
    const decided = history.split('\n').filter((line) => line.includes('"source":"fallback"'));
    const admitted = decided.filter((line) => line.includes('"outcome":"allowed"'));
    expect(admitted).toHaveLength(fallbacks.reduce((sum, { admissions }) => sum + admissions, 0));
    const denied = decided.filter((line) => line.includes('"outcome":"denied"'));
    const mayBeCharged = ({ charge }: { charge?: string }) => charge !== 'none';
    for (const { decision, maxCharge } of denied.map((line) => JSON.parse(line)))
      expect(maxCharge).toBe(mayBeCharged(decision) ? 1 : undefined);
    const bounds = report.shards.flatMap(({ bound, fallbacks: any }) =>
      any === undefined ? [] : [bound?.formula],
    );
    expect(bounds[0]).toMatch(/^0: .*; and local shares: \(20 \+ 5\/s \* [\d.]+ s of [a-z-]+\) \/ 3/);
  });

  it('needs a replica of each primary', async () => {
    const { code, stderr } = await callCli(['bench', '--strategy', 'acked', '--replicas', '0']);
    expect(code).toBe(64);
    expect(stderr).toMatch(/--replicas: strategy acked waits for replicas/);
  });
});
