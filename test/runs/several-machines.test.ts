import { copyFileSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMachineClocks } from '../../src/checker/machines/machine-clocks.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import type { ClockReading } from '../../src/history/records/operation.ts';
import type { CheckDocument } from '../../src/report/check-report.ts';
import { runCli } from '../support/cli.ts';
import type { MachineClock } from '../support/machines/machine-clock.ts';
import { canMakeMachines } from '../support/machines/machines.ts';
import { BASE, type PartsRun, type SentPart, startPartsRun } from '../support/machines/parts-run.ts';

const checkIn = (folder: string) => async (files: readonly string[]) =>
  runCli(['check', ...files], { cwd: folder });

const filesOf = (parts: readonly SentPart[]) => parts.map(({ file }) => basename(file));

/** What the clock of the base shows when this one shows this, minus that; both in microseconds. */
function trueOffset(clock: MachineClock, base: MachineClock, clockUs: number): number {
  const shownNs = BigInt(Math.round(clockUs * 1_000));
  return Number(base.atNs(clock.testNs(shownNs)) - shownNs) / 1_000;
}

/** The bounds of the offset of each machine to the base, as `check` knows them. */
function clocksOf(folder: string, files: readonly string[]) {
  const reader = new HistoryReader();
  for (const file of files) {
    reader.startFile(file);
    reader.push(readFileSync(join(folder, file)));
    reader.endFile();
  }
  const history = reader.finish();
  const { parts } = history;
  if (parts === undefined) throw new Error('no parts');
  return { history, ...readMachineClocks(history, { parts, driftPpm: 1_000, firstUs: new Map() }) };
}

/** What is known of each machine's clock is true, at every moment of the run. */
function expectHonest({ folder, machines }: PartsRun, parts: readonly SentPart[]) {
  const { history, machines: known } = clocksOf(folder, filesOf(parts));
  for (const { part, machine } of parts) {
    const offset = known.get(machine)?.offset;
    const times = history.clock.filter((reading) => reading.machine === machine).map(({ atUs }) => atUs);
    const [first, last] = [Math.min(...times), Math.max(...times)];
    expect(last - first).toBeGreaterThan(6_000_000);
    for (let atUs = first; atUs <= last; atUs += 10_000) {
      const truth = trueOffset(machines[part].clock, machines[BASE].clock, atUs);
      const [lowest, highest] = [offset?.lowest(atUs) ?? Number.NaN, offset?.highest(atUs) ?? Number.NaN];
      expect(truth).toBeGreaterThanOrEqual(lowest - 1);
      expect(truth).toBeLessThanOrEqual(highest + 1);
    }
  }
}

/** What the clock endpoint showed at both, and what no drift explains; all in seconds. */
const CONTRADICTS =
  /the clock of machine \w+ \(eu-west\) contradicts the clock endpoint: it read ([\d.]+) s .*, and read ([\d.]+) s .*: ([\d.]+) s remain/;

describe.skipIf(!canMakeMachines())('a run in parts on three machines', { timeout: 300_000 }, () => {
  it('passes with central, and fails with the script of the guide', async () => {
    const run = await startPartsRun();
    const { folder, sendAll } = run;
    const check = checkIn(folder);
    const parts = await sendAll();
    const files = filesOf(parts);
    const whole = await check([...files, '--json']);
    const report: CheckDocument = JSON.parse(whole.stdout);
    expect([whole.code, report.verdict], whole.stdout).toEqual([0, 'pass']);
    expect(report.contested.buckets).toBe(6);
    expect(report.falseDenials.judged).toBeGreaterThan(200);
    expect(report.sent).toBe(parts.reduce((sum, { books }) => sum + books.sent, 0));
    expectHonest(run, parts);
    const errors = (report.machines ?? []).map(({ parts: [part], errorUs }) => [part, errorUs] as const);
    expect(errors.map(([part]) => part).toSorted()).toEqual(parts.map(({ part }) => part).toSorted());
    for (const [part, errorUs] of errors) {
      expect(errorUs).toBeGreaterThanOrEqual(part === BASE ? 0 : 15_000); // half of what the directions differ by
      expect(errorUs).toBeLessThan(part === BASE ? 1 : 60_000);
    }

    const [, , third] = files;
    const without = await check(files.slice(0, 2));
    expect([without.code, without.stdout]).toEqual([2, expect.stringMatching(/^verdict {2}unknown$/m)]);
    expect(without.stdout).toMatch(/the part ap-south of the run's 3 parts is missing/);

    for (const { part } of parts)
      expect(new RegExp(`^│ \\S+ +│ ${part} +│ [\\d.]+ +│`, 'm').test(without.stdout)).toBe(
        part !== 'ap-south',
      );

    const article = filesOf(await sendAll({ flags: ['--strategy', 'article'] }));
    const judged = await check(article);
    expect([judged.code, judged.stdout]).toEqual([1, expect.stringMatching(/^verdict {2}fail$/m)]);

    copyFileSync(join(folder, third ?? ''), join(folder, 'copy.ndjson'));
    const mixed = await check([...files, 'copy.ndjson', ...article]);
    expect([mixed.code, mixed.stdout]).toEqual([0, expect.stringMatching(/^verdict {2}pass$/m)]);
    expect(mixed.stdout).toContain(`copy.ndjson is left out: it is a copy of ${third}`);
    for (const file of article)
      expect(mixed.stdout).toMatch(new RegExp(`${file} is left out: .* another plan`));
  });

  it('is unknown if the clock of a machine jumps, with the two readings that show it', async () => {
    const { folder, machines, sendAll } = await startPartsRun();
    const { clock } = machines['eu-west'];
    let [beforeNs, afterNs] = [0n, 0n];
    const meanwhile = () => {
      beforeNs = clock.atNs(process.hrtime.bigint());
      clock.jump(200);
      afterNs = clock.atNs(process.hrtime.bigint());
    };
    const files = filesOf(await sendAll({ meanwhile }));
    const { code, stdout } = await checkIn(folder)(files);
    expect([code, stdout]).toEqual([2, expect.stringMatching(/^verdict {2}unknown$/m)]);
    expect(stdout).not.toContain('FAIL');
    const [, first, second, apart] = CONTRADICTS.exec(stdout) ?? [];
    expect(first, stdout).toBeDefined();
    const readings = readFileSync(join(folder, files[1] ?? ''), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"source":"machine"'))
      .map((line): ClockReading => JSON.parse(line));
    const [earlier, later] = [first, second].map((shown) =>
      readings.find(({ serverUs }) => (serverUs / 1e6).toFixed(6) === shown),
    );
    expect(earlier?.atUs).toBeLessThan(Number(beforeNs) / 1_000);
    expect(later?.atUs).toBeGreaterThan(Number(afterNs) / 1_000 - 200_000);
    expect(Number(apart)).toBeGreaterThan(0.05); // 200 ms less what each reading leaves open
    expect(Number(apart)).toBeLessThanOrEqual(0.2);
  });
});
