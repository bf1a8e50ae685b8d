import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { historyText, withoutProgress, write } from '../../support/check-files.ts';
import { startCli, testFolder } from '../../support/cli.ts';
import { type PartRecords, partOf, partText } from '../../support/part-history.ts';

const at = (us: number, outcome: 'allowed' | 'denied' = 'allowed') => ({
  ...{ outcome, invokedUs: us, completedUs: us + 1_000 },
});
const times = (many: number, outcome?: 'denied') => Array.from({ length: many }, () => at(1_000, outcome));
/** What both parts admit together, an ideal bucket of 20 can admit. */
const HALF = [...times(10), at(1_000, 'denied')];

const file = (name: string, changes: PartRecords = {}) =>
  partText({
    part: partOf(name, { machine: 'm' }),
    operations: HALF,
    header: { refunds: 'none' },
    ...changes,
  });

/** Writes the files, and checks them in the order in which they are given. */
async function check(files: Readonly<Record<string, string | Uint8Array>>, ...flags: readonly string[]) {
  const folder = testFolder();
  for (const [name, text] of Object.entries(files)) write(folder, name, text);
  const result = await callCli(['check', ...Object.keys(files), ...flags], { cwd: folder });
  return { ...result, stderr: withoutProgress(result.stderr), folder };
}

