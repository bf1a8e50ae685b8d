import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BoardLimiter } from '../../../src/cli/board/board-limiter.ts';
import { limiterDigest } from '../../../src/cli/board/limiter-digest.ts';
import { cellOf, type MeasuredBy } from '../../../src/cli/board/measure-cells.ts';
import { rowOfStrategy } from '../../../src/cli/board/our-strategies.ts';
import { planCells } from '../../../src/cli/board/plan-cells.ts';
import { TimeLeft } from '../../../src/cli/board/time-left.ts';
import { keepCell, makeCellFolder, RUNS } from '../../../src/cli/files/kept-cells.ts';
import { readReport } from '../../../src/cli/files/read-report.ts';
import type { Environment } from '../../../src/cli/process/environment.ts';
import { readLimiterFile } from '../../../src/limiter/plugin/command/limiter-file.ts';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';
import { blocksOn, SCOREBOARD_PAGE } from '../../support/doc-blocks.ts';
import { sampleBoard } from '../../support/scoreboard.ts';

const ABOUT = {
  ...{ name: 'mine', language: 'JavaScript', version: ['echo', 'mine 1.2'], setting: '20 in 4 s' },
  ...{ documentation: [], says: 'Nothing.' },
};
const MODULE = `export const promise = 'fixed-window:20/4s';
export const about = ${JSON.stringify(ABOUT)};
export const createLimiter = () => ({ take: () => ({ allowed: true }) });
`;

/** A folder with an `audits` of these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const cwd = testFolder();
  mkdirSync(join(cwd, 'audits'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, 'audits', name), text);
  return cwd;
}

/** Puts a board into the folder where `scoreboard` looks for it: its only limiter is `mine`, which broke its promise. */
function keepBoard(cwd: string, more: object): void {
  const board = sampleBoard(4);
  const mine = { ...board.limiters[3], id: 'mine', topology: 'cluster', ...more };
  const cells = board.cells.slice(-8).map((cell) => ({ ...cell, limiter: 'mine', status: 'broken' }));
  mkdirSync(join(cwd, 'reports/scoreboard'), { recursive: true });
  const text = JSON.stringify({ ...board, limiters: [mine], cells });
  writeFileSync(join(cwd, 'reports/scoreboard/scoreboard.json'), text);
}

const list = (cwd: string, ...more: string[]) =>
  callCli(['scoreboard', '--list', '--audits', 'audits', '--json', ...more], { cwd });

