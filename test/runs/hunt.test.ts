import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HuntDocument } from '../../src/hunt/hunt-document.ts';
import { isFound } from '../../src/hunt/outcome.ts';
import type { Tried } from '../../src/hunt/search.ts';
import { simplerThan } from '../../src/hunt/simpler.ts';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';

const EXPIRING = join(import.meta.dirname, '../fixtures/limiters/scripted/expiring.mjs');
const SMALL = ['--regions', 'a,b', '--round-trip', 'a:b=10', '--replicas', '0', '--most-faults', '0'];

const documentOf = (stdout: string): HuntDocument => JSON.parse(stdout);

/** The schedules of a hunt in the order of their runs. */
function triedIn(folder: string): Tried[] {
  const [, ...lines] = readFileSync(join(folder, 'journal.ndjson'), 'utf8').trimEnd().split('\n');
  return lines.map((line): Tried => JSON.parse(line));
}

/** Each schedule after the first finding is simpler than the newest finding before it. */
function expectOneByOne(tried: readonly Tried[]): void {
  let newest: Tried | undefined;
  for (const one of tried) {
    if (newest !== undefined) expect(simplerThan(newest.schedule).flat()).toContainEqual(one.schedule);
    if (isFound(one.outcome)) newest = one;
  }
  expect(newest).toBeDefined();
}

describe('a hunt on a real cluster', { timeout: 240_000 }, () => {
  it('V14: finds a plug-in whose keys expire early, and shrinks the newest finding, whose scenario runs', async () => {
    const cwd = testFolder();
    const args = ['hunt', '--limiter', EXPIRING, ...SMALL, '--schedules', '3', '--json'];
    const { code, stdout, stderr } = await runCli(args, { cwd });
    expect(code, stdout + stderr).toBe(1);
    const { worst, searched, strategy, schedules } = documentOf(stdout);
    expect([searched, strategy]).toEqual(['real', 'plugin:expiring.mjs']);
    expect(schedules).toBeLessThanOrEqual(3);
    expect(worst[0]).toMatchObject({ isFound: true, outcome: { bound: 0, verdict: 'fail' } });
    expect(processesMentioning(cwd)).toEqual([]);

    const folder = join(cwd, 'reports/hunt/expiring.mjs-1');
    expectOneByOne(triedIn(folder));
    const runs = readdirSync(join(folder, 'runs')).filter((name) => name !== 'latest');
    expect(runs).toHaveLength(schedules);
    const unaccounted = runs.map((run) => {
      const report: RunReport = JSON.parse(readFileSync(join(folder, 'runs', run, 'report.json'), 'utf8'));
      return report.unaccounted;
    });
    expect(unaccounted).toEqual(runs.map(() => 0));

    const again = await runCli(args, { cwd });
    expect([again.code, documentOf(again.stdout).worst], again.stderr).toEqual([1, worst]);
    expect(readdirSync(join(folder, 'runs')).filter((name) => name !== 'latest')).toEqual(runs);

    const run = await runCli(['run', join(folder, 'worst-1.yaml'), '--json'], { cwd });
    expect(JSON.parse(run.stdout).strategy, run.stderr).toBe('plugin:expiring.mjs');
  });

  it('confirms what a simulation found, by a run that its folder has', async () => {
    const cwd = testFolder();
    const found = ['--strategy', 'replica-reads', '--fault', 'latency', '--most-faults', '1'];
    const args = ['hunt', ...found, '--schedules', '16', '--keep', '1', '--seed', '3'];
    const { code, stdout, stderr } = await runCli([...args, '--json'], { cwd });
    expect(code, stdout + stderr).toBe(1);
    const [first] = documentOf(stdout).worst;
    expect(first?.real).toMatchObject({ status: 'confirmed', outcome: { bound: 0, verdict: 'fail' } });
    const report: RunReport = JSON.parse(
      readFileSync(join(first?.real?.runs.at(-1) ?? '', 'report.json'), 'utf8'),
    );
    expect(report.command).toBe('openclaw-rl run reports/hunt/replica-reads-3/worst-1.yaml');
    expect([report.verdict, report.simulated]).toEqual(['fail', undefined]);
    expect(report.overAdmission.largestExcess).toBe(first?.real?.outcome?.excess);
    expect(processesMentioning(cwd)).toEqual([]);
  });

  it('does not confirm where no server is, and says why', async () => {
    const cwd = testFolder();
    const found = ['--strategy', 'replica-reads', '--fault', 'latency', '--most-faults', '1'];
    const args = ['hunt', ...found, '--schedules', '16', '--keep', '1', '--seed', '3'];
    const { code, stdout } = await runCli([...args, '--server', 'no-such-server', '--json'], { cwd });
    expect([code, documentOf(stdout).worst[0]?.real]).toEqual([
      2,
      {
        status: 'not confirmed',
        reason: expect.stringMatching(/could not be run: .*no-such-server/),
        runs: [],
      },
    ]);
  });

  it('ends its cluster at Ctrl-C, and keeps what was tried', async () => {
    const cwd = testFolder();
    const args = ['hunt', '--real', '--strategy', 'central', ...SMALL];
    const { child, output, ended } = startCli(args, { cwd });
    await untilSaid({ output }, /search {2}[1-9]\d* schedules/, { timeout: 120_000 });
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(output.stderr).toMatch(/interrupted after \d+ schedules, which are in reports\/hunt\/central-1/);
    expect(processesMentioning(cwd)).toEqual([]);
  });
});
