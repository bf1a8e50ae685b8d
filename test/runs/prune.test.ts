import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BIN, runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { clusterFolder, SMALL, up } from '../support/cli-cluster.ts';
import { lookAtRuns, putRuns } from '../support/kept-runs.ts';
import { hasProgram } from '../support/programs.ts';
import { startTerminal } from '../support/tmux.ts';

const PRUNE = ['runs', 'prune', '--keep', '0'];
const LOAD = '--rate 40 --connections 10 --users 6 --skew 0 --ramp 0 --duration'.split(' ');

const runsIn = (reports: string) =>
  readdirSync(reports)
    .filter((name) => /^\d/.test(name))
    .sort();

describe('runs prune beside a real run', { timeout: 240_000 }, () => {
  it('spares it until its program has written all of it, and then as the last run on a cluster', async () => {
    const cwd = clusterFolder();
    const reports = join(cwd, 'reports');
    const prune = async () => JSON.parse((await runCli([...PRUNE, '--json'], { cwd })).stdout);
    await up(cwd, ...SMALL);
    const bench = startCli(['bench', ...SMALL, ...LOAD, '4'], { cwd });
    await vi.waitUntil(() => existsSync(reports) && readdirSync(reports).length > 0, { timeout: 60_000 });
    const [run = ''] = readdirSync(reports);
    const reasons = new Set<string>();
    while (!bench.output.isWhole)
      for (const { reason } of (await prune()).kept) reasons.add(reason.replace(/\d+/, 'N'));
    expect(await bench.ended, bench.output.stderr).toBeLessThanOrEqual(2);
    expect([...reasons]).toContain('pid N is writing it');
    expect(runsIn(reports)).toEqual([run]);
    expect(readdirSync(join(reports, run))).not.toContain('.running');
    expect(readFileSync(join(reports, run, 'history.ndjson'), 'utf8')).toMatch(/"type":"end".*\n$/);

    const other = await runCli(['bench', ...SMALL, ...LOAD, '1', '--name', 'none', '--certificate'], { cwd });
    expect(other.code, other.stderr).toBeLessThanOrEqual(2);
    const [, latest = ''] = runsIn(reports);
    expect((await prune()).kept).toEqual([
      { folder: `reports/${run}`, reason: expect.stringContaining('last run on cluster default') },
      { folder: `reports/${latest}`, reason: '`latest` links to it' },
    ]);
    expect((await runCli(['down'], { cwd })).code).toBe(0);
    expect((await prune()).removed).toEqual([{ folder: `reports/${run}`, bytes: expect.any(Number) }]);
    expect(runsIn(reports)).toEqual([latest]);
  });

  it('removes it once its program was killed', async () => {
    const cwd = clusterFolder();
    const reports = join(cwd, 'reports');
    const bench = startCli(['bench', ...SMALL, ...LOAD, '300'], { cwd });
    await untilSaid(bench, /^ *\d+\.\d s {2}load /m, { timeout: 150_000 });
    expect((await runCli(PRUNE, { cwd })).stdout).toContain(`pid ${bench.child.pid} is writing it\n`);
    const list = async () => (await runCli(['runs'], { cwd })).stdout.replaceAll(/\s*│\n│\s*|\s+/g, ' ');
    expect(await list()).toContain(`there is no report yet: pid ${bench.child.pid} is writing it`);
    bench.child.kill('SIGKILL');
    await bench.ended;
    expect(await list()).toContain('there is no report: the run did not end');
    expect((await runCli(PRUNE, { cwd })).stdout).toMatch(/\nremoved 1 run, /);
    expect(readdirSync(reports)).toEqual([]);
    expect((await runCli(['down', '--all'], { cwd })).code).toBe(0);
  });
});

const MANY = 300;

/** Removing as many of several runs takes so long that a program which is killed meanwhile has removed a part of them. */
const LOGS = 5_000;

/** None once the folder is gone. */
function filesIn(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

describe('runs prune', { timeout: 120_000 }, () => {
  it('removes each run once, also if four programs do it at the same time', async () => {
    const cwd = testFolder();
    const reports = join(cwd, 'reports');
    const names = putRuns(reports, MANY);
    const args = ['runs', 'prune', '--keep', '7', '--json'];
    const ended = await Promise.all([1, 2, 3, 4].map(() => runCli(args, { cwd })));
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(Array(4).fill([0, '']));
    const removed = ended.flatMap(({ stdout }) =>
      JSON.parse(stdout).removed.map(({ folder }: { folder: string }) => folder),
    );
    const half = removed.filter((folder) => folder.includes('.pruned-')); // one may have seen how another removed it
    expect(removed.filter((folder) => !half.includes(folder)).sort()).toEqual(
      names.slice(0, -7).map((name) => `reports/${name}`),
    );
    expect(readdirSync(reports).sort()).toEqual(names.slice(-7));
  });

  it.each([
    { signal: 'SIGINT', code: 130, half: 0 },
    { signal: 'SIGTERM', code: 143, half: 0 },
    { signal: 'SIGKILL', code: 'SIGKILL', half: 1 },
  ] as const)(
    'leaves whole runs only after $signal, and the next one goes on',
    async ({ signal, code, half }) => {
      const cwd = testFolder();
      const reports = join(cwd, 'reports');
      const names = putRuns(reports, MANY);
      const logs = names.slice(1, 7).map((name) => join(reports, name, 'logs'));
      for (const folder of logs)
        for (let at = 0; at < LOGS; at++) writeFileSync(join(folder, `${at}.log`), '');
      const { child, output, ended } = startCli(PRUNE, { cwd });
      const isGoing = () => filesIn(logs[0] ?? '') < LOGS;
      await vi.waitUntil(isGoing, { timeout: 60_000, interval: 1 });
      child.kill(signal);
      expect(await ended, output.stderr).toBe(code);
      const { whole, broken } = lookAtRuns(reports);
      expect(broken).toEqual([]);
      for (const folder of logs) if (existsSync(folder)) expect(filesIn(folder)).toBeGreaterThan(LOGS);
      expect(whole.length, output.stdout).toBeGreaterThan(0);
      expect(whole).toEqual(names.slice(-whole.length));
      expect(readdirSync(reports).length - whole.length).toBeLessThanOrEqual(half);
      if (half === 0)
        expect(output.stdout).toMatch(
          new RegExp(`\\nremoved ${MANY - whole.length} runs, .*; ${whole.length} not removed\\n$`),
        );
      const next = await runCli(PRUNE, { cwd });
      expect([next.code, readdirSync(reports)]).toEqual([0, []]);
    },
  );
});

describe.skipIf(!hasProgram('tmux', '-V'))('runs prune in a terminal', { timeout: 60_000 }, () => {
  it('asks; Ctrl-C removes nothing: exit code 130', async () => {
    const cwd = testFolder();
    const names = putRuns(join(cwd, 'reports'), 2);
    const terminal = await startTerminal({ onTestFinished }, { columns: 100, rows: 24 }, { cwd });
    await terminal.type(`${BIN} ${PRUNE.join(' ')}; echo "code $?"`);
    await terminal.until('the question', (screen) => screen.endsWith('Remove all of them? [y/N]'));
    await terminal.key('C-c');
    const screen = await terminal.until('the end', (seen) => /\ncode \d+\n\$$/.test(seen));
    expect(screen).toMatch(/nothing was done\n(?:.*\n)*code 130\n/);
    expect(lookAtRuns(join(cwd, 'reports')).whole).toEqual(names);
  });
});
