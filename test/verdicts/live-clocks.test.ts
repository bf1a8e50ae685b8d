import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { HTTP_LIMITERS, startHttpLimiter } from '../support/http-limiters.ts';

const LOAD = '--users 3 --skew 0 --connections 6 --duration 5s --ramp 0 --subject-header x-api-key'.split(
  ' ',
);

async function audit(url: string, options: readonly string[]) {
  const cwd = testFolder();
  const { code, stdout, stderr } = await runCli(['bench', '--target', url, ...LOAD, ...options], { cwd });
  const report: RunReport = JSON.parse(readFileSync(join(cwd, 'reports/latest/report.json'), 'utf8'));
  return { code, shown: stdout + stderr, report };
}

describe('an audit of a running limiter whose clock nobody reads', { timeout: 30_000 }, () => {
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
    const { code, shown, report } = await audit(limiter.url, options);
    expect([code, report.verdict], shown).toEqual([0, 'pass']);
    await limiter.stop();
  });
});