describe('check of parts', () => {
  it('merges them', async () => {
    const { code, stderr, stdout } = await check({
      'a.ndjson': file('a'),
      'b.ndjson.gz': gzipSync(file('b')),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/ok +all 22 requests sent are accounted for/);
  });

  it('says below a fail how claims of your own are judged', async () => {
    const more = { operations: times(11) };
    const { code, stdout } = await check({ a: file('a', more), b: file('b', more) });
    expect(code).toBe(1);
    expect(stdout).toContain('  note judged as an ideal bucket; claims of your own: --claim\n');
  });

  it.each([
    {
      title: 'a copy, though it is packed',
      extra: gzipSync(file('a')),
      says: 'x is left out: it is a copy of a\n',
    },
    {
      title: 'a part of another plan',
      extra: file('a', { part: partOf('a', { plan: '0'.repeat(64) }) }),
      says: 'x is left out: it is the part a of another plan: the scenario, seed, strategy, users or parts of its load differ\n',
    },
    {
      title: 'a part of another run',
      extra: file('a', { part: partOf('a', { run: 'before' }) }),
      says: 'x is left out: it is the part a of another run of this plan\n',
    },
    {
      title: 'an altered copy',
      extra: file('a').replace('"cost":1', '"cost":0'),
      says: /^x is left out: it was altered after it was written, .*; copy the file of the part a again/,
    },
  ])('leaves out $title, and judges the rest', async ({ extra, says }) => {
    const { code, stderr } = await check({ a: file('a'), b: file('b'), x: extra });
    expect(stderr).toMatch(says);
    expect(code).toBe(0);
  });

  it('says that a file was given twice, as of a copy', async () => {
    const { folder } = await check({ a: file('a'), b: file('b') });
    const { code, stderr } = await callCli(['check', 'a', 'b', 'a'], { cwd: folder });
    expect([code, withoutProgress(stderr)]).toEqual([0, 'a is left out: it is a copy of a\n']);
  });

  it.each([
    {
      title: 'a part is missing',
      files: { a: file('a') },
      says: /\? +the part b of the run's 2 parts is missing: false denials, replay and proofs are not judged; give its file/,
    },
    {
      title: 'a part is cut short',
      files: { a: file('a'), b: file('b', { isCut: true }) },
      says: /\? +the part b was cut short, since its file has no end/,
    },
    {
      title: 'a part was sent twice',
      files: { a: file('a'), b: file('b'), x: file('b', { operations: times(3) }) },
      says: /\? +x is left out: it has the part b, but is no copy of b, which is judged/,
    },
    {
      title: 'a part is cut short, and a second load of it was sent',
      files: { a: file('a'), b: file('b', { isCut: true }), x: file('b') },
      says: /\? +b is left out: it has the part b, but is no copy of x, which is judged/,
    },
  ])('does not know when $title', async ({ files, says }) => {
    const { code, stdout } = await check(files as Record<string, string>);
    expect(stdout.replace(/\n {4,}/g, ' ')).toMatch(says);
    expect(code).toBe(2);
  });

  it('fails what one of two parts admitted beyond an ideal bucket, the other missing', async () => {
    const { code, stdout } = await check({ a: file('a', { operations: times(21) }) });
    expect(stdout).toMatch(/FAIL 1 bucket over-admitted/);
    expect(code).toBe(1);
  });

  describe('with a problem that the recorder of a part found', () => {
    const problem = (text: string) => ({
      type: 'event' as const,
      event: 'problem',
      atUs: 9_000,
      args: { text },
    });
    const checkWith = async (texts: readonly string[], operations = HALF) => {
      const [a, b] = [file('a', { operations }), file('b', { records: texts.map(problem) })];
      const { code, stdout } = await check({ a, b });
      return { code, stdout: stdout.replace(/\n {4,}/g, ' ') };
    };

    it('does not know, and names the part and the problem', async () => {
      const { code, stdout } = await checkWith(['the load generator stalled for 4.0 s']);
      expect(stdout).toMatch(/\? +the part b: the load generator stalled for 4.0 s/);
      expect(code).toBe(2);
    });

    it('fails what was admitted beyond an ideal bucket', async () => {
      const { code, stdout } = await checkWith(['rating-b ended with code 1'], times(21));
      expect(stdout).toMatch(/FAIL +1 bucket over-admitted/);
      expect(stdout).toMatch(/the part b: rating-b ended with code 1/);
      expect(code).toBe(1);
    });

    it('shows long, many and strange ones on few lines', async () => {
      const { code, stdout } = await checkWith([
        '\u001b[2J',
        'x'.repeat(9_000),
        ...Array.from({ length: 100 }, (_, i) => `again ${i}`),
      ]);
      expect(stdout).toContain('the part b: \\u001b[2J');
      expect(stdout).not.toContain('\u001b[2J');
      expect(stdout.match(/the part b: again/g)).toHaveLength(18);
      expect(stdout).toContain('82 more problems are recorded');
      expect(stdout.match(/x/g)?.length).toBeLessThan(600);
      expect(code).toBe(2);
    });
  });

  it('shows the books of each part and their sum', async () => {
    const { stdout } = await check({ a: file('a'), b: file('b', { isCut: true }) });
    const rows = stdout.split('\n').map((line) =>
      line
        .split('│')
        .map((cell) => cell.trim())
        .join(' '),
    );
    expect(rows.filter((row) => /^ (a|b|all 2) /.test(row)).slice(0, 3)).toEqual([
      ' a a 11 10 1 0 0 0 ',
      ' b b (cut short) ? 10 1 0 0 0 ',
      ' all 2  22 20 2 0 0 0 ',
    ]);
  });

  it('names the parts in its JSON', async () => {
    const { stdout } = await check({ a: file('a'), x: file('a') }, '--json');
    expect(JSON.parse(stdout).parts).toMatchObject({
      ...{ run: 'run', of: ['a', 'b'], missing: ['b'], cutShort: [], isWhole: false },
      files: [{ part: 'a', file: 'a', machine: 'm', isComplete: true, sent: 11, dropped: 0 }],
      leftOut: [{ file: 'x', part: 'a', why: 'copy' }],
    });
  });

  it('leaves out a file that is given twice', async () => {
    const folder = testFolder();
    for (const name of ['a', 'b']) write(folder, name, file(name));
    const { code, stderr } = await callCli(['check', 'a', 'b', './a'], { cwd: folder });
    expect([code, withoutProgress(stderr)]).toEqual([0, './a is left out: it is a copy of a\n']);
  });

  it.each([
    {
      title: 'a history of its own beside a part',
      files: { a: file('a'), h: historyText(20) },
      says: /h: it is a history of its own, and a is a part of run run\n.*check them one by one/s,
    },
    {
      title: 'lists of parts that differ',
      files: { a: file('a'), b: file('b', { part: partOf('b', { of: ['a', 'b', 'c'] }) }) },
      says: /b: its list of parts differs from that of a, .*\n.*give only files of one load command/s,
    },
    {
      title: 'a part that is not in its list',
      files: { a: file('a').replace('"of":["a","b"]', '"of":["b"]') },
      says: /a:1: part.name must be one of part.of; found "a"/,
    },
    {
      title: 'only altered files',
      files: { a: file('a').replace('"cost":1', '"cost":0') },
      says: /a: it was altered after it was written, .*\n.*copy the files again/s,
    },
    {
      title: 'a file that is not there, beside a part',
      files: { a: file('a') },
      also: ['b'],
      says: /b: there is no such file/,
    },
    { title: 'a folder beside a part', files: { a: file('a') }, also: ['.'], says: /\.: it is a folder/ },
    {
      title: 'a name with an escape of a terminal',
      files: { a: file('a').replace('"name":"a"', '"name":"\\u001b[2J"') },
      says: /a:1: part.name must be one of part.of; found "\\u001b\[2J"/,
    },
  ])('refuses $title', async ({ files, also = [], says }) => {
    const { code, stderr, stdout } = await check(files as Record<string, string>, ...also);
    expect(stderr).toMatch(says);
    expect([code, stdout]).toEqual([64, '']);
  });

  it('refuses a part from standard input, which it cannot read twice', async () => {
    const folder = testFolder();
    const { child, ended, output } = startCli(['check', '-'], { cwd: folder });
    child.stdin?.end(file('a'));
    const code = await ended;
    expect(output.stderr).toMatch(
      /standard input: a part of a run must be a file: .*\n.*write it to a file/s,
    );
    expect(code).toBe(64);
  });

  it('refuses standard input beside a part', async () => {
    const folder = testFolder();
    write(folder, 'a', file('a'));
    const { code, stderr } = await callCli(['check', 'a', '-'], { cwd: folder });
    expect(stderr).toMatch(/standard input: a part of a run must be a file/);
    expect(code).toBe(64);
  });

  it('judges a packed part that lost its last bytes, if all records are there', async () => {
    const packed = gzipSync(file('b'));
    const { code, stderr } = await check({ a: file('a'), b: packed.subarray(0, -8), x: file('b') });
    expect([code, stderr]).toEqual([0, 'x is left out: it is a copy of b\n']);
  });

  it.each([
    { title: 'leaves out', operations: 9_999, says: /^b is left out: it was altered/, code: 2 },
    {
      title: 'refuses a small one of',
      operations: 1,
      says: /b: the archive is damaged: .*\n.*copy it again/,
      code: 64,
    },
  ])('$title a packed part that was damaged', async ({ operations, says, ...want }) => {
    const packed = Buffer.from(gzipSync(file('b', { operations: times(operations) })));
    packed[packed.length - 8] = (packed[packed.length - 8] as number) ^ 1;
    const { code, stderr } = await check({ a: file('a'), b: packed });
    expect(stderr).toMatch(says);
    expect(code).toBe(want.code);
  });

  it('refuses records after the end', async () => {
    const folder = testFolder();
    write(folder, 'a', file('a'));
    appendFileSync(join(folder, 'a'), '{"type":"event","event":"x","atUs":1}\n');
    const { code, stderr } = await callCli(['check', 'a'], { cwd: folder });
    expect(stderr).toMatch(/a:\d+: a record after the end record of a part/);
    expect(code).toBe(64);
  });
});

describe('verify of parts', () => {
  it.each<{ title: string; files: Record<string, string>; says: string }>([
    { title: 'missing', files: { a: file('a') }, says: 'part b is missing' },
    {
      title: 'cut short',
      files: { a: file('a'), b: file('b', { isCut: true }) },
      says: 'part b was cut short',
    },
    {
      title: 'missing, and it is the control part',
      files: {
        a: file('a', { part: partOf('a', { control: true }) }),
        b: file('b', { part: partOf('b', { control: true }) }),
      },
      says: 'control part is missing',
    },
  ])('has no certificate of parts of which one is $title', async ({ files, says }) => {
    const { code, stderr, folder } = await check(files, '--certificate', 'c.ndjson');
    expect([code, stderr]).toEqual([2, `no c.ndjson: ${says}; a certificate needs all parts\n`]);
    expect(existsSync(join(folder, 'c.ndjson'))).toBe(false);
  });

  it('chooses the same files as check, and its command names only those', async () => {
    const { code, stderr, folder } = await check(
      { a: file('a'), b: file('b'), x: file('b') },
      ...['--certificate', 'c.ndjson'],
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/to verify it: openclaw-rl verify --certificate c.ndjson a b\n/);
    const all = await callCli(['verify', '--certificate', 'c.ndjson', 'a', 'x', 'b'], { cwd: folder });
    expect(all.stderr).toBe('b is left out: it is a copy of x\nverifying c.ndjson\n');
    const part = await callCli(['verify', '--certificate', 'c.ndjson', 'a'], { cwd: folder });
    expect(part.code).not.toBe(0);
  });
});
