import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { planPrune, pruneRuns, type Removal } from '../../../src/cli/files/prune-runs.ts';
import { ClusterStore } from '../../../src/regions/store/cluster-store.ts';
import { callCli } from '../../support/call-cli.ts';
import { runProgram, testFolder } from '../../support/cli.ts';
import { folderWith, GONE, startOwner } from '../../support/cluster-states.ts';
import { FILES, lookAtRuns, putRuns, runName, writeWriter } from '../../support/kept-runs.ts';
import { ROOT } from '../../support/readme.ts';

const BYTES = Object.values(FILES).join('').length;

const prune = (cwd: string, ...args: string[]) => callCli(['runs', 'prune', ...args], { cwd });

/** Root could write to every folder. */
const NOT_ROOT = 65_534;
const dist = (file: string) => pathToFileURL(join(ROOT, 'dist', file)).href;

/** A folder with runs in `reports`. */
function withRuns(many: number, cwd = testFolder()) {
  const reports = join(cwd, 'reports');
  return { cwd, reports, names: putRuns(reports, many) };
}

describe('runs prune', () => {
  it('removes the oldest runs by the times in their names, and says how much that is', async () => {
    const { cwd, reports, names } = withRuns(5);
    for (const [at, name] of names.entries()) utimesSync(join(reports, name), 1e9 - at, 1e9 - at);
    const { code, stdout, stderr } = await prune(cwd, '--keep', '3');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      `removed reports/${names[0]} (${BYTES} bytes)\nremoved reports/${names[1]} (${BYTES} bytes)\n` +
        `removed 2 runs, ${2 * BYTES} bytes\n`,
    );
    expect(readdirSync(reports).sort()).toEqual(names.slice(2));
    expect(lookAtRuns(reports).broken).toEqual([]);
  });

  it('removes nothing if there are no more, or no folder', async () => {
    const { cwd, reports, names } = withRuns(2);
    expect(await prune(cwd, '--keep', '2')).toEqual({
      code: 0,
      stdout: 'nothing to remove in reports\n',
      stderr: '',
    });
    expect(lookAtRuns(reports).whole).toEqual(names);
    expect((await prune(cwd, '--keep', '0', '--reports', 'none')).stdout).toBe('nothing to remove in none\n');
  });

  it('with --dry-run says what it would remove, and removes nothing', async () => {
    const { cwd, reports, names } = withRuns(3);
    const { code, stdout } = await callCli(['runs', 'prune', '--keep', '2', '--dry-run'], {
      cwd,
      answer: 'y',
    });
    expect([code, stdout]).toEqual([
      0,
      `would remove reports/${names[0]} (${BYTES} bytes)\nwould remove 1 run, ${BYTES} bytes\n`,
    ]);
    expect(lookAtRuns(reports).whole).toEqual(names);
  });

  it('prints one JSON document', async () => {
    const { cwd, reports, names } = withRuns(3);
    symlinkSync(names[0] ?? '', join(reports, 'latest'));
    const { stdout } = await prune(cwd, '--keep', '1', '--json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ format: 'openclaw-prune', version: 1, dryRun: false, keep: 1, bytes: BYTES },
      removed: [{ folder: `reports/${names[1]}`, bytes: BYTES }],
      kept: [{ folder: `reports/${names[0]}`, reason: '`latest` links to it' }],
    });
  });

  it.each([
    { answer: 'y', code: 0, left: 1 },
    { answer: 'Yes ', code: 0, left: 1 },
    { answer: 'n', code: 69, left: 3 },
    { answer: '', code: 69, left: 3 },
  ])('asks in a terminal; after "$answer": exit code $code', async ({ answer, code, left }) => {
    const { cwd, reports, names } = withRuns(3);
    const result = await callCli(['runs', 'prune', '--keep', '1'], { cwd, answer });
    expect(result.stderr).toContain(
      `prune removes:\n  reports/${names[0]} (${BYTES} bytes)\n  reports/${names[1]} (${BYTES} bytes)\nRemove all of them? [y/N] ${answer}\n`,
    );
    expect([result.code, lookAtRuns(reports)]).toEqual([code, { whole: names.slice(-left), broken: [] }]);
  });

  it('with --yes does not ask', async () => {
    const { cwd, reports } = withRuns(2);
    const { stderr } = await callCli(['runs', 'prune', '--keep', '1', '--yes'], { cwd, answer: 'n' });
    expect([stderr, lookAtRuns(reports).whole.length]).toEqual(['', 1]);
  });

  it('removes what an earlier prune began to remove', async () => {
    const { cwd, reports, names } = withRuns(1);
    const half = join(reports, `.pruned-${runName(7)}`);
    mkdirSync(half);
    writeFileSync(join(half, 'history.ndjson'), 'ten bytes\n');
    mkdirSync(join(reports, '.pruned-of-a-user'));
    const { stdout } = await prune(cwd, '--keep', '5');
    expect(stdout).toBe(
      `removed reports/.pruned-${runName(7)} (10 bytes, half removed earlier)\nremoved 0 runs, 10 bytes\n`,
    );
    expect(readdirSync(reports).sort()).toEqual(['.pruned-of-a-user', ...names]);
  });

  it.each([
    { title: 'without --keep', args: [], says: "required option '--keep <number>' not specified" },
    { title: 'less than none', args: ['--keep', '-1'], says: 'Expected a whole number from 0 to' },
    { title: 'a file', args: ['--keep', '0', '--reports', 'file'], says: '--reports: file: ENOTDIR' },
  ])('refuses $title: exit code 64', async ({ args, says }) => {
    const { cwd, reports, names } = withRuns(1);
    writeFileSync(join(cwd, 'file'), '');
    const { code, stdout, stderr } = await prune(cwd, ...args);
    expect([code, stdout, stderr]).toEqual([64, '', expect.stringContaining(says)]);
    expect(lookAtRuns(reports).whole).toEqual(names);
  });

  it('refuses an option that stands before prune, where it would mean the list of runs', async () => {
    const { cwd, reports, names } = withRuns(1);
    const { code, stderr } = await callCli(['runs', '--reports', 'other', 'prune', '--keep', '0'], { cwd });
    expect([code, stderr]).toEqual([64, expect.stringContaining('--reports stands before prune\n')]);
    expect(lookAtRuns(reports).whole).toEqual(names);
  });
});