describe('scoreboard --list', () => {
  it('shows limiters with their version and promise, and ours', async () => {
    const cwd = folderOf({ 'mine.mjs': MODULE, 'nameless.mjs': MODULE.replace('about =', 'other =') });
    const { code, stdout, stderr } = await list(cwd);
    expect(code, stderr).toBe(0);
    const [mine, ...others] = JSON.parse(stdout);
    expect(mine).toMatchObject({ id: 'mine', version: 'mine 1.2', promise: 'fixed-window:20/4s' });
    expect(Object.keys(mine.cells)).toHaveLength(8);
    expect(others.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(['central', 'lease', 'replica-reads']),
    );
  });

  it('shows only the scenarios that are typed', async () => {
    const cwd = folderOf({ 'mine.mjs': MODULE });
    const typed = ['mine', '--scenario', 'failover', 'healthy'];
    const [mine] = JSON.parse((await list(cwd, ...typed)).stdout);
    expect(Object.keys(mine.cells)).toEqual(['healthy', 'failover']);
    const { stdout } = await callCli(['scoreboard', '--list', '--audits', 'audits', ...typed], { cwd });
    expect(stdout).toMatch(/promise +│ healthy +│ failover/);
    expect(stdout).not.toContain('partition');
  });

  it('has a row for a file that cannot be loaded, with the reason and no path', async () => {
    const cwd = folderOf({ 'broken.mjs': "import 'no-such-package-of-all';" });
    const [broken] = JSON.parse((await list(cwd)).stdout);
    expect(broken).toMatchObject({ id: 'broken', version: '' });
    expect(broken.lack).toMatch(/^cannot be loaded: Cannot find package 'no-such-package-of-all'/);
    expect(broken.lack).not.toContain(cwd);
  });

  it('shows a kept cell only if the limiter is still the same, and its status by what it covers now', async () => {
    const cwd = folderOf({ 'mine.mjs': MODULE });
    const code = await limiterDigest(join(cwd, 'audits/mine.mjs'));
    const statusesOf = async (kept: object) => {
      keepBoard(cwd, { promise: 'fixed-window:20/4s', version: 'mine 1.2', code, ...kept });
      const [{ cells }] = JSON.parse((await list(cwd, 'mine')).stdout);
      return [cells.healthy, cells.failover];
    };
    const gone = ['not measured yet', 'not measured yet'];
    expect(await statusesOf({ covers: ['failover'] })).toEqual(['broken', 'exceeded']);
    expect(await statusesOf({ version: 'mine 1.1' })).toEqual(gone);
    expect(await statusesOf({ code: 'ab' })).toEqual(gone);
    expect(await statusesOf({ topology: 'single' })).toEqual(gone);
  });

  it('asks for a version without the passwords of Redis, since that is published', async () => {
    const cwd = folderOf({ 'mine.mjs': MODULE.replace('"echo"', '"sh","-c","echo [$REDIS_PASSWORD] #"') });
    const typed = ['scoreboard', '--list', '--audits', 'audits', '--json', 'mine'];
    const env = { ...process.env, REDIS_PASSWORD: 'secret' };
    const [mine] = JSON.parse((await callCli(typed, { cwd, env })).stdout);
    expect(mine.version).toBe('[]');
  });

  it('says so where a version cannot be asked for', async () => {
    const cwd = folderOf({ 'mine.mjs': MODULE.replace('"echo"', '"no-such-program"') });
    const [mine] = JSON.parse((await list(cwd, 'mine')).stdout);
    expect(mine.version).toMatch(/^not known: .*ENOENT/);
  });

  it.each([
    { title: 'an unknown id', typed: ['mina'], says: /no limiter is called "mina"; did you mean mine\?/ },
    { title: 'a file without about', typed: ['./audits/other.mjs'], says: /plugin:other\.mjs has no about/ },
    { title: 'one id twice', typed: ['mine', './mine.mjs'], says: /two limiters have the id "mine"/ },
    { title: 'a folder that is not there', typed: ['--audits', 'x'], says: /--audits: "x" is not there/ },
  ])('refuses $title', async ({ typed, says }) => {
    const cwd = folderOf({ 'mine.mjs': MODULE, 'other.mjs': MODULE.replace('about =', 'that =') });
    writeFileSync(join(cwd, 'mine.mjs'), MODULE);
    const { code, stderr } = await list(cwd, ...typed);
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });
});

