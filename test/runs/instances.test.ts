import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { runVerified } from '../support/verified-run.ts';

const AUDITS = join(import.meta.dirname, '../../audits');
const SMALL =
  '--regions a,b --round-trip a:b=10 --replicas 0 --connections 12 --users 4 --skew 0 --roaming 1 --duration 5s --ramp 1 --policy 8:2/s'.split(
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

const inMemory = ['--limiter', resolve(AUDITS, 'memory-counter.mjs')];

describe('a region with several services', { timeout: 120_000 }, () => {
  it('convicts a limit in the memory of each process, by the number of instances', async () => {
    const { code, report, operations } = await run(['bench', ...inMemory, ...SMALL, '--instances', '3']);
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
    const { code, report, operations } = await run(['bench', ...inMemory, ...SMALL]);
    expect([code, report.plan.instances]).toEqual([1, undefined]);
    expect(report.reasons?.map(({ reason }) => reason)).toEqual(['regions-apart']);
    expect(operations.some((operation) => 'instance' in operation)).toBe(false);
  });

  it.each(['central', 'lease'])('acquits %s', async (strategy) => {
    const { code, report, stderr } = await run([
      ...['bench', '--strategy', strategy, ...SMALL.map((word) => (word === '0' ? '1' : word))],
      ...['--instances', '3'],
    ]);
    expect([code, report.verdict], JSON.stringify(report.claims) + stderr).toEqual([0, 'pass']);
  });
});
