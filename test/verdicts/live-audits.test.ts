import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { BROKEN_HTTP_LIMITERS, startBrokenLimiter } from '../support/broken-http-limiters.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { HTTP_LIMITERS, startHttpLimiter } from '../support/http-limiters.ts';
import type { HttpServer } from '../support/http-server.ts';

const LOAD = '--users 4 --skew 0 --connections 6 --duration 2s --ramp 0 --subject-header x-api-key'.split(
  ' ',
);
const FAST = { capacity: 10, perSecond: 100 };
const WINDOW = { limit: 10, windowMs: 500 };
const BUCKET = ['--policy', '10:100/s'];
const windowed = (promise: string) => ['--policy', '10:20/s', '--promise', promise];

async function audit(limiter: HttpServer, options: readonly string[]) {
  const cwd = testFolder();
  const { stdout, stderr } = await runCli(['bench', '--target', limiter.url, ...LOAD, ...options], { cwd });
  await limiter.stop();
  const path = join(cwd, 'reports/latest/report.json');
  expect(existsSync(path), stdout + stderr).toBe(true);
  const report: RunReport = JSON.parse(readFileSync(path, 'utf8'));
  return { report, shown: stdout + stderr };
}

describe('a live audit', { timeout: 60_000 }, () => {
  it.each([
    { title: 'a bucket in microseconds', decide: HTTP_LIMITERS.bucketUs(FAST), options: BUCKET },
    { title: 'a bucket in milliseconds', decide: HTTP_LIMITERS.bucketMs(FAST), options: BUCKET },
    {
      title: 'a bucket that is asked for several tokens',
      decide: HTTP_LIMITERS.bucketMs(FAST),
      options: [...BUCKET, '--cost', '1,2,3', '--cost-header', 'x-cost'],
    },
    { title: 'the generic cell rate algorithm', decide: HTTP_LIMITERS.gcra(FAST), options: BUCKET },
    {
      title: 'windows of the epoch',
      decide: HTTP_LIMITERS.epochWindow(WINDOW),
      options: windowed('fixed-window:10/500ms:epoch'),
    },
    {
      title: 'windows that a request starts',
      decide: HTTP_LIMITERS.firstWindow(WINDOW),
      options: windowed('fixed-window:10/500ms:first'),
    },
    {
      title: 'windows of unknown alignment',
      decide: HTTP_LIMITERS.epochWindow(WINDOW),
      options: windowed('fixed-window:10/500ms'),
    },
    {
      title: 'a sliding log',
      decide: HTTP_LIMITERS.slidingLog(WINDOW),
      options: windowed('sliding-window:10/500ms'),
    },
  ])('does not accuse $title on a busy machine', async ({ decide, options }) => {
    const { report, shown } = await audit(await startHttpLimiter(decide), options);
    expect(report.verdict, shown).not.toBe('fail');
    expect(report.sent).toBeGreaterThan(0);
  });

  it.each([
    'runs as two instances that share nothing',
    'has a bucket for each connection',
    'loses every tenth write',
  ] as const)('convicts a limiter that %s', async (name) => {
    const decide = BROKEN_HTTP_LIMITERS[name]({ capacity: 20, perSecond: 5 });
    const { report, shown } = await audit(await startBrokenLimiter(decide), ['--policy', '20:5/s']);
    expect(report.verdict, shown).toBe('fail');
  });
});