describe('runs prune never removes', () => {
  it.each(['relative', 'absolute'])('the run that latest links to: a path that is %s', async (kind) => {
    const { cwd, reports, names } = withRuns(3);
    const [, second = ''] = names;
    symlinkSync(kind === 'relative' ? second : join(reports, second), join(reports, 'latest'));
    const { stdout } = await prune(cwd, '--keep', '0');
    expect(stdout).toContain(`kept reports/${second}: \`latest\` links to it\n`);
    expect(lookAtRuns(reports)).toEqual({ whole: [second], broken: [] });
    expect(existsSync(join(reports, 'latest/report.json'))).toBe(true);
  });

  it.each([
    { title: 'of this machine', more: {}, says: /^pid \d+ is writing it$/ },
    {
      title: 'of another container',
      more: { pidNamespace: '7', host: 'box' },
      says: /^pid \d+ of another container or machine \(box\) may be writing it$/,
    },
    {
      title: 'of another machine',
      more: { boot: 'another', host: 'elsewhere' },
      says: /^pid \d+ of another container or machine \(elsewhere\) may be writing it$/,
    },
    {
      title: 'of another machine with the same name',
      more: { boot: 'another' },
      says: /^pid \d+ of another container or machine \(.+\) may be writing it$/,
    },
  ])('a run that a program $title is writing', async ({ more, says }) => {
    const { cwd, reports, names } = withRuns(2);
    const [first = ''] = names;
    writeWriter(join(reports, first), { ...(await startOwner()), ...more });
    const { kept } = JSON.parse((await prune(cwd, '--keep', '0', '--json')).stdout);
    expect(kept).toEqual([{ folder: `reports/${first}`, reason: expect.stringMatching(says) }]);
    expect(lookAtRuns(reports)).toEqual({ whole: [first], broken: [] });
  });

  it('a run that may be being written: its mark cannot be read', async () => {
    const { cwd, reports, names } = withRuns(1);
    writeFileSync(join(reports, names[0] ?? '', '.running'), '{"pid":');
    expect((await prune(cwd, '--keep', '0')).stdout).toContain('so it may be being written\n');
    expect(lookAtRuns(reports).whole).toEqual(names);
  });

  it('the last run on a cluster that is up; once that is down it goes', async () => {
    const { cwd, reports, names } = withRuns(2, folderWith({ a: {}, mine: {} }));
    const [first = ''] = names;
    const store = new ClusterStore(join(cwd, 'state'));
    await store.noteRun('mine', { policy: '20:5/s', prefix: `rate:openclaw:${first}` });
    expect((await prune(cwd, '--keep', '0')).stdout).toContain(
      `kept reports/${first}: it is the last run on cluster mine, which has its buckets\n`,
    );
    expect(lookAtRuns(reports)).toEqual({ whole: [first], broken: [] });
    await store.clear('mine', { keepLogs: false });
    await store.take({ name: 'mine', startId: 'start-of-mine' });
    await prune(cwd, '--keep', '0');
    expect(lookAtRuns(reports).whole).toEqual([]);
  });

  it('any run while it cannot be seen which run a cluster has: exit code 69', async () => {
    const { cwd, reports, names } = withRuns(2, folderWith({ mine: {} }));
    writeFileSync(join(cwd, 'state/clusters/mine/state.json'), 'no JSON');
    const { code, stderr } = await prune(cwd, '--keep', '0');
    expect([code, stderr]).toEqual([69, expect.stringContaining('state.json is not a JSON object\n')]);
    expect(lookAtRuns(reports).whole).toEqual(names);
  });

  it('any run while it cannot be seen what latest links to: exit code 69', async () => {
    const { cwd, reports, names } = withRuns(2);
    symlinkSync('latest', join(reports, 'latest'));
    const { code, stderr } = await prune(cwd, '--keep', '0');
    expect([code, stderr]).toEqual([69, expect.stringContaining('latest cannot be read: ELOOP\n')]);
    expect(lookAtRuns(reports).whole).toEqual(names);
  });

  it('a run in a cell of its matrix', async () => {
    const cwd = testFolder();
    const reports = join(cwd, 'reports/matrix/runs');
    const [first = ''] = putRuns(reports, 2);
    mkdirSync(join(reports, '../cells'));
    writeFileSync(join(reports, '../cells/baseline--central--1.json'), JSON.stringify({ run: first }));
    const { stdout } = await prune(cwd, '--keep', '0', '--reports', 'reports/matrix/runs');
    expect(stdout).toContain(`kept reports/matrix/runs/${first}: one of its cells needs it\n`);
    expect(lookAtRuns(reports)).toEqual({ whole: [first], broken: [] });
  });

  it.each(['cells', 'cells/baseline--central--1.json'])(
    'any run while it cannot be seen which a matrix needs, in %s: exit code 69',
    async (loop) => {
      const cwd = testFolder();
      const reports = join(cwd, 'matrix/runs');
      const names = putRuns(reports, 2);
      if (loop !== 'cells') mkdirSync(join(cwd, 'matrix/cells'));
      symlinkSync(basename(loop), join(cwd, 'matrix', loop));
      const { code, stderr } = await prune(cwd, '--keep', '0', '--reports', 'matrix/runs');
      expect([code, stderr]).toEqual([69, expect.stringContaining(`${loop} cannot be read: ELOOP\n`)]);
      expect(lookAtRuns(reports).whole).toEqual(names);
    },
  );

  it('a part of a run: one with a folder that this user cannot write to stays whole, and has its name', async () => {
    const { cwd, reports, names } = withRuns(2);
    const logs = join(reports, names[0] ?? '', 'logs');
    const all = readdirSync(cwd, { recursive: true, encoding: 'utf8' }).map((path) => join(cwd, path));
    if (process.getuid?.() === 0) for (const path of [cwd, ...all]) chownSync(path, NOT_ROOT, NOT_ROOT);
    chmodSync(logs, 0o555);
    onTestFinished(() => {
      if (existsSync(logs)) chmodSync(logs, 0o755);
    });
    const program = `
      import { planPrune, pruneRuns } from '${dist('cli/files/prune-runs.js')}';
      import { ClusterStore } from '${dist('regions/store/cluster-store.js')}';
      if (process.getuid() === 0) process.setuid(${NOT_ROOT});
      const store = new ClusterStore('state');
      const plan = await planPrune({ reports: 'reports', keep: 0 }, { cwd: '.', store });
      const on = { onKept: console.log, onRemoved: console.log, onError: (error) => console.error(error.message) };
      await pruneRuns(plan, { store, signal: new AbortController().signal, on });`;
    const { stdout, stderr } = await runProgram(
      process.execPath,
      ['--input-type=module', '--eval', program],
      {
        cwd,
      },
    );
    expect(stderr).toMatch(new RegExp(`^cannot remove reports/${names[0]}: EACCES: .*/logs'\\n$`));
    expect(stdout).toContain(`name: '${names[1]}'`);
    expect([lookAtRuns(reports), readdirSync(reports)]).toEqual([
      { whole: [names[0]], broken: [] },
      [names[0]],
    ]);
  });

  it('what has not the name of a run', async () => {
    const { cwd, reports } = withRuns(1);
    const others = ['README.md', 'latest', 'matrix', 'my-notes', '20261127-bench-1'];
    for (const name of others.slice(1)) mkdirSync(join(reports, name));
    writeFileSync(join(reports, 'README.md'), '');
    expect((await prune(cwd, '--keep', '0')).stdout).not.toContain('kept');
    expect(readdirSync(reports).sort()).toEqual(others.sort());
  });

  it('what has the name of a run and is none: a file, an empty folder, one with files of the user', async () => {
    const { cwd, reports, names } = withRuns(4);
    const [, , third = '', fourth = ''] = names;
    writeFileSync(join(reports, runName(10)), 'mine');
    mkdirSync(join(reports, runName(11)));
    mkdirSync(join(reports, runName(12)));
    writeFileSync(join(reports, runName(12), 'thesis.tex'), 'mine');
    writeFileSync(join(reports, third, 'notes.md'), 'mine');
    mkdirSync(join(reports, fourth, '.git'));
    const { kept } = JSON.parse((await prune(cwd, '--keep', '0', '--json')).stdout);
    expect(kept).toEqual([
      { folder: `reports/${runName(12)}`, reason: 'it has a file that no run writes: thesis.tex' },
      { folder: `reports/${runName(11)}`, reason: 'it is empty' },
      { folder: `reports/${runName(10)}`, reason: 'it is no folder' },
      { folder: `reports/${fourth}`, reason: 'it has a file that no run writes: .git' },
      { folder: `reports/${third}`, reason: 'it has a file that no run writes: notes.md' },
    ]);
    expect(readFileSync(join(reports, runName(12), 'thesis.tex'), 'utf8')).toBe('mine');
    expect(lookAtRuns(reports).whole).toEqual([third, fourth]);
  });

  it('anything behind a symbolic link: one to a run, one in a run, one with the name of a removal', async () => {
    const { cwd, reports, names } = withRuns(1);
    const outside = join(cwd, 'outside');
    const elsewhere = putRuns(outside, 3);
    for (const [at, name] of elsewhere.entries())
      symlinkSync(join(outside, name), join(reports, at === 0 ? `.pruned-${runName(8)}` : runName(20 + at)));
    symlinkSync(outside, join(reports, names[0] ?? '', 'parts'));
    const { stdout } = await prune(cwd, '--keep', '0');
    expect(stdout).toContain(`kept reports/${runName(21)}: it is a symbolic link\n`);
    expect(lookAtRuns(outside)).toEqual({ whole: elsewhere, broken: [] });
    expect(existsSync(join(reports, names[0] ?? ''))).toBe(false);
    expect(readdirSync(reports).sort()).toEqual([`.pruned-${runName(8)}`, runName(21), runName(22)]);
  });

  it('a part of a run: one that cannot be moved away stays whole, and the others go; exit code 69', async () => {
    const { cwd, reports, names } = withRuns(3);
    writeFileSync(join(reports, `.pruned-${names[1]}`), 'in the way');
    const { code, stdout, stderr } = await prune(cwd, '--keep', '0');
    expect([code, stderr]).toEqual([69, expect.stringMatching(/^error: cannot remove reports\/.*ENOTDIR/)]);
    expect(stdout).toMatch(/\nremoved 2 runs, \d+ bytes; 1 not removed\n$/);
    expect(lookAtRuns(reports)).toEqual({ whole: [names[1]], broken: [] });
  });
});

