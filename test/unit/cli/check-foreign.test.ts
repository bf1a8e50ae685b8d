import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { CheckDocument } from '../../../src/report/check-report.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, withoutProgress, write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';
import { headerOf, type OperationPart, operationOf } from '../../support/history.ts';
import { ROOT } from '../../support/readme.ts';

describe('check of a log that others wrote', () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => `ada,${1_000 + i},${2_000 + i},200`);
  const csv = (count: number) =>
    ['user,from_ms,to_ms,code', ...rows(count), 'ada,2100,2200,429', 'ada,90000,99000,200', ''].join('\n');
  const options = [
    '--from',
    'csv',
    '--key',
    'user',
    '--start',
    'from_ms',
    '--end',
    'to_ms',
    '--status',
    'code',
    '--capacity',
    '20',
    '--refill',
    '5/s',
  ];

  it.each([
    { title: 'passes', text: csv(25), code: 0 },
    { title: 'fails', text: csv(26), code: 1 },
  ])('$title on a table: exit code $code', async ({ text, code }) => {
    const folder = testFolder();
    const result = await callCli(['check', write(folder, 'api.csv', text), ...options], { cwd: folder });
    expect([result.code, withoutProgress(result.stderr)]).toEqual([code, '']);
    expect(result.stdout).toMatch(/initial level unknown; strategy csv/);
  });

  it.each([
    { title: 'alone', policy: ['--policy', '20:5/s'] },
    {
      title: 'beside the same capacity and refill',
      policy: [...options.slice(-4), '--policy', '20:300/min'],
    },
  ])('takes --policy $title', async ({ policy }) => {
    const folder = testFolder();
    const judge = (text: string) =>
      callCli(['check', write(folder, 'api.csv', text), ...options.slice(0, -4), ...policy], { cwd: folder });
    expect((await judge(csv(25))).code).toBe(0);
    expect(await judge(csv(26))).toMatchObject({ code: 1, stdout: expect.stringContaining('20:5/s') });
  });

  it('notes that no line has a status of a list that was typed', async () => {
    const folder = testFolder();
    const file = write(folder, 'api.csv', csv(25));
    const { stdout } = await callCli(['check', file, ...options, '--deny', 'foo'], { cwd: folder });
    expect(stdout).toContain('\n  note no line has a status of --deny; the log has 200 (26), 429 (1)\n');
  });

  it('judges denials only while every file of several runs', async () => {
    const folder = testFolder();
    const table = (...lines: string[]) => ['user,from_ms,to_ms,code', ...lines, ''].join('\n');
    const one = write(folder, 'one.csv', table('ada,0,10,200', 'ada,50000,50010,429', 'ada,90000,90010,200'));
    const two = write(folder, 'two.csv', table('eve,60000,60010,200', 'eve,95000,95010,200'));
    expect((await callCli(['check', one, ...options], { cwd: folder })).stdout).toMatch(
      /1 of 1 denial was false/,
    );
    expect((await callCli(['check', one, two, ...options], { cwd: folder })).stdout).not.toMatch(
      /\d of \d+ denials? w(as|ere) false/,
    );
  });

  it('grants clocks that are not one the slack that was typed, and does not pass for that alone', async () => {
    const folder = testFolder();
    const file = write(folder, 'api.csv', csv(26));
    const { code, stdout } = await callCli(['check', file, ...options, '--clock-slack', '100ms'], {
      cwd: folder,
    });
    expect(stdout).toMatch(/ok no bucket admitted more/);
    expect(stdout).toMatch(
      /\? 1 bucket would have admitted too much if both ends .* were not widened by 100 ms/,
    );
    expect(code).toBe(2);
  });

  it('reads the access log of nginx, and says which lines it left out', async () => {
    const folder = testFolder();
    const line = (user: string, second: string, status: number) =>
      JSON.stringify({
        remote_user: user,
        time_iso8601: `2026-11-25T00:00:${second}+00:00`,
        request_time: '0.120',
        status,
      });
    const lines = [
      ...Array.from({ length: 21 }, () => line('ada', '07', 200)),
      line('ada', '07', 429),
      line('-', '07', 200),
      line('ada', '59', 200),
    ];
    const { code, stdout, stderr } = await callCli(
      [
        'check',
        write(folder, 'access.log', `${lines.join('\n')}\n`),
        '--from',
        'access-log',
        '--key',
        'remote_user',
        '--end',
        'time_iso8601',
        '--duration',
        'request_time',
        '--unit',
        's',
        '--status',
        'status',
        '--promise',
        'sliding-window:20/60s',
      ],
      { cwd: folder },
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/broke the promise of sliding-window:20\/60s/);
    expect(stdout).toContain('assumes lines without remote_user are left out: 1\n');
    expect(withoutProgress(stderr)).toBe('');
  });

  it.each([
    {
      title: 'one time only',
      args: options.filter((_, i) => i < 4 || i > 5),
      says: /needs two of --start, --end and --duration/,
    },
    { title: 'no policy', args: options.slice(0, -4), says: /--from needs --policy: the log has none\n/ },
    {
      title: 'two policies',
      args: [...options, '--policy', '20:6/s'],
      says: /--policy 20:6\/s and --capacity or --refill differ/,
    },
    {
      title: 'two capacities',
      args: [...options.slice(0, -2), '--policy', '21:5/s'],
      says: /--policy 21:5\/s and --capacity or --refill differ/,
    },
    {
      title: 'a policy without --from',
      args: ['--policy', '20:5/s'],
      says: /--policy needs --from: .*\n {2}a history/,
    },
    { title: 'half a policy', args: options.slice(0, -2), says: /--capacity and --refill are one policy/ },
    {
      title: 'two formats',
      args: [...options, '--format', 'md', '--json'],
      says: /'--format <format>' cannot be used with option '--json'/,
    },
    {
      title: 'no key',
      args: options.filter((_, i) => i < 2 || i > 3),
      says: /needs --key, the field that names the bucket/,
    },
    {
      title: 'its options without --from',
      args: options.slice(2),
      says: /--key needs --from: one of csv/,
    },
    {
      title: 'a field of stated values without --from',
      args: ['--rate-limit-policy', 'p'],
      says: /--rate-limit-policy needs --from: one of csv/,
    },
    {
      title: 'a field of stated values that is not there',
      args: [...options, '--retry-after', 'wait'],
      says: /there is no column "wait"/,
    },
    {
      title: 'an invalid promise',
      args: ['--promise', 'magic'],
      says: /expected one of token-bucket/,
    },
  ])('refuses $title: exit code 64', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(['check', write(folder, 'api.csv', csv(1)), ...args], {
      cwd: folder,
    });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
  });
});

