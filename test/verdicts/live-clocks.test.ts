import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { type Decide, HTTP_LIMITERS, startHttpLimiter } from '../support/http-limiters.ts';
import { hasEvidence, proved } from '../support/proved.ts';

const LOAD = '--users 3 --skew 0 --connections 6 --duration 5s --ramp 0 --subject-header x-api-key'.split(
  ' ',
);

async function audit(url: string, options: readonly string[]) {
  const cwd = testFolder();
  const { code, stdout, stderr } = await runCli(['bench', '--target', url, ...LOAD, ...options], { cwd });
  const report: RunReport = JSON.parse(readFileSync(join(cwd, 'reports/latest/report.json'), 'utf8'));
  return { code, shown: stdout + stderr, report };
}

describe('an audit of a running limiter whose clock is not read', { timeout: 30_000 }, () => {
  it.each([
    {
      title: 'a bucket that counts in microseconds',
      decide: HTTP_LIMITERS.bucketUs({ capacity: 20, perSecond: 5 }),
      options: ['--policy', '20:5/s'],
    },
    {
      title: 'a bucket that counts in milliseconds',
      decide: HTTP_LIMITERS.bucketMs({ capacity: 20, perSecond: 100 }),
      options: ['--policy', '20:100/s'],
    },
    {
      title: 'windows of the epoch',
      decide: HTTP_LIMITERS.epochWindow({ limit: 10, windowMs: 1_000 }),
      options: ['--policy', '10:10/s', '--promise', 'fixed-window:10/1s:epoch'],
    },
    {
      title: 'the exact log',
      decide: HTTP_LIMITERS.slidingLog({ limit: 10, windowMs: 1_000 }),
      options: ['--policy', '10:10/s', '--promise', 'sliding-window:10/1s'],
    },
  ])('acquits $title', async ({ decide, options }) => {
    const limiter = await startHttpLimiter(decide);
    const { code, shown, report } = await proved(() => audit(limiter.url, options), hasEvidence);
    expect([code, report.verdict], shown).toEqual([0, 'pass']);
    await limiter.stop();
  });
});

const PROMISE = ['--promise', 'fixed-window:10/8s:epoch'];
/** Windows are placed to within 2 s, the second of a date and the round trip: 3 s in the middle of each are sure. */
const WINDOWS = [
  ...'--users 2 --skew 0 --connections 2 --duration 20 --ramp 0 --resting 0 --rate 20'.split(' '),
  ...'--subject-header x-api-key --clock date --policy 10:10/8s'.split(' '),
  ...['--claim', 'windows <= 0', '--claim', 'false-denials <= 0', ...PROMISE],
];

async function auditWindows(decide: Decide) {
  const cwd = testFolder();
  const limiter = await startHttpLimiter(decide);
  const { stdout, stderr } = await runCli(['bench', '--target', limiter.url, ...WINDOWS], { cwd });
  await limiter.stop();
  const report: RunReport = JSON.parse(readFileSync(join(cwd, 'reports/latest/report.json'), 'utf8'));
  const again = await runCli(['check', 'reports/latest/history.ndjson', ...PROMISE], { cwd });
  return { report, again, shown: stdout + stderr + again.stdout + again.stderr };
}

describe('an audit of windows of the epoch by the dates of replies', { timeout: 90_000 }, () => {
  it('convicts those that admit too much or deny too early in them, and no other', async () => {
    const rule = { limit: 10, windowMs: 8_000 };
    const [right, twice, late] = await Promise.all(
      [rule, { ...rule, limit: 20 }, { ...rule, laterMs: 4_000 }].map((each) =>
        auditWindows(HTTP_LIMITERS.epochWindow(each)),
      ),
    );
    expect(right?.report.verdict, right?.shown).not.toBe('fail');
    expect(right?.again.code, right?.shown).not.toBe(1);
    expect(right?.report.falseDenials.judged, right?.shown).toBeGreaterThan(0);
    expect(twice?.report.verdict, twice?.shown).toBe('fail');
    expect(twice?.report.windows.total, twice?.shown).toBeGreaterThan(0);
    expect(twice?.again.code, twice?.shown).toBe(1);
    expect(late?.report.verdict, late?.shown).toBe('fail');
    expect(late?.report.falseDenials.total, late?.shown).toBeGreaterThan(0);
  });
});
