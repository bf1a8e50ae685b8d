import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HuntDocument } from '../../src/hunt/hunt-document.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';

/** Finds an excess within its first batch; it is shrunk in a few seconds. */
const FINDS = ['hunt', '--strategy', 'replica-reads', '--most-faults', '0'];
const BROKEN = [...FINDS, '--schedules', '4', '--keep', '1', '--no-confirm', '--seed', '3'];
const WHOLE = ['hunt', '--strategy', 'central', '--most-faults', '0', '--schedules', '4'];

const documentOf = (stdout: string): HuntDocument => JSON.parse(stdout);
const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

describe('hunt', { timeout: 180_000 }, () => {
  it('finds, shrinks, and writes a scenario that fails in the same way', async () => {
    const cwd = testFolder();
    const { code, stdout, stderr } = await callCli([...BROKEN, '--json'], { cwd });
    expect(code, stderr).toBe(2); // not confirmed
    const { worst, schedules, failed, searched } = documentOf(stdout);
    expect([worst.length, failed, searched]).toEqual([1, [], 'simulated']);
    expect(schedules).toBeGreaterThan(16); // those of shrinking
    const [found] = worst;
    expect(found).toMatchObject({ scenario: 'worst-1.yaml', isFound: true, users: 1 });
    expect(found?.outcome).toMatchObject({ bound: 0, verdict: 'fail' });
    const folder = join(cwd, 'reports/hunt/replica-reads-3');
    expect(readdirSync(folder).sort()).toEqual(['hunt.json', 'hunt.md', 'journal.ndjson', 'worst-1.yaml']);
    expect(readFileSync(join(folder, 'hunt.md'), 'utf8')).toMatch(/in simulation only/);
    expect(documentOf(readFileSync(join(folder, 'hunt.json'), 'utf8'))).toEqual(documentOf(stdout));

    const file = 'reports/hunt/replica-reads-3/worst-1.yaml';
    const run = await callCli(['run', file, '--simulate', '--json'], { cwd });
    const report: RunReport = JSON.parse(run.stdout);
    expect([run.code, report.overAdmission.largestExcess]).toEqual([1, found?.outcome.excess]);
    expect(report.sent).toBe(found?.outcome.requests);
  });

  it('V15: says of no schedule that it was shrunk where none could be', async () => {
    const args = [...WHOLE, '--for', 'availability', '--json'];
    const { code, stdout, stderr } = await callCli(args, { cwd: testFolder() });
    expect(code, stderr).toBe(0);
    const { worst } = documentOf(stdout);
    expect(worst.length).toBeGreaterThan(0);
    expect(worst.filter(({ shrunkFrom }) => shrunkFrom !== undefined)).toEqual([]);
  });

  it('repeats nothing that its journal has, and goes on from there', async () => {
    const cwd = testFolder();
    const first = await callCli([...WHOLE, '--json'], { cwd });
    expect([first.code, documentOf(first.stdout).schedules], first.stderr).toEqual([0, 4]);
    const journal = join(cwd, 'reports/hunt/central-1/journal.ndjson');
    const lines = linesOf(journal);
    expect(lines).toHaveLength(5);
    const folder = join(cwd, 'reports/hunt/central-1');
    for (const name of ['worst-2.yaml', 'mine.yaml']) writeFileSync(join(folder, name), 'of before');
    const again = await callCli([...WHOLE, '--json'], { cwd });
    expect(readdirSync(folder).filter((name) => name.endsWith('.yaml'))).toEqual([
      'mine.yaml',
      'worst-1.yaml',
    ]);
    expect([again.code, linesOf(journal)]).toEqual([0, lines]);
    const { worst } = documentOf(again.stdout);
    expect(worst).toEqual(documentOf(first.stdout).worst);
    const more = await callCli([...WHOLE.slice(0, -1), '6', '--json'], { cwd });
    expect([more.code, documentOf(more.stdout).schedules]).toEqual([0, 6]);
    expect(linesOf(journal).slice(0, 5)).toEqual(lines);

    const other = await callCli([...WHOLE, '--fault', 'kill'], { cwd });
    expect([other.code, other.stdout]).toEqual([64, '']);
    expect(other.stderr).toMatch(
      /another hunt: it differs in fault\n {2}choose another folder with --folder/,
    );
  });

  it('gives the same for any number of workers', async () => {
    const worstOf = async (workers: string) => {
      const { stdout } = await callCli([...WHOLE, '--workers', workers, '--json'], { cwd: testFolder() });
      return documentOf(stdout).worst;
    };
    expect(await worstOf('1')).toEqual(await worstOf('2'));
  });

  it('keeps what it has tried at Ctrl-C, and the same command goes on', async () => {
    const cwd = testFolder();
    const args = ['hunt', '--strategy', 'central', '--schedules', '1000'];
    const { child, output, ended } = startCli(args, { cwd });
    await untilSaid({ output }, /search {2}[1-9]\d* schedules/);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(output.stdout).toBe('');
    const [, count = ''] =
      /interrupted after (\d+) schedules, which are in reports\/hunt\/central-1; the same command resumes/.exec(
        output.stderr,
      ) ?? [];
    const lines = linesOf(join(cwd, 'reports/hunt/central-1/journal.ndjson'));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThanOrEqual(Number(count) + 1); // one that repeats another has no line
    const less = await callCli([...args.slice(0, -1), '1', '--json'], { cwd });
    expect([less.code, documentOf(less.stdout).schedules], less.stderr).toEqual([0, 1]);
  });

  it.each([
    { args: ['--fault', 'command'], says: /--fault.*is invalid/ },
    {
      args: ['--strategy', 'active-active', '--fault', 'kill', 'move-slots'],
      says: /--fault move-slots: expected regions with one Redis Cluster/,
    },
    { args: ['--schedules', '0'], says: /Expected a whole number from 1/ },
    { args: ['--time', '0s'], says: /longer than 0/ },
    { args: ['--limiter', 'missing.mjs'], says: /missing\.mjs/ },
  ])('refuses $args', async ({ args, says }) => {
    const { code, stdout, stderr } = await callCli(['hunt', ...args], { cwd: testFolder() });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(says);
  });

  it('refuses a folder that it cannot write', async () => {
    const { code, stderr } = await callCli([...WHOLE, '--folder', '/proc/x'], { cwd: testFolder() });
    expect(code).toBe(69);
    expect(stderr).toMatch(/cannot write to \/proc\/x/);
  });
});
