import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckDocument } from '../../src/report/check-report.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { ROOT } from '../support/readme.ts';

const FIXTURES = join(ROOT, 'test/fixtures/verdicts');

/** Judges a log, and gives what a test asks of the report. */
async function check(file: string, options: string, more: readonly string[] = []) {
  const args = ['check', '--json', file, ...options.split(' '), ...more];
  const { code, stdout, stderr } = await callCli(args, { cwd: FIXTURES });
  const report: CheckDocument | undefined = stdout === '' ? undefined : JSON.parse(stdout);
  return {
    ...{ code, stderr, report, verdict: report?.verdict },
    said: [...(report?.assumptions ?? []), ...(report?.accounts ?? []).map(({ reason }) => reason)].join(
      '\n',
    ),
  };
}

function written(text: string | Uint8Array): string {
  const folder = testFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'log'), text);
  return join(folder, 'log');
}

const PROXY = '--from csv --key user --start t0_us --end t1_us --status code --capacity 20 --refill 5/s';

describe('what a proxy answered while its request went on', () => {
  it.each([
    { title: 'may be charged later, so denials behind it are not false', more: [], isGuilty: false },
    { title: 'may be charged later where the user says so', more: ['--unanswered', '5xx'], isGuilty: false },
    {
      title: 'was charged by its reply in a log of the limiter itself',
      more: ['--settled', '5xx'],
      isGuilty: true,
    },
    { title: 'is a denial where the user says so', more: ['--deny', '429,504'], isGuilty: true },
  ])('$title', async ({ more, isGuilty }) =>
    expect((await check('proxy-504.csv', PROXY, more)).verdict === 'fail').toBe(isGuilty),
  );

  it('is named among what the verdict assumes', async () => {
    expect((await check('proxy-504.csv', PROXY)).said).toContain(
      'what was answered 504 (20) may have been charged, at any time up to the end of the log or later',
    );
    expect((await check('proxy-504.csv', PROXY, ['--settled', '504'])).said).toContain(
      'what was answered 504 (20) may have been charged by the reply, and not later',
    );
  });

  it('means one thing: a status in two lists is refused', async () => {
    const { code, stderr } = await check('proxy-504.csv', PROXY, [
      '--settled',
      '500-504',
      '--unanswered',
      '504',
    ]);
    expect([code, stderr]).toEqual([
      64,
      expect.stringContaining('the status 504 is in two lists, --settled and --unanswered'),
    ]);
  });

  it('is a denial of nginx where 503 is frequent and nothing was denied: a hint, and unknown', async () => {
    const rows = Array.from({ length: 60 }, (_, at) => `u,${at}000,${at}100,${at < 20 ? 200 : 503}`);
    const file = written(['user,t0_us,t1_us,code', ...rows, ''].join('\n'));
    const { verdict, said } = await check(file, PROXY, ['--info', '1', '--contested', '0']);
    expect(verdict).toBe('unknown');
    expect(said).toMatch(/40 requests were answered 503 and none was denied: .* needs --deny 503/);
    expect(
      (await check(file, PROXY, ['--info', '1', '--contested', '0', '--unanswered', '503'])).said,
    ).not.toContain('needs --deny 503');
  });
});

describe('users that differ in bytes only', () => {
  const one = '--status status --capacity 1 --refill 1/s --contested 0';
  it.each([
    {
      title: 'Latin-1 in a table',
      file: 'latin1-keys.csv',
      options: `--from csv --key user --start start_us --end end_us ${one}`,
    },
    {
      title: 'Latin-1 in JSON',
      file: 'latin1-keys.jsonl',
      options: `--from access-log --key user --start t_us --duration d_us ${one}`,
    },
    {
      title: 'percent-encoded in an address',
      file: 'k6-percent.jsonl',
      options: '--from k6 --key query.user --capacity 1 --refill 1/s --contested 0',
    },
  ])('are two buckets: $title', async ({ file, options }) => {
    const { verdict, report } = await check(file, options);
    expect(report?.buckets).toBe(2);
    expect(verdict).not.toBe('fail');
  });

  it('are refused where half a character is all that differs', async () => {
    const { code, stderr } = await check(
      'half-characters.jsonl',
      `--from access-log --key user --start t_us --duration d_us ${one}`,
    );
    expect(code).toBe(64);
    expect(stderr).toContain('half-characters.jsonl:1: half a character');
  });

  it('are shown with their bytes escaped', async () => {
    const rows = ['user,start_us,end_us,status', 'Jos\xe9,0,10,200', 'Jos\xe9,20,30,200', ''].join('\n');
    const file = written(Buffer.from(rows, 'latin1'));
    const { report } = await check(file, `--from csv --key user --start start_us --end end_us ${one}`);
    expect(report?.overAdmission.findings[0]?.bucket).toBe('Jos\\xE9');
  });
});