describe('a history as others write files', () => {
  const good = historyText(20);
  it.each([
    { title: 'lines that end as on Windows', text: good.replaceAll('\n', '\r\n') },
    { title: 'a byte order mark', text: `\ufeff${good}` },
    { title: 'empty lines', text: `\n${good.replaceAll('\n', '\n\n')}` },
    { title: 'no line break at its end', text: good.trimEnd() },
  ])('with $title is read', async ({ text }) => {
    const folder = testFolder();
    const { code, stdout } = await callCli(['check', write(folder, 'h.ndjson', text)], { cwd: folder });
    expect([code, stdout]).toEqual([0, expect.stringContaining('all 21 requests sent are accounted for')]);
  });
});

describe('a log of k6, and one of vegeta', () => {
  const docs = join(ROOT, 'docs/examples');
  it.each([
    { args: ['k6.json.gz', '--from', 'k6', '--key', 'user'], capacity: 20, code: 1 },
    { args: ['k6.json.gz', '--from', 'k6', '--key', 'query.user'], capacity: 21, code: 0 },
    { args: ['vegeta.json.gz', '--from', 'vegeta', '--key', 'query.user'], capacity: 20, code: 1 },
    { args: ['vegeta.csv', '--from', 'vegeta', '--key', 'query.user'], capacity: 21, code: 0 },
  ])('is judged: $args with $capacity', async ({ args: [file = '', ...rest], capacity, code }) => {
    const policy = ['--policy', `${capacity}:5/s`];
    const result = await callCli(['check', join(docs, file), ...rest, ...policy]);
    expect(result.code, result.stderr).toBe(code);
    expect(result.stdout).toMatch(/all 120 requests .*: 48 allowed \+ 71 denied \+ 0 failed \+ 1 info/);
  });

  it.each([
    {
      args: ['--status', 'code'],
      says: '--status cannot be used with --from k6: the k6 output already contains it',
    },
    { args: ['--end', 't'], says: '--end cannot be used with --from k6: the k6 output already contains it' },
  ])('needs no $args', async ({ args, says }) => {
    const command = ['check', join(docs, 'k6.json.gz'), '--from', 'k6', '--key', 'user', ...args];
    const { code, stderr } = await callCli([...command, '--policy', '1:1/s']);
    expect([code, stderr]).toEqual([64, expect.stringContaining(says)]);
  });
});

