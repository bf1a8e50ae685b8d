import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';

const ROOT = join(import.meta.dirname, '../..');
const CASES = join(ROOT, 'test/fixtures/verdicts/evidence');
const NGINX = join(ROOT, 'docs/examples/nginx-access.log.gz');
const TABLE = join(ROOT, 'docs/examples/requests.csv');
const POLICY = ['--capacity', '20', '--refill', '5/s'];

async function check(...args: readonly string[]) {
  const { code, stdout } = await callCli(['check', ...args], { cwd: testFolder() });
  return { code, verdict: stdout.split('\n').slice(0, 16).join('\n') };
}

describe('a history that proves nothing is unknown:', () => {
  it.each([
    {
      file: 'denied-at-other-time.ndjson',
      says: /\? contested buckets could have admitted 1 of 2 tokens more/,
    },
    { file: 'denied-cost-above-capacity.ndjson', says: /\? 0 of 1 bucket were drained and contested/ },
    { file: 'merged-denial.ndjson', says: /\? 0 of 1 bucket were drained and contested/ },
    { file: 'wide-intervals.ndjson', says: /\? contested buckets could have admitted 2 of 2 tokens more/ },
  ])('$file', async ({ file, says }) => {
    const { code, verdict } = await check(join(CASES, file));
    expect(verdict).toMatch(says);
    expect(code).toBe(2);
  });
});

describe('the log of a limiter that admits 21 of 20', () => {
  const fields = ['--from', 'access-log', '--key', 'api_key', '--unit', 's', '--status', 'status', ...POLICY];

  it('convicts it', async () => {
    const { code, verdict } = await check(NGINX, ...fields, '--end', 'msec', '--duration', 'request_time');
    expect(verdict).toMatch(/FAIL 10 buckets over-admitted/);
    expect(code).toBe(1);
  });

  it.each([
    {
      title: 'with its columns swapped',
      args: ['--end', 'request_time', '--duration', 'msec'],
      says: /half of the requests seem to take 20782 days or more.*: columns are swapped/,
    },
    {
      title: 'with other columns swapped',
      args: ['--start', 'request_time', '--end', 'msec'],
      says: /columns are swapped, or times are in another unit/,
    },
    {
      title: 'with a slack that hides it',
      args: ['--end', 'msec', '--duration', 'request_time', '--clock-slack', '100ms'],
      says: /10 buckets would have admitted too much if both ends of every interval were not widened by 100 ms/,
    },
    {
      title: 'with a slack that hides everything',
      args: ['--end', 'msec', '--duration', 'request_time', '--clock-slack', '10s'],
      says: /contested buckets could have admitted 20 of 20 tokens more/,
    },
  ])('acquits it not $title', async ({ args, says }) => {
    const { code, verdict } = await check(NGINX, ...fields, ...args);
    expect(verdict).toMatch(says);
    expect(code).toBe(2);
  });

  const lines = gunzipSync(readFileSync(NGINX))
    .toString()
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { msec: number; request_time: number; api_key: string; status: number },
    );

  it.each([
    {
      title: 'milliseconds read as seconds',
      took: (s: number) => `${Math.round(1e3 * s)}`,
      says: /every interval is at least 1 s wide/,
    },
    {
      title: 'microseconds read as seconds',
      took: (s: number) => `${Math.round(1e6 * s)}`,
      says: /no denial could be judged/,
    },
    {
      title: 'ends in whole seconds',
      end: (s: number) => `${Math.floor(s)}`,
      says: /every end is a multiple of 1 s, so no interval is shorter/,
    },
    {
      title: 'all in tenths of a second',
      took: (s: number) => s.toFixed(1),
      end: (s: number) => s.toFixed(1),
      says: /if both ends of every interval were not widened by 100 ms/,
    },
  ])('acquits it not with times that are wrong: $title', async ({ took, end, says }) => {
    const file = join(testFolder(), 'log.csv');
    const rows = lines.map(({ msec, request_time, api_key, status }) =>
      [
        api_key,
        (end ?? ((s) => s.toFixed(3)))(msec),
        (took ?? ((s) => s.toFixed(3)))(request_time),
        status,
      ].join(),
    );
    writeFileSync(file, `${['user,end,took,status', ...rows].join('\n')}\n`);
    const from = ['--from', 'csv', '--key', 'user', '--end', 'end', '--duration', 'took', '--unit', 's'];
    const { code, verdict } = await check(file, ...from, '--status', 'status', ...POLICY);
    expect(verdict).toMatch(says);
    expect(code).toBe(2);
  });

  it('acquits it not with durations of which most are longer than the log', async () => {
    const columns = ['--key', 'user', '--end', 'end_us', '--duration', 'took_s', '--status', 'status'];
    const { code, verdict } = await check(
      join(CASES, 'duration-ms-read-as-s.csv'),
      ...['--from', 'csv', ...columns, ...POLICY],
    );
    expect(verdict).toMatch(/\? false-denials <= 0: no denial could be judged/);
    expect(code).toBe(2);
  });
});

describe('a table of starts and ends', () => {
  const fields = ['--from', 'csv', '--key', 'user', '--status', 'status', ...POLICY];

  it.each([
    { title: 'whose ends are read as lengths', args: ['--start', 'sent_us', '--duration', 'answered_us'] },
    { title: 'whose starts are read as ends', args: ['--end', 'sent_us', '--duration', 'answered_us'] },
  ])('$title proves nothing', async ({ args }) => {
    expect([1, 2]).toContain((await check(TABLE, ...fields, ...args)).code);
  });
});

describe('refunds excuse no more than they are worth:', () => {
  it.each([
    {
      title: 'five that each came to a full bucket',
      file: 'refunds-forever.ndjson',
      admitted: 6,
      allowed: 1,
    },
    {
      title: 'one of two thousand million tokens',
      file: 'one-huge-refund.ndjson',
      admitted: 50,
      allowed: 2,
    },
  ])('$title', async ({ file, admitted, allowed }) => {
    const { code, stdout } = await callCli(['check', join(CASES, file)], { cwd: testFolder() });
    const [, first, last] = /(\d+) tokens admitted wholly within .* = ([\d.]+)/.exec(stdout) ?? [];
    expect([code, Number(first)]).toEqual([1, expect.any(Number)]);
    expect(Number(first)).toBeLessThanOrEqual(admitted);
    expect(Number(last)).toBeCloseTo(allowed, 1);
  });
});
