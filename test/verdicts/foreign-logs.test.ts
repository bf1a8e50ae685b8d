import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckDocument } from '../../src/report/check-report.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { blocksOf, commandsOf, ROOT } from '../support/readme.ts';

const FIXTURES = join(ROOT, 'test/fixtures/verdicts');

/** Judges a log, and gives what a test asks of the report. */
async function check(file: string, options: string, more: readonly string[] = []) {
  const args = ['check', '--json', file, ...options.split(' '), ...more];
  const { code, stdout, stderr } = await callCli(args, { cwd: FIXTURES });
  const report: CheckDocument | undefined = stdout === '' ? undefined : JSON.parse(stdout);
  return {
    ...{ code, stderr, report, verdict: report?.verdict },
    output: [...(report?.assumptions ?? []), ...(report?.accounts ?? []).map(({ reason }) => reason)].join(
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
    { title: 'may be charged later, so denials behind it are not false', more: [], isConvicted: false },
    {
      title: 'may be charged later where the user says so',
      more: ['--unanswered', '5xx'],
      isConvicted: false,
    },
    {
      title: 'was charged by its reply in a log of the limiter itself',
      more: ['--settled', '5xx', '--complete'],
      isConvicted: true,
    },
    {
      title: 'is a denial where the user says so',
      more: ['--deny', '429,504', '--complete'],
      isConvicted: true,
    },
  ])('$title', async ({ more, isConvicted }) =>
    expect((await check('proxy-504.csv', PROXY, more)).verdict === 'fail').toBe(isConvicted),
  );

  it('is named among what the verdict assumes', async () => {
    expect((await check('proxy-504.csv', PROXY)).output).toContain(
      'requests answered 504 (20) may have been charged at any time, even after the end of the log',
    );
    expect((await check('proxy-504.csv', PROXY, ['--settled', '504'])).output).toContain(
      'requests answered 504 (20) may have been charged, but not after the reply',
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
    const { verdict, output } = await check(file, PROXY, ['--info', '1', '--contested', '0']);
    expect(verdict).toBe('unknown');
    expect(output).toMatch(/40 requests were answered 503 and none was denied; .* use --deny 503,/);
    expect(
      (await check(file, PROXY, ['--info', '1', '--contested', '0', '--unanswered', '503'])).output,
    ).not.toContain('use --deny 503');
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

describe('a line that cannot be read', () => {
  const table = '--from csv --key user --start t0_us --end t1_us --status code --contested 0';
  /** A bucket of two tokens, empty at 0 s: a line that says no time may have taken one, so the denial at 2 s is right. */
  const rows = (second: string) => [
    'user,t0_us,t1_us,code',
    ...Array.from({ length: 198 }, (_, at) => `other,${at}0000,${at}0100,200`),
    'u,0,100,200',
    second,
    'u,2000000,2000100,429',
    'other,9000000,9900000,200',
    'other,40000000,40000100,200',
    '',
  ];
  const limits = ['--capacity', '2', '--refill', '1/s'];
  it.each([
    { title: 'that names its bucket, so a denial behind it is not false', line: 'u,-,1500100,200' },
    { title: 'that names none, so no denial is judged', line: 'oops' },
  ])('may be a request: $title', async ({ line }) => {
    const file = written(rows(line).join('\n').replaceAll('other', 'x'));
    const { report, output } = await check(file, table, limits);
    expect(report?.falseDenials.total, output).toBe(0);
    expect(output).toMatch(/unreadable lines: 1, the first is .*log:201 \(/);
  });

  it('that is left out of the log altogether leaves that denial false', async () => {
    const { report } = await check(written(rows('u2,0,100,200').join('\n')), table, [
      ...limits,
      '--complete',
    ]);
    expect(report?.falseDenials.total).toBe(1);
  });

  it('is refused where a window starts with a request', async () => {
    const file = written(rows('u,-,1500100,200').join('\n'));
    const { code, stderr } = await check(file, table, ['--promise', 'fixed-window:1/1s:first']);
    expect([code, stderr]).toEqual([64, expect.stringMatching(/log:201: t0_us has no value: "-"/)]);
  });
});

describe('the commands of the guide', () => {
  const guide = readFileSync(join(ROOT, 'docs/logs.md'), 'utf8');
  const commands = blocksOf(guide)
    .flatMap((block) => commandsOf(block))
    .filter(
      ({ text, exitCode }) => exitCode === 0 && / check docs\/examples\/.* --policy (?:21|61):/.test(text),
    )
    .map(({ text }) => text.replace(/^.* check /, ''));

  it('are one for each format', () => expect(commands.length).toBeGreaterThanOrEqual(14));

  it.each(commands)('convict the limiter of a smaller promise: %s', async (command) => {
    const [file = '', ...options] = command.split(' ');
    const smaller = options.map((word) => word.replace(/^21:/, '20:').replace(/^61:/, '50:'));
    expect((await check(join(ROOT, file), smaller.join(' '))).verdict).toBe('fail');
  });
});

describe('options of a log', () => {
  const file = 'proxy-504.csv';
  const policy = ['--capacity', '20', '--refill', '5/s'];
  it.each([
    {
      title: 'combined without a time',
      options: '--from combined --key remote_addr',
      says: /needs two of --start, .* nginx logs the time of the end \(--end time_local\), Apache the time of the start/,
    },
    {
      title: 'neither key nor --one-bucket',
      options: '--from envoy',
      says: /needs --key, .*, or --one-bucket/,
    },
    {
      title: 'both of them',
      options: '--from envoy --key a --one-bucket',
      says: /'--one-bucket' cannot be used with option '--key/,
    },
    {
      title: 'a duration twice',
      options: '--from csv --key a --end t_us --duration d_us --duration-at-most 1s --status s',
      says: /'--duration-at-most <time>' cannot be used with option '--duration/,
    },
    {
      title: 'a zone that is none',
      options: '--from csv --key a --zone Paris',
      says: /Expected UTC, or an offset/,
    },
    {
      title: 'a list without --from',
      options: '--settled 500',
      says: /--capacity needs --from: one of csv/,
    },
  ])('are refused: $title', async ({ options, says }) => {
    const { code, stderr } = await check(file, options, policy);
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });

  it('that were given outrank the statuses that are allowed and denied without them', async () => {
    const { report } = await check(file, PROXY, ['--unanswered', '200', '--settled', '429', '--info', '1']);
    expect(report?.outcomes).toEqual({ allowed: 0, denied: 0, failed: 0, info: 509 });
  });

  it('are the same of a live audit: a status in two lists is refused before anything is sent', async () => {
    const target = 'http://127.0.0.1:1/';
    const { code, stderr } = await callCli(['bench', '--target', target, '--allow', '200-499'], {
      cwd: testFolder(),
    });
    expect([code, stderr]).toEqual([64, expect.stringContaining('the status 429 is in two lists')]);
  });
});
