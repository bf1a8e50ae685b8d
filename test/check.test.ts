import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../src/history/codec.ts';
import type { CheckDocument } from '../src/report/check-report.ts';
import { callCli } from './support/call-cli.ts';
import { startCli, testFolder } from './support/cli.ts';
import { headerOf, type OperationPart, operationOf } from './support/history.ts';
import { ROOT } from './support/readme.ts';

/** The text of a history in which a full bucket of 20 admits so many at once and denies one more. */
function historyText(admitted: number, { sent = admitted + 1, from = 0 } = {}): string {
  const outcomes = [...Array.from({ length: admitted }, () => 'allowed' as const), 'denied' as const];
  return [
    headerOf('20:5/s'),
    ...outcomes.map((outcome, at) =>
      operationOf(from + at, { outcome, invokedUs: 1_000, completedUs: 2_000 }),
    ),
    { type: 'end' as const, atUs: 9_000, sent },
  ]
    .map(encodeRecord)
    .join('');
}

/** What a program wrote on stderr, but for its progress: that is there when the machine is busy. */
function withoutProgress(stderr: string): string {
  return stderr.replace(/^reading .+: \d+ operations\n/gm, '');
}

function write(folder: string, name: string, text: string | Uint8Array): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe('check', () => {
  it.each([
    {
      title: 'passes what an ideal bucket can admit',
      text: historyText(20),
      code: 0,
      says: /^verdict {2}pass\n/,
    },
    {
      title: 'fails one token more',
      text: historyText(21),
      code: 1,
      says: /^verdict {2}fail\n {2}FAIL 1 bucket over-admitted/,
    },
    {
      title: 'does not know of a history cut short',
      text: historyText(20).replace(/.*"end".*\n/, ''),
      code: 2,
      says: /\? the history has no end/,
    },
    {
      title: 'does not know when an operation is missing',
      text: historyText(20, { sent: 22 }),
      code: 2,
      says: /\? 1 of 22 requests sent are missing/,
    },
  ])('$title: exit code $code', async ({ text, code, says }) => {
    const folder = testFolder();
    const result = await callCli(['check', write(folder, 'h.ndjson', text)], { cwd: folder });
    expect({ code: result.code, stderr: withoutProgress(result.stderr) }).toEqual({ code, stderr: '' });
    expect(result.stdout).toMatch(says);
    expect(result.stdout).toMatch(/seed {5}1\nagain {4}openclaw-rl check h\.ndjson\n/);
  });

  it('shows a proof that a person can verify', async () => {
    const folder = testFolder();
    const { stdout } = await callCli(['check', write(folder, 'h.ndjson', historyText(30))], { cwd: folder });
    expect(stdout).toContain(
      '  bucket b: 21 tokens admitted wholly within 0.001 s, where capacity 20 + 5/s * 0.001 s = 20.005\n',
    );
    expect(stdout).toContain('    21 operations prove it; 0 s is 1000 us\n');
    expect(stdout).toMatch(/ {4}#\d+ +r +allowed +1 +0\.000000 +0\.001000 {2}\|=+\|\n/);
  });

  it('prints one JSON document with --json, and nothing else', async () => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(
      ['check', '--json', write(folder, 'h.ndjson', historyText(21))],
      { cwd: folder },
    );
    const document: CheckDocument = JSON.parse(stdout);
    expect([code, withoutProgress(stderr)]).toEqual([1, '']);
    expect(document).toMatchObject({
      format: 'openclaw-check',
      version: 3,
      verdict: 'fail',
      policies: { '': '20:5/s' },
      overAdmission: { totalExcess: 0.995 },
    });
    expect(document.overAdmission.findings[0]?.witness).toHaveLength(21);
  });

  it.each([
    { format: 'md', says: /^# openclaw-rl check: fail\n[\s\S]*\n## over-admission\n\n```text\n/u },
    {
      format: 'junit',
      says: /^<\?xml [\s\S]*<testsuite name="openclaw-rl check" tests="8" failures="1" errors="0" skipped="0">[\s\S]*<failure message="1 bucket over-admitted/u,
    },
  ])('prints $format', async ({ format, says }) => {
    const folder = testFolder();
    const { code, stdout } = await callCli(
      ['check', '--format', format, write(folder, 'h.ndjson', historyText(21))],
      { cwd: folder },
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(says);
  });

  it('merges the files of one run: each passes alone, together they do not', async () => {
    const folder = testFolder();
    const [one, two] = [
      write(folder, 'one.ndjson', historyText(20)),
      write(folder, 'two.ndjson', historyText(20, { from: 100 })),
    ];
    expect((await callCli(['check', one], { cwd: folder })).code).toBe(0);
    const { code, stdout } = await callCli(['check', one, two], { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toMatch(/all 42 requests sent are accounted for/);
  });

  it('unpacks what is packed, and reads what an archive that broke off still has', async () => {
    const folder = testFolder();
    const packed = gzipSync(historyText(21));
    expect((await callCli(['check', write(folder, 'h.ndjson.gz', packed)], { cwd: folder })).code).toBe(1);
    const broken = write(folder, 'broken.gz', packed.subarray(0, packed.length - 20));
    const { code, stdout } = await callCli(['check', broken], { cwd: folder });
    expect(code).not.toBe(64);
    expect(stdout).toMatch(/breaks off in the middle of line \d+ of broken\.gz/);
  });

  it.each([
    { title: 'plain', pack: Buffer.from },
    { title: 'packed', pack: gzipSync },
  ])('reads standard input, $title', async ({ pack }) => {
    const { child, ended, output } = startCli(['check', '-']);
    child.stdin?.end(pack(historyText(21)));
    expect(await ended).toBe(1);
    expect(output.stdout).toMatch(/all 22 requests sent are accounted for/);
  });

  it('judges a fixed window by its promise', async () => {
    const folder = testFolder();
    const file = write(folder, 'h.ndjson', historyText(30));
    expect(
      (await callCli(['check', file, '--promise', 'fixed-window:30/60s:first'], { cwd: folder })).code,
    ).toBe(0);
    expect((await callCli(['check', file, '--promise', 'sliding-window:29/60s'], { cwd: folder })).code).toBe(
      1,
    );
  });
});

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

  it('notes that no line has a status of a list that was typed', async () => {
    const folder = testFolder();
    const file = write(folder, 'api.csv', csv(25));
    const { stdout } = await callCli(['check', file, ...options, '--deny', 'foo'], { cwd: folder });
    expect(stdout).toContain(
      '\n  note no line has a status that --deny names: the log has 200 (26), 429 (1)\n',
    );
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
    expect(stdout).toMatch(/\? 1 bucket admitted too much unless both ends .* widened by 100 ms/);
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
    expect(stdout).toContain('assumes lines without remote_user concern no bucket: 1\n');
    expect(withoutProgress(stderr)).toBe('');
  });

  it.each([
    {
      title: 'one time only',
      args: options.filter((_, i) => i < 4 || i > 5),
      says: /needs two of --start, --end and --duration/,
    },
    { title: 'no policy', args: options.slice(0, -4), says: /give --capacity and --refill/ },
    { title: 'half a policy', args: options.slice(0, -2), says: /--capacity and --refill are one policy/ },
    {
      title: 'two formats',
      args: [...options, '--format', 'md', '--json'],
      says: /'--format <format>' cannot be used with option '--json'/,
    },
    {
      title: 'no key',
      args: options.filter((_, i) => i < 2 || i > 3),
      says: /needs --key: which field names the bucket/,
    },
    {
      title: 'its options without --from',
      args: options.slice(2),
      says: /--key is for logs that others wrote/,
    },
    {
      title: 'a promise that is none',
      args: ['--promise', 'magic'],
      says: /a promise is one of token-bucket/,
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

describe('a bad history', () => {
  const good = historyText(20);
  it.each([
    { title: 'an empty file', text: '', says: 'h.ndjson:1: the file is empty' },
    {
      title: 'another version',
      text: good.replace('"version":1', '"version":7'),
      says: 'h.ndjson:1: version must be 1',
    },
    {
      title: 'no policy',
      text: good.replace(/"policy":\{.*?\}\},/, ''),
      says: 'h.ndjson:1: the header names no policy',
    },
    {
      title: 'completed before invoked',
      text: good.replace('"completedUs":2000', '"completedUs":1'),
      says: 'h.ndjson:2: completed before it was invoked',
    },
    {
      title: 'a duplicate index',
      text: good.replace('"index":1,', '"index":0,'),
      says: 'h.ndjson:3: index 0 was there before',
    },
    {
      title: 'an unknown outcome',
      text: good.replace('allowed', 'perhaps'),
      says: 'h.ndjson:2: outcome must be one of',
    },
    {
      title: 'an operation without bucket',
      text: good.replace('"bucket":"b",', ''),
      says: 'h.ndjson:2: an operation needs a bucket',
    },
    {
      title: 'a number that is none',
      text: good.replace('"cost":1', '"cost":NaN'),
      says: 'h.ndjson:2: not JSON',
    },
    {
      title: 'a time beyond all times',
      text: good.replace('"invokedUs":1000', '"invokedUs":1e308'),
      says: 'h.ndjson:2: invokedUs must be a number within 2^53; found 1e+308',
    },
    {
      title: 'a refund of more than a row holds',
      text: good.replace('"cost":1', '"cost":-2147483648'),
      says: 'h.ndjson:2: cost must be a whole number of tokens below 2^31',
    },
    {
      title: 'lists in lists without end',
      text: `${good.split('\n')[0]}\n{"type":${'['.repeat(400_000)}${']'.repeat(400_000)}}\n`,
      says: 'h.ndjson:2: lists and objects lie more than 32 deep in each other',
    },
    {
      title: 'regions that are no texts',
      text: good.replace('"regions":["r"]', '"regions":[{"toString":1}]'),
      says: 'h.ndjson:1: regions must be a list of texts',
    },
    {
      title: 'bytes that are no text',
      text: Buffer.from(Array.from({ length: 1_000 }, (_, at) => (at * 7_919) % 256)),
      says: 'h.ndjson:1: not UTF-8',
    },
    {
      title: 'an archive that is none',
      text: Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
      says: 'h.ndjson: unknown compression method',
    },
    {
      title: 'an archive of another',
      text: gzipSync(gzipSync(good)),
      says: 'h.ndjson:1: not UTF-8',
    },
  ])('with $title is refused: exit code 64, file, line, reason, no stack trace', async ({ text, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(['check', write(folder, 'h.ndjson', text)], {
      cwd: folder,
    });
    expect([code, stdout]).toEqual([64, '']);
    expect(withoutProgress(stderr).startsWith(`error: ${says}`)).toBe(true);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it('of one line of a gigabyte is refused at once', async () => {
    const folder = testFolder();
    const file = write(folder, 'h.ndjson', good.split('\n')[0] ?? '');
    truncateSync(join(folder, file), 2 ** 30);
    const { code, stderr } = await callCli(['check', file], { cwd: folder });
    expect(code).toBe(64);
    expect(withoutProgress(stderr)).toMatch(/^error: h\.ndjson:1: the line is longer than 1 MiB\n/);
  });

  it('that is a folder is refused', async () => {
    const folder = testFolder();
    const { code, stderr } = await callCli(['check', '.'], { cwd: folder });
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/^error: \.: it is a folder; name the history in it\n/),
    ]);
  });

  it('that is given twice is refused, whatever its names', async () => {
    const folder = testFolder();
    symlinkSync(write(folder, 'h.ndjson', good), join(folder, 'link'));
    const { code, stderr } = await callCli(['check', 'h.ndjson', 'link'], { cwd: folder });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/^error: link: it is given twice/)]);
  });

  it.each([
    { title: 'a copy', bytes: good },
    { title: 'a packed copy', bytes: gzipSync(good) },
  ])('that is given twice is refused by its content: $title', async ({ bytes }) => {
    const folder = testFolder();
    const files = [write(folder, 'h.ndjson', good), write(folder, 'copy.ndjson', bytes)];
    const { code, stderr } = await callCli(['check', ...files], { cwd: folder });
    expect([code, withoutProgress(stderr)]).toEqual([
      64,
      expect.stringMatching(/^error: copy\.ndjson: it holds the same as h\.ndjson, so its operations/),
    ]);
  });

  it('that is not there is refused', async () => {
    const { code, stderr } = await callCli(['check', 'nowhere.ndjson'], { cwd: testFolder() });
    expect(code).toBe(64);
    expect(stderr).toMatch(/^error: nowhere\.ndjson: there is no such file\n/);
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

describe('a name of a hundred thousand characters', () => {
  const name = `first${'x'.repeat(100_000)}last`;
  const parts = Array.from({ length: 25 }, () => ({ bucket: name, region: name, completedUs: 9 }));
  const text = [headerOf('20:5/s'), ...parts.map((part, at) => operationOf(at, part))]
    .map(encodeRecord)
    .join('');

  it.each(['table', 'md'])('is cut in its middle: %s', async (format) => {
    const folder = testFolder();
    const { stdout } = await callCli(['check', '--format', format, write(folder, 'h.ndjson', text)], {
      cwd: folder,
    });
    expect(stdout).toMatch(/firstx{20,40}…x{20,40}last/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(1_000);
  });

  it('is whole in JSON', async () => {
    const folder = testFolder();
    const { stdout } = await callCli(['check', '--json', write(folder, 'h.ndjson', text)], { cwd: folder });
    expect(stdout).toContain(name);
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
    const policy = ['--capacity', String(capacity), '--refill', '5/s'];
    const result = await callCli(['check', join(docs, file), ...rest, ...policy]);
    expect(result.code, result.stderr).toBe(code);
    expect(result.stdout).toMatch(/all 120 requests .*: 48 allowed \+ 71 denied \+ 0 failed \+ 1 info/);
  });

  it.each([
    { args: ['--status', 'code'], says: '--status: k6 says that itself' },
    { args: ['--end', 't'], says: '--end: k6 says that itself' },
  ])('needs no $args', async ({ args, says }) => {
    const command = ['check', join(docs, 'k6.json.gz'), '--from', 'k6', '--key', 'user', ...args];
    const { code, stderr } = await callCli([...command, '--capacity', '1', '--refill', '1/s']);
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
      new Set(['xml', 'testsuite', 'testcase', 'failure', 'error', 'system-out']),
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
    expect(withoutProgress(stderr)).toMatch(/^error: h\\u001b\[31m.*:5: index 2 was there before/);
    expect(stderr).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  });
});

it('the help of check has examples, and goes to stdout', async () => {
  const { code, stdout } = await callCli(['check', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n {2}\$ openclaw-rl check/);
});