describe('scoreboard', () => {
  it.each([
    { typed: ['--list', '--check'], says: /--list and --check are mutually exclusive/ },
    { typed: ['--list', '--format', 'md'], says: /--list has no --format md/ },
    { typed: ['--against', 'x.json'], says: /--against: only valid with --check/ },
    { typed: ['--compare', 'a.json'], says: /--compare takes two files; found 1/ },
    { typed: ['--check', '--against', 'x.json'], says: /cannot read "x\.json": there is no such file/ },
    { typed: ['--scenario', 'fail-over'], says: /Allowed choices are healthy, three-instances/ },
  ])('refuses $typed', async ({ typed, says }) => {
    const { code, stderr } = await callCli(['scoreboard', ...typed], { cwd: testFolder() });
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });

  it('escapes names of files in its table', async () => {
    const about = { ...ABOUT, skip: { healthy: 'no time' } };
    const name = '\u001b[31mred.mjs';
    const cwd = folderOf({ [name]: MODULE.replace(JSON.stringify(ABOUT), JSON.stringify(about)) });
    const typed = ['scoreboard', `./audits/${name}`, '--scenario', 'healthy'];
    const { stdout } = await callCli(typed, { cwd });
    expect(stdout).toContain('\\u001b[31mred');
    expect(stdout).not.toContain('\u001b[31m');
  });

  it('compares two boards: which cells changed, by the exit code too', async () => {
    const cwd = testFolder();
    const board = sampleBoard();
    const [first, ...rest] = board.cells;
    const changed = { ...board, cells: [{ ...first, status: 'broken' }, ...rest] };
    writeFileSync(join(cwd, 'a.json'), JSON.stringify(board));
    writeFileSync(join(cwd, 'b.json'), JSON.stringify(changed));
    const same = await callCli(['scoreboard', '--compare', 'a.json', 'a.json'], { cwd });
    expect([same.code, same.stdout]).toEqual([0, expect.stringMatching(/^0 of \d+ cells changed/)]);
    const other = await callCli(['scoreboard', '--compare', 'a.json', 'b.json'], { cwd });
    expect([other.code, other.stdout]).toEqual([1, expect.stringMatching(/^1 of \d+ cells changed/)]);
    expect(other.stdout).toMatch(/central +│ healthy +│ kept +│ broken/);
  });

  it('has no cell to check where the board has none with a verdict', async () => {
    const cwd = testFolder();
    writeFileSync(join(cwd, 'a.json'), JSON.stringify({ ...sampleBoard(), cells: [] }));
    const { code, stderr } = await callCli(['scoreboard', '--check', '--against', 'a.json'], { cwd });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/"a\.json" has no such cell with a verdict/)]);
  });
});

it.each([
  { strategy: 'central', want: ['false-denials <= 0', 'contested >= 50%'] },
  { strategy: 'lease', want: ['contested >= 15%'] }, // a denial may come while another region holds lent tokens
] as const)('wants of $strategy $want', async ({ strategy, want }) => {
  const words = ['--strategy', strategy];
  const limiter = { row: rowOfStrategy(strategy), by: { strategy }, words, skip: {} };
  const environment = { cwd: testFolder() } as Environment;
  const [cell] = await planCells([limiter], { scenarios: ['healthy'], seed: 1 }, environment);
  const claims = cell !== undefined && 'plan' in cell ? cell.plan.claims : [];
  expect(claims.filter((claim) => /contested|denials/.test(claim))).toEqual(want);
});

it('reads the file of a limiter that its page shows', async () => {
  const [block] = blocksOn(SCOREBOARD_PAGE, 'yaml');
  const file = join(testFolder(), 'mine.yaml');
  writeFileSync(file, block?.text ?? '');
  expect((await readLimiterFile(file)).about?.covers).toEqual(['three-instances', 'hot-user']);
});

describe('the digest of a limiter', () => {
  const digestOf = async (name: string, text: string) => {
    const cwd = testFolder();
    writeFileSync(join(cwd, 'mine.py'), 'pass');
    writeFileSync(join(cwd, name), text);
    const before = await limiterDigest(join(cwd, name));
    writeFileSync(join(cwd, 'mine.py'), 'raise');
    return [before, await limiterDigest(join(cwd, name))] as const;
  };
  const YAML = 'command: [/usr/bin/python3, mine.py]\n';

  it('changes with its program, and not with what it says about itself', async () => {
    const [before, after] = await digestOf('mine.yaml', YAML);
    expect(after).not.toBe(before);
    expect((await digestOf('mine.yaml', `${YAML}about: { name: mine }\n`))[0]).toBe(before);
    expect((await digestOf('mine.yaml', `${YAML}promise: token-bucket\n`))[0]).not.toBe(before);
  });

  it('changes with a file that the program names, and not with another beside it', async () => {
    const cwd = testFolder();
    const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);
    write('mine.yaml', 'command: [./run.sh, mine]\n');
    write('run.sh', '#!/bin/sh\nexec python3 mine.py\n');
    write('mine.py', 'from takes import answer\n');
    write('takes.py', 'answer = 1\n');
    write('other.py', 'import mine\n');
    const digest = () => limiterDigest(join(cwd, 'mine.yaml'));
    const before = await digest();
    write('other.py', 'import mine, takes\n');
    expect(await digest()).toBe(before);
    write('takes.py', 'answer = 2\n');
    expect(await digest()).not.toBe(before);
  });

  it('changes with a module, and not with what that says about itself', async () => {
    const module = (name: string, allowed: boolean) =>
      `export const about = {\n  name: '${name}',\n};\nexport const createLimiter = () => ({ take: () => ({ allowed: ${allowed} }) });\n`;
    const [before] = await digestOf('mine.mjs', module('mine', true));
    expect((await digestOf('mine.mjs', module('other', true)))[0]).toBe(before);
    expect((await digestOf('mine.mjs', module('mine', false)))[0]).not.toBe(before);
  });
});

