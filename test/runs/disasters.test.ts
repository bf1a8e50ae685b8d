import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { BIN, runProgram, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { ownedIn } from '../support/leftovers.ts';
import { processesMentioning, servicePid } from '../support/processes.ts';
import { expectLatestVerified } from '../support/verified-run.ts';

const BENCH = [
  'bench',
  '--connections',
  '100',
  '--users',
  '20',
  '--skew',
  '0',
  '--ramp',
  '1',
  '--duration',
  '6',
  '--json',
];

describe('a run in which something dies', { timeout: 120_000 }, () => {
  it.each([
    {
      title: 'a gateway',
      find: (folder: string) => servicePid(folder, 'gateway', 'eu-west'),
      says: /gateway-eu-west ended with signal 9/,
    },
    {
      title: 'a Rating service',
      find: (folder: string) => servicePid(folder, 'rating', 'eu-west'),
      says: /rating-eu-west ended with signal 9/,
    },
    {
      title: 'a Redis node',
      find: (folder: string) => ownedPid(folder, 'eu-west-0'),
      says: /not responding at the end of the run: .*eu-west-0/,
    },
    {
      title: 'the embedded Toxiproxy',
      find: (folder: string) => ownedPid(folder, 'toxiproxy'),
      says: /the Toxiproxy of us-east is not responding/,
    },
  ])(
    'says that $title died, is unknown at best, does not hang and leaves nothing',
    async ({ find, says }) => {
      const folder = testFolder();
      const { output, ended } = startCli([...BENCH, '--rate', '120'], { cwd: folder });
      await untilSaid({ output }, /load .*at limit/, { timeout: 60_000 });
      process.kill(find(folder), 'SIGKILL');
      const code = await ended;
      const report: RunReport = JSON.parse(output.stdout);
      expect(JSON.stringify(report.accounts)).toMatch(says);
      expect([1, 2]).toContain(code);
      expect(report.verdict).not.toBe('pass');
      expect(report.unaccounted).toBe(0);
      expect(processesMentioning(folder)).toEqual([]);
      await expectLatestVerified({ cwd: folder });
    },
  );

  it('names a region whose gateway hangs for most of it, and is unknown: its connections send nothing', async () => {
    const folder = testFolder();
    const { output, ended } = startCli([...BENCH, '--duration', '9'], { cwd: folder });
    await untilSaid({ output }, /load +[2-4]\/9 s/, { timeout: 60_000 });
    const gateway = servicePid(folder, 'gateway', 'eu-west');
    process.kill(gateway, 'SIGSTOP');
    await untilSaid({ output }, /load +[789]\/9 s/, { timeout: 60_000 });
    process.kill(gateway, 'SIGCONT');
    const code = await ended;
    const report: RunReport = JSON.parse(output.stdout);
    expect(JSON.stringify(report.accounts)).toMatch(/eu-west decided \d+ requests from/);
    expect([code, report.verdict]).toEqual([2, 'unknown']);
    expect(processesMentioning(folder)).toEqual([]);
  });

  it.each([
    { full: 'while the history is written', size: 'size=128k', says: /history could not be written: ENOSPC/ },
    { full: 'after the plan', size: 'nr_inodes=4', says: /cannot write to \S+: ENOSPC.* mkdir/ },
    { full: 'before every log', size: 'nr_inodes=6', says: /cannot write the log of \S+: ENOSPC/ },
  ])('says that the disk is full $full, stops, and leaves nothing', async ({ size, says }) => {
    const folder = testFolder();
    const reports = join(folder, 'reports');
    mkdirSync(reports);
    // A small file system of its own, in a mount namespace that ends with the program.
    const script = `mount -t tmpfs -o ${size} tmpfs "$1" && shift && exec "$@"`;
    const { code, stdout, stderr } = await runProgram(
      'unshare',
      ['--mount', '--map-root-user', 'sh', '-c', script, 'sh', reports, BIN, ...BENCH],
      { cwd: folder },
    );
    expect([code, stdout], stderr).toEqual([69, '']);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/\n {2}free disk space/);
    expect(processesMentioning(folder)).toEqual([]);
  });
});

function ownedPid(folder: string, role: string): number {
  const found = ownedIn(folder).find((process) => process.role === role);
  expect(found, role).toBeDefined();
  return found?.pid ?? 0;
}