describe('runs prune removes a run', () => {
  it.each([
    { title: 'whose program was killed', more: {}, atS: Date.now() / 1_000 },
    { title: 'whose machine was started again', more: { boot: 'an earlier one' }, atS: 1e9 },
  ])('$title', async ({ more, atS }) => {
    const { cwd, reports, names } = withRuns(1);
    writeWriter(join(reports, names[0] ?? ''), { ...GONE, ...more });
    utimesSync(join(reports, names[0] ?? '', '.running'), atS, atS);
    await prune(cwd, '--keep', '0');
    expect(readdirSync(reports)).toEqual([]);
  });

  it('that ended before its report, with what a killed program left unfinished', async () => {
    const { cwd, reports } = withRuns(0);
    const folder = join(reports, runName(0));
    mkdirSync(folder, { recursive: true });
    const left = ['history.ndjson', 'error.json', '.report.json.unfinished', 'certificate.ndjson.gz.77.part'];
    for (const name of left) writeFileSync(join(folder, name), '');
    await prune(cwd, '--keep', '0');
    expect(readdirSync(reports)).toEqual([]);
  });
});

describe('while runs prune goes on', () => {
  /** Plans to remove all runs but one, then does what happens until the answer, and removes. */
  async function pruneAfter(
    { cwd, reports }: { readonly cwd: string; readonly reports: string },
    happens: () => void,
    signal = new AbortController().signal,
    onRemoved: (removal: Removal) => void = () => {},
  ) {
    const store = new ClusterStore(join(cwd, 'state'));
    const plan = await planPrune({ reports, keep: 1 }, { cwd, store });
    happens();
    const kept: string[] = [];
    const errors: unknown[] = [];
    const on = {
      onRemoved,
      onKept: ({ reason }: { reason: string }) => void kept.push(reason),
      onError: (error: unknown) => void errors.push(error),
    };
    await pruneRuns(plan, { store, signal, on });
    expect(errors).toEqual([]);
    return { kept, ...lookAtRuns(reports) };
  }

  it('it keeps what has come to be needed since the question, and what the user has put there', async () => {
    const { names, ...place } = withRuns(4);
    const [first = '', second = '', , fourth] = names;
    const { kept, whole } = await pruneAfter(place, () => {
      symlinkSync(first, join(place.reports, 'latest'));
      writeFileSync(join(place.reports, second, 'notes.md'), '');
    });
    expect(kept).toEqual(['`latest` links to it', 'it has a file that no run writes: notes.md']);
    expect(whole).toEqual([first, second, fourth]);
  });

  it('it stops after the run that goes when it is interrupted', async () => {
    const { names, ...place } = withRuns(4);
    const stop = new AbortController();
    const look = await pruneAfter(
      place,
      () => {},
      stop.signal,
      () => stop.abort(),
    );
    expect(look).toEqual({ kept: [], whole: names.slice(1), broken: [] });
  });

  it('it does not name a run that another program has removed', async () => {
    const { names, ...place } = withRuns(2);
    const removed: Removal[] = [];
    const gone = () => rmSync(join(place.reports, names[0] ?? ''), { recursive: true });
    await pruneAfter(place, gone, undefined, (one) => removed.push(one));
    expect(removed).toEqual([]);
  });
});