it('digests what a module imports from beside it, each file once', async () => {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'mine.mjs'), "export { promise } from './part.mjs';\nimport 'ioredis';\n");
  writeFileSync(join(cwd, 'part.mjs'), "import './mine.mjs';\nexport const promise = 'token-bucket';\n");
  const before = await limiterDigest(join(cwd, 'mine.mjs'));
  expect(await limiterDigest(join(cwd, 'mine.mjs'))).toBe(before);
  writeFileSync(join(cwd, 'part.mjs'), "export const promise = 'sliding-window:20/4s';\n");
  expect(await limiterDigest(join(cwd, 'mine.mjs'))).not.toBe(before);
});

describe('the time that is left', () => {
  it('is that of the runs before, for as many as are left', async () => {
    let nowMs = 0;
    const time = new TimeLeft(121, () => nowMs);
    expect(time.text()).toBe(', about 1 h 11 min left');
    await time.measured(async () => {
      nowMs += 60_000;
    });
    time.passed();
    expect([time.count, time.text()]).toEqual([1, ', about 2 h 0 min left']);
  });

  it('does not count what failed', async () => {
    const time = new TimeLeft(2, () => 0);
    await expect(time.measured(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(time.count).toBe(0);
  });
});

it('shows the kept cell of a limiter that could not be started in another scenario', async () => {
  const folder = testFolder();
  const run = '20261125T042009503Z-bench-1';
  cpSync(join(import.meta.dirname, '../../fixtures/runs/central'), join(folder, RUNS, run), {
    recursive: true,
  });
  const report = await readReport(join(folder, RUNS, run), folder);
  const { plan, promise } = report;
  const history = { sha256: 'ab'.repeat(32), bytes: 9, operations: 3 };
  const row = { ...sampleBoard(4).limiters[3], id: 'mine', promise };
  const { version, code } = row;
  await makeCellFolder(folder, folder);
  await keepCell(folder, { plan, instead: [] }, { report, facts: { version, code, history } });
  const limiter = { row, by: { lack: '' }, words: [], skip: {} } as unknown as BoardLimiter;
  const by = {
    ...{ folder, flags: { provider: 'auto', certificate: false }, environment: { env: {}, log: () => {} } },
    ...{ again: 'none', time: new TimeLeft(2, () => 0), failed: new Map([['mine', 'it did not start']]) },
  } as unknown as MeasuredBy;
  const wanted = { ...plan, load: { ...plan.load, processes: 3 } }; // they send the same requests
  expect(await cellOf({ limiter, scenario: 'healthy', plan: wanted }, '1 of 2', by)).toMatchObject({
    status: 'kept',
    history,
  });
  const other = { limiter, scenario: 'hot-user', plan: { ...plan, seed: 9 } } as const;
  expect(await cellOf(other, '2 of 2', by)).toMatchObject({ status: 'not-run', reason: 'it did not start' });
});
