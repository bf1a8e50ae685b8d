import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { Verification } from '../../../src/report/verification.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, write } from '../../support/check-files.ts';
import { runCli, runProgram, testFolder } from '../../support/cli.ts';
import { headerOf, operationOf } from '../../support/history.ts';

const VERIFIER = join(import.meta.dirname, '../../../verify/verify.mjs');
const RUNS = join(import.meta.dirname, '../../fixtures/runs');

/** A folder with a checked history and its certificate. */
async function certified(admitted: number, text = historyText(admitted)): Promise<string> {
  const cwd = testFolder();
  write(cwd, 'h.ndjson', text);
  await callCli(['check', 'h.ndjson', '--certificate', 'c.ndjson.gz'], { cwd });
  return cwd;
}

const VERIFY = ['verify', '--certificate', 'c.ndjson.gz', 'h.ndjson'];

function recordsIn(cwd: string): Record<string, unknown>[] {
  const text = gunzipSync(readFileSync(join(cwd, 'c.ndjson.gz'))).toString();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function writeText(cwd: string, name: string, change: (text: string) => string): void {
  write(cwd, name, change(readFileSync(join(cwd, name), 'utf8')));
}

function rewrite(cwd: string, change: (record: Record<string, unknown>) => object): void {
  const text = recordsIn(cwd)
    .map((record) => `${JSON.stringify(change(record))}\n`)
    .join('');
  write(cwd, 'c.ndjson.gz', gzipSync(text));
}

it('says of a history without an end that requests may be missing', async () => {
  const cwd = testFolder();
  write(cwd, 'h.ndjson', historyText(20).replace(/.*"type":"end".*\n/, ''));
  await callCli(['check', 'h.ndjson', '--complete', '--certificate', 'c.ndjson.gz'], { cwd });
  const { stdout } = await callCli([...VERIFY, '--json'], { cwd });
  const { verdict, trusted } = JSON.parse(stdout) as Verification;
  expect([verdict, trusted]).toEqual([
    'pass',
    expect.arrayContaining(['that no request is missing: the history has no end']),
  ]);
});

it('names the way out if the files come in another order than in `check`', async () => {
  const cwd = testFolder();
  const files = ['early.ndjson', 'late.ndjson'];
  for (const [at, name] of files.entries()) {
    const op = operationOf(0, {
      invokedUs: at * 9_000_000,
      completedUs: at * 9_000_000 + 1_000,
      cost: at + 1,
    });
    const end = { type: 'end' as const, atUs: 20_000_000, sent: 1 };
    write(cwd, name, [headerOf('20:5/s'), op, end].map(encodeRecord).join(''));
  }
  await callCli(['check', ...files, '--certificate', 'c.ndjson.gz'], { cwd });
  const verify = ['verify', '--certificate', 'c.ndjson.gz'];
  expect(await callCli([...verify, ...files], { cwd })).toMatchObject({ code: 0 });
  const { code, stdout } = await callCli([...verify, ...files.toReversed()], { cwd });
  expect([code, stdout.replace(/\s+/g, ' ')]).toEqual([1, expect.stringMatching(IN_ORDER)]);
});

const IN_ORDER = /hint a certificate numbers .*: give them in the order in which `check` was given them/;

describe('check --certificate', () => {
  it('writes what verify accepts, and says how to verify it', async () => {
    const cwd = testFolder();
    write(cwd, 'h.ndjson', historyText(20));
    const { code, stderr } = await callCli(['check', 'h.ndjson', '--certificate', 'c.ndjson.gz'], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain('to verify it: openclaw-rl verify --certificate c.ndjson.gz h.ndjson\n');
    const { code: verified, stdout } = await callCli(VERIFY, { cwd });
    expect(verified).toBe(0);
    expect(stdout).toMatch(
      /^verified {2}pass: every proof holds\n {2}ok 21 operations in 1 bucket were read\n/,
    );
    expect(stdout).toMatch(/ok 1 bucket proved: an ideal bucket gives every recorded answer\n/);
  });

  it('writes plain text if its name does not end in .gz, and replaces a certificate', async () => {
    const cwd = testFolder();
    const args = ['check', write(cwd, 'h.ndjson', historyText(20)), '--certificate', 'c.ndjson'];
    for (const _ of [1, 2]) expect((await callCli(args, { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'c.ndjson'), 'utf8')).toMatch(/^\{"type":"certificate"/);
  });

  it.each([
    { title: 'the history itself', file: 'h.ndjson', says: /h\.ndjson is a file to check/ },
    { title: 'another file', file: 'notes.txt', says: /notes\.txt exists, and is no certificate/ },
    { title: 'an unfinished archive', file: 'cut.gz', says: /cut\.gz exists, and is no certificate/ },
  ])('does not replace $title: exit code 64', async ({ file, says }) => {
    const cwd = testFolder();
    write(cwd, 'h.ndjson', historyText(20));
    write(cwd, 'notes.txt', 'mine\n');
    write(cwd, 'cut.gz', gzipSync('mine\n').subarray(0, 12));
    const before = readFileSync(join(cwd, file));
    const { code, stdout, stderr } = await callCli(['check', 'h.ndjson', '--certificate', file], { cwd });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(readFileSync(join(cwd, file))).toEqual(before);
  });

  it('does not replace a packed file that it cannot read: exit code 64', async () => {
    const cwd = testFolder();
    write(cwd, 'h.ndjson', historyText(20));
    symlinkSync('/proc/self/mem', join(cwd, 'c.ndjson.gz')); // the kernel gives EIO for its first byte
    const { code, stderr } = await runCli(['check', 'h.ndjson', '--certificate', 'c.ndjson.gz'], { cwd });
    expect(stderr).toMatch(/c\.ndjson\.gz exists, and is no certificate/);
    expect(code).toBe(64);
  });

  it('of a foreign log also writes the operations as read, which verify takes', async () => {
    const cwd = testFolder();
    const lines = Array.from({ length: 21 }, (_, at) => `u,${at}.25,${at + 2}.5,${at < 20 ? 200 : 429}\n`);
    write(cwd, 'log.csv', `user,t0_us,t1_us,code\nv,0.1,1e7,502\n${lines.join('')}`);
    const names = '--key user --start t0_us --end t1_us --status code --policy 20:5/s'.split(' ');
    const log = ['check', 'log.csv', '--from', 'csv', ...names, '--complete'];
    const { stderr } = await callCli([...log, '--certificate', 'c.ndjson.gz'], { cwd });
    expect(stderr).toContain('c.history.ndjson.gz; that they are those of the log is not verified\n');
    const found = await callCli(['verify', '--certificate', 'c.ndjson.gz', 'c.history.ndjson.gz', '--json'], {
      cwd,
    });
    expect(found.code, found.stderr).toBe(0);
    const { verified }: Verification = JSON.parse(found.stdout);
    expect(verified).toMatchObject({ operations: 22, buckets: 2, proved: 2 });
    write(cwd, 'd.history.ndjson.gz', gzipSync(historyText(3)));
    const refused = await callCli([...log, '--certificate', 'd.ndjson'], { cwd });
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringMatching(/not the copy of a log/)]);
  });
});

describe('verify', () => {
  it('confirms a conviction by its window', async () => {
    const { code, stdout } = await callCli(VERIFY, { cwd: await certified(30) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok 1 conviction for over-admission: the listed admissions of one window\n/);
  });

  it('refuses a changed proof, with the reason: exit code 1', async () => {
    const cwd = await certified(20);
    rewrite(cwd, (record) => (record.type === 'proof' ? { ...record, start: [7, 20] } : record));
    const { code, stdout } = await callCli(VERIFY, { cwd });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^verified {2}fail: refused\n {2}FAIL b: its start is wrong\n/);
  });

  it.each([
    ['proved', 2],
    ['admissionsProved', 1],
    ['buckets', 9],
  ])('refuses a certificate that says %s %i: exit code 1', async (name, many) => {
    const cwd = await certified(20);
    rewrite(cwd, (record) => (record.type === 'end' ? { ...record, [name]: many } : record));
    const { code, stdout } = await callCli([...VERIFY, '--json'], { cwd });
    expect(code).toBe(1);
    const { verdict, refusals }: Verification = JSON.parse(stdout);
    expect(verdict).toBe('fail');
    expect(refusals).toContainEqual(expect.stringContaining(`end: it says ${name} ${many}; found `));
  });

  it.each([['open', 1] as const, ['withinBound', 2] as const, ['convicted', 1] as const])(
    'refuses an end whose counts do not add up, %s %i: exit code 1',
    async (name, many) => {
      const cwd = await certified(20);
      rewrite(cwd, (record) => (record.type === 'end' ? { ...record, [name]: many } : record));
      const { code, stdout } = await callCli([...VERIFY, '--json'], { cwd });
      expect(code).toBe(1);
      const { refusals }: Verification = JSON.parse(stdout);
      expect(refusals).toEqual([`end: it says buckets 1; its counts add up to ${1 + many}`]);
    },
  );

  it('refuses an end that does not count a conviction: exit code 1', async () => {
    const cwd = await certified(30);
    rewrite(cwd, (record) => (record.type === 'end' ? { ...record, convicted: 0, open: 1 } : record));
    const { code, stdout } = await callCli([...VERIFY, '--json'], { cwd });
    expect(code).toBe(1);
    const { refusals }: Verification = JSON.parse(stdout);
    expect(refusals).toEqual(['end: it says convicted 0; found 1']);
  });

  it('does not know what a certificate without proofs shows: exit code 2', async () => {
    const denied = { cost: 0, outcome: 'denied' } as const;
    const records = [
      headerOf('20:5/s'),
      operationOf(0, denied),
      { type: 'end' as const, atUs: 9_000, sent: 1 },
    ];
    const { code, stdout } = await callCli(VERIFY, {
      cwd: await certified(0, records.map(encodeRecord).join('')),
    });
    expect(code).toBe(2);
    expect(stdout).toMatch(/unknown: the certificate proves nothing/);
    expect(stdout).toMatch(/-- 1 bucket open: neither proved nor convicted/);
  });

  it.each([
    { limit: 20, exit: 2, says: /-- 1 bucket with windows above the promise: not verified\n/ },
    {
      limit: 21,
      exit: 0,
      says: /ok 1 bucket proved: an ideal limiter of sliding-window:21\/60s gives every recorded answer\n/,
    },
  ])('of windows of at most $limit: exit code $exit', async ({ limit, exit, says }) => {
    const cwd = testFolder();
    write(cwd, 'h.ndjson', historyText(21));
    const promise = ['--promise', `sliding-window:${limit}/60s`, '--certificate', 'c.ndjson.gz'];
    const checked = await callCli(['check', 'h.ndjson', ...promise], { cwd });
    expect(checked.code, checked.stdout).toBe(limit === 20 ? 1 : 0);
    const { code, stdout } = await callCli(VERIFY, { cwd });
    expect(code).toBe(exit);
    expect(stdout).toMatch(says);
  });

  it.each([
    {
      title: 'no certificate',
      spoil: (cwd: string) => write(cwd, 'c.ndjson.gz', gzipSync('{"format":"x"}\n')),
      says: /c\.ndjson\.gz: it is no certificate\n.*openclaw-rl check <history> --certificate <file> \[INVALID_CERT/,
    },
    {
      title: 'a history as its certificate',
      spoil: (cwd: string) => write(cwd, 'c.ndjson.gz', gzipSync(readFileSync(join(cwd, 'h.ndjson')))),
      says: /c\.ndjson\.gz: it is a history, and no certificate\n.*openclaw-rl check c\.ndjson\.gz --certificate <file> \[INVALID_CERT/,
    },
    {
      title: 'a certificate as its history',
      spoil: (cwd: string) =>
        write(
          cwd,
          'h.ndjson',
          recordsIn(cwd)
            .map((record) => JSON.stringify(record))
            .join('\n'),
        ),
      says: /h\.ndjson: it is a certificate, and no history\n.*openclaw-rl verify --certificate <certificate> <history\.\.\.> \[INVALID_HIST/,
    },
    {
      title: 'a certificate that was cut',
      spoil: (cwd: string) =>
        write(cwd, 'c.ndjson.gz', readFileSync(join(cwd, 'c.ndjson.gz')).subarray(0, 90)),
      says: /c\.ndjson\.gz: unexpected end of file\n.*\[INVALID_CERTIFICATE\]/,
    },
    {
      title: 'a certificate without its last line',
      spoil: (cwd: string) =>
        write(
          cwd,
          'c.ndjson.gz',
          gzipSync(
            recordsIn(cwd)
              .slice(0, -1)
              .map((record) => `${JSON.stringify(record)}\n`)
              .join(''),
          ),
        ),
      says: /c\.ndjson\.gz: it has no end\n/,
    },
    {
      title: 'a history that was cut',
      spoil: (cwd: string) => write(cwd, 'h.ndjson', historyText(20).slice(0, -90)),
      says: /error: h\.ndjson:22: .*JSON.*\n {2}a certificate is verified with the whole history .* \[INVALID_HISTORY\]/,
    },
    {
      title: 'a history without some of its operations',
      spoil: (cwd: string) => write(cwd, 'h.ndjson', historyText(20, { sent: 90 })),
      says: /h\.ndjson: operations are missing\n/,
    },
  ])('does not accept $title: exit code 64', async ({ spoil, says }) => {
    const cwd = await certified(20);
    spoil(cwd);
    const { code, stdout, stderr } = await callCli(VERIFY, { cwd });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
  });

  it.each([
    {
      title: 'a certificate cut in a line',
      spoil: (cwd: string) => writeText(cwd, 'c.ndjson', (text) => text.slice(0, 300)),
      says: /^c\.ndjson:3: .*JSON.*\n$/,
    },
    {
      title: 'a certificate with a line that is null',
      spoil: (cwd: string) => writeText(cwd, 'c.ndjson', (text) => text.replace('\n', '\nnull\n')),
      says: /^c\.ndjson:2: it is no JSON object\n$/,
    },
    {
      title: 'a history cut in a line',
      spoil: (cwd: string) => writeText(cwd, 'h.ndjson', (text) => text.slice(0, -90)),
      says: /^h\.ndjson:22: .*JSON.*\n$/,
    },
    {
      title: 'a packed history that was cut',
      spoil: (cwd: string) => write(cwd, 'h.ndjson.gz', gzipSync(historyText(20)).subarray(0, 90)),
      says: /^h\.ndjson\.gz: unexpected end of file\n$/,
      history: 'h.ndjson.gz',
    },
    { title: 'no history', spoil: () => {}, says: /^gone: ENOENT: .*\n$/, history: 'gone' },
    { title: 'no file', spoil: () => {}, says: /^give it a certificate, and .*\n$/, history: [] },
  ])(
    'without the command line it names the damaged file: $title',
    async ({ spoil, says, history = 'h.ndjson' }) => {
      const cwd = testFolder();
      write(cwd, 'h.ndjson', historyText(20));
      await callCli(['check', 'h.ndjson', '--certificate', 'c.ndjson'], { cwd });
      spoil(cwd);
      const files = ['c.ndjson', history].flat();
      const found = await runProgram(process.execPath, [VERIFIER, ...files], { cwd });
      expect(found).toMatchObject({ code: 64, stdout: '', stderr: expect.stringMatching(says) });
    },
  );

  it('names a certificate that is damaged between its first record and its last', async () => {
    const cwd = await certified(20);
    const [first, ...others] = recordsIn(cwd).map((record) => `${JSON.stringify(record)}\n`);
    write(cwd, 'c.ndjson.gz', gzipSync([first, 'null\n', ...others].join('')));
    const { code, stderr } = await callCli(VERIFY, { cwd });
    expect(code).toBe(64);
    expect(stderr).toMatch(/error: c\.ndjson\.gz:2: it is no JSON object\n.*\[INVALID_CERTIFICATE\]/);
  });

  it.each([
    { args: ['--certificate', 'c.ndjson.gz'], says: /--certificate needs the files of its history/ },
    { args: ['--certificate', 'gone.gz', 'h.ndjson'], says: /gone\.gz: there is no such file/ },
    { args: ['--certificate', 'c.ndjson.gz', 'gone'], says: /gone: .*no such file.*INVALID_HISTORY/s },
    { args: ['a', 'b'], says: /expected one run; found 2/ },
    {
      args: ['h.ndjson'],
      says: /h\.ndjson: it is a history; .*\n.*openclaw-rl check h\.ndjson\n.*verify --certificate <file> h/,
    },
    {
      args: ['c.ndjson.gz'],
      says: /c\.ndjson\.gz: it is a certificate; expected the folder of a run\n.*verify --certificate c\.nd/,
    },
    { args: [], says: /reports\/latest: there is no such run/ },
  ])('says what is missing: $args', async ({ args, says }) => {
    const { code, stderr } = await callCli(['verify', ...args], { cwd: await certified(20) });
    expect(code).toBe(64);
    expect(stderr).toMatch(says);
  });

  it('takes a run by its name, and says how a run gets a certificate', async () => {
    const cwd = testFolder();
    const folder = join(cwd, 'reports/20261127T150018585Z-bench-1');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'report.json'), readFileSync(join(RUNS, 'central/report.json')));
    write(folder, 'history.ndjson', historyText(20));
    const without = await callCli(['verify', 'bench-1'], { cwd });
    expect(without.code).toBe(64);
    const hint =
      /it has no certificate\.ndjson\.gz\n {2}run it with --certificate; or: openclaw-rl (check .*\/history\.ndjson --certificate .*\/certificate\.ndjson\.gz) \[/;
    expect(without.stderr).toMatch(hint);
    await callCli((hint.exec(without.stderr)?.[1] ?? '').split(' '), { cwd });
    const found = await callCli(['verify', 'bench-1', '--json'], { cwd });
    expect(found.code, found.stderr).toBe(0);
    expect(JSON.parse(found.stdout)).toMatchObject({
      format: 'openclaw-verification',
      version: 1,
      verdict: 'pass',
      verified: { proved: 1 },
      certified: { proved: 1, open: 0 },
    });
  });
});
