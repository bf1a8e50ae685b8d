import { symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { CheckDocument } from '../../../src/report/check-report.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, withoutProgress, write } from '../../support/check-files.ts';
import { startCli, testFolder } from '../../support/cli.ts';
import { headerOf, operationOf } from '../../support/history.ts';

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

  it.each([
    {
      title: 'is a finding and a note',
      args: [],
      code: 0,
      says: / {2}note 1 stated value of 1 decision cannot be true/,
    },
    {
      title: 'fails where it is claimed',
      args: ['--dishonest', '0'],
      code: 1,
      says: / {2}FAIL 1 stated value of 1 decision cannot be true, in 1 bucket: retry too long 1/,
    },
  ])('a stated value that is wrong $title: exit code $code', async ({ args, code, says }) => {
    const folder = testFolder();
    const text = historyText(20).replace(
      '"outcome":"denied"',
      '"outcome":"denied","stated":{"retryAfterS":30}',
    );
    const result = await callCli(['check', ...args, write(folder, 'h.ndjson', text)], { cwd: folder });
    expect(result).toMatchObject({ code, stdout: expect.stringMatching(says) });
    expect(result.stdout).toContain(
      '  bucket b: retry too long: Retry-After 30 was stated with a denial at cost 1, but if nothing else is spent the cost is there within 0.2',
    );
    expect(result.stdout).toMatch(
      / {4}#\d+ +r +denied +1 +0\.000000 +0\.001000 {2}\|=+\| {2}retryAfterS 30\n/,
    );
  });

  it.each([
    { title: 'a fail of a strategy', admitted: 21, strategy: 'central', has: true },
    { title: 'a pass of a strategy', admitted: 20, strategy: 'central', has: false },
    { title: 'a fail of another limiter', admitted: 21, strategy: 'mine', has: false },
    { title: 'a fail of a promise', admitted: 21, promise: 'sliding-window:20/1s', has: false },
  ])(
    'says below $title where the claims of the run are judged: $has',
    async ({ admitted, strategy = 'central', promise, has }) => {
      const folder = testFolder();
      const text = historyText(admitted).replace('"strategy":"central"', `"strategy":"${strategy}"`);
      const args = promise === undefined ? [] : ['--promise', promise];
      const { stdout } = await callCli(['check', ...args, write(folder, 'h.ndjson', text)], { cwd: folder });
      expect(stdout).toMatch(admitted > 20 ? /^verdict {2}fail/ : /^verdict {2}(pass|unknown)/);
      const note =
        "  note judged as an ideal bucket; a run's own claims: openclaw-rl gate <folder of the run>\n";
      expect(stdout.includes(note)).toBe(has);
    },
  );

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

  it('prints with --brief the verdict and what is broken, and no path', async () => {
    const folder = testFolder();
    const file = write(folder, 'h.ndjson', historyText(21));
    const { code, stdout } = await callCli(['check', '--brief', file], { cwd: folder });
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^verdict {2}fail\n {2}FAIL 1 bucket over-admitted; .*\n$/),
    ]);
  });

  it.each([
    { format: 'md', says: /^# openclaw-rl check: fail\n[\s\S]*\n## over-admission\n\n```text\n/u },
    {
      format: 'junit',
      says: /^<\?xml [\s\S]*<testsuite name="openclaw-rl check" .* hostname="localhost" time="0.001" tests="9" failures="1" errors="0" skipped="0">[\s\S]*<failure type="correctness" message="1 bucket over-admitted/u,
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
    const judge = async (promise: string) =>
      (await callCli(['check', file, '--promise', promise], { cwd: folder })).code;
    expect(await judge('sliding-window:30/60s')).toBe(0);
    expect(await judge('fixed-window:30/60s:first')).toBe(2); // no later window is demanded
    expect(await judge('sliding-window:29/60s')).toBe(1);
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
      says: 'h.ndjson:1: the header has no policy',
    },
    {
      title: 'completed before invoked',
      text: good.replace('"completedUs":2000', '"completedUs":1'),
      says: 'h.ndjson:2: completed before it was invoked',
    },
    {
      title: 'a duplicate index',
      text: good.replace('"index":1,', '"index":0,'),
      says: 'h.ndjson:3: index 0 is a duplicate',
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
      title: 'an invalid number',
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
      says: 'h.ndjson:2: lists and objects are nested more than 32 levels deep',
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
      title: 'an invalid archive',
      text: Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
      says: 'h.ndjson: the archive is damaged: unknown compression method',
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

  it('that is given twice is refused under any name', async () => {
    const folder = testFolder();
    symlinkSync(write(folder, 'h.ndjson', good), join(folder, 'link'));
    const { code, stderr } = await callCli(['check', 'h.ndjson', 'link'], { cwd: folder });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/^error: link: the file is given twice/)]);
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
      expect.stringMatching(/^error: copy\.ndjson: same content as h\.ndjson; its operations/),
    ]);
  });

  it('that is not there is refused', async () => {
    const { code, stderr } = await callCli(['check', 'nowhere.ndjson'], { cwd: testFolder() });
    expect(code).toBe(64);
    expect(stderr).toMatch(/^error: nowhere\.ndjson: there is no such file\n/);
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

it('the help of check has examples, and goes to stdout', async () => {
  const { code, stdout } = await callCli(['check', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n {2}\$ openclaw-rl check/);
});