describe('what others named', () => {
  const evil =
    '\u001b[31m<img src=x onerror=alert(1)></script>]]>|`x````\n::error::\u009b\u202e\u2028@me [a](http://b)';
  const decision = {
    strategy: evil,
    node: evil,
    source: 'redis',
    atUs: 5,
    bucketUs: 5,
    levelQuanta: 9,
  } as const;
  const ops = (count: number, part: OperationPart) =>
    Array.from({ length: count }, () => ({
      completedUs: part.outcome === 'info' ? null : (part.invokedUs ?? 0) + 9,
      ...part,
    }));
  const named = { bucket: evil, user: evil, region: evil, policy: evil, invokedUs: 1_000 };
  const parts: OperationPart[] = [
    ...ops(25, { ...named, decision: { ...decision, node: `1${evil}` } }),
    ...ops(3, { ...named, invokedUs: 9_000_000, decision }),
    ...ops(2, {
      ...named,
      outcome: 'denied',
      invokedUs: 30_000_000,
      decision,
    }),
    ...ops(2, { ...named, outcome: 'info', error: evil, decisionId: evil, latestUs: 9_000 }),
  ];
  const args = { [evil]: evil, to: 'primary', slots: evil, isolate: [evil] };
  const text = [
    headerOf('20:5/s', {
      policies: { [evil]: { capacity: 20, refill: { tokens: 5, perUs: 1_000_000 } } },
      strategy: evil,
      scenario: evil,
      regions: [evil],
      startedAt: evil,
    }),
    ...parts.map((part, at) => operationOf(at, part)),
    { type: 'event' as const, event: evil, node: evil, atUs: 3, args },
    { type: 'event' as const, event: 'role', node: evil, atUs: 3, args },
    { type: 'fault' as const, fault: evil, phase: 'inject' as const, atUs: 1_500, args },
    ...[1, 900_000, 1_800_000].map((atUs, at) => ({
      type: 'clock' as const,
      node: evil,
      atUs,
      serverUs: atUs + 3_000_000 * at,
      errorUs: 1,
    })),
    { type: 'end' as const, atUs: 1, sent: parts.length },
  ]
    .map(encodeRecord)
    .join('');
  const fileName = `h${evil.replaceAll('/', '')}`;
  const shown = async (format: string) => {
    const folder = testFolder();
    const result = await callCli(['check', '--format', format, write(folder, fileName, text)], {
      cwd: folder,
    });
    expect([result.code, withoutProgress(result.stderr)]).toEqual([1, '']);
    expect(result.stdout + result.stderr).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
    return result.stdout;
  };

  it('is shown in a table and obeyed by no terminal', async () => {
    const table = await shown('table');
    expect(table).toContain('\\u001b[31m<img');
    expect(table).not.toMatch(/^::/m);
  });

  it('is no markup in Markdown, and ends neither cell nor fence', async () => {
    const markdown = await shown('md');
    const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '');
    expect(prose).not.toMatch(/<|[^\\]\[a\]|@me|:\/\/|[^\\]`/);
    for (const table of prose.split(/\n\n/).filter((part) => part.startsWith('| '))) {
      const widths = table.split('\n').map((line) => line.match(/(?<!\\)\|/g)?.length);
      expect(new Set(widths).size).toBe(1);
    }
    expect(markdown.match(/^```/gm)?.length).toBe(markdown.match(/```/g)?.length);
  });

  it('is text in JUnit', async () => {
    const xml = await shown('junit');
    const tags = xml.match(/<[^>]*>/g)?.map((tag) => /^<[/?]?([\w-]+)/.exec(tag)?.[1]);
    expect(new Set(tags)).toEqual(
      new Set([
        ...['xml', 'testsuites', 'testsuite', 'properties', 'property', 'testcase', 'failure', 'error'],
        ...['system-out', 'system-err'],
      ]),
    );
    expect(xml.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
  });

  it('is whole in JSON', async () => {
    const document: CheckDocument = JSON.parse(await shown('json'));
    expect(document.overAdmission.findings[0]?.bucket).toBe(`${evil} (${evil})`);
    expect(document.files).toMatchObject([{ name: fileName }]);
  });

  it('is escaped in errors', async () => {
    const folder = testFolder();
    const broken = text.replace('"index":3,', '"index":2,');
    const { code, stderr } = await callCli(['check', write(folder, fileName, broken)], { cwd: folder });
    expect(code).toBe(64);
    expect(withoutProgress(stderr)).toMatch(/^error: h\\u001b\[31m.*:5: index 2 is a duplicate/);
    expect(stderr).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  });
});
