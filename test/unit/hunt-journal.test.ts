import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HuntJournal } from '../../src/cli/files/hunt-journal.ts';
import { Trials } from '../../src/cli/hunts/trials.ts';
import { groundOf } from '../../src/hunt/ground.ts';
import { failedOutcome, type Outcome } from '../../src/hunt/outcome.ts';
import { planOf, type Schedule } from '../../src/hunt/schedule.ts';
import { testFolder } from '../support/cli.ts';

const HUNT = { strategy: 'lease', seed: 1 };
const schedule = (seed: number): Schedule => ({
  seed,
  load: { users: 1, ratePerSecond: 20, durationMs: 4_000, roaming: 1, skew: 0, costs: [1] },
  faults: [],
});
const outcome = (excess: number): Outcome => ({
  ...{ excess, bound: 0, lacking: 0, verdict: 'fail', requests: 80, lostPerSecond: 0 },
});

describe('the journal of a hunt', () => {
  it('knows in the next program what the last one wrote', () => {
    const folder = testFolder();
    const first = new HuntJournal(folder, HUNT);
    first.add({ schedule: schedule(1), outcome: outcome(3), atMs: 1_500 });
    first.close();
    const { faults, load, seed } = schedule(1);
    const next = new HuntJournal(folder, HUNT);
    expect(next.known({ faults, load, seed })).toEqual(outcome(3));
    expect([next.known(schedule(2)), next.elapsedMs]).toEqual([undefined, 1_500]);
    next.close();
  });

  it('drops a line that was cut short, and goes on behind the lines before it', () => {
    const folder = testFolder();
    const first = new HuntJournal(folder, HUNT);
    first.add({ schedule: schedule(1), outcome: outcome(3), atMs: 1 });
    first.close();
    appendFileSync(join(folder, 'journal.ndjson'), '{"schedule":{"seed":2,"lo');
    const next = new HuntJournal(folder, HUNT);
    next.add({ schedule: schedule(3), outcome: outcome(4), atMs: 2 });
    next.close();
    const last = new HuntJournal(folder, HUNT);
    expect([1, 2, 3].map((seed) => last.known(schedule(seed))?.excess)).toEqual([3, undefined, 4]);
    last.close();
  });

  it('of another hunt is refused with what differs and the way out, and stays as it is', () => {
    const folder = testFolder();
    new HuntJournal(folder, HUNT).close();
    const before = readFileSync(join(folder, 'journal.ndjson'), 'utf8');
    const other = { ...HUNT, seed: 2, fault: ['kill'] };
    expect(() => new HuntJournal(folder, other)).toThrow(
      /has the journal of another hunt: it differs in seed, fault/,
    );
    expect(readFileSync(join(folder, 'journal.ndjson'), 'utf8')).toBe(before);
  });

  it.each(['not JSON\n', '{"format":"openclaw-matrix"}\n'])('is refused where it is none: %j', (text) => {
    const folder = testFolder();
    writeFileSync(join(folder, 'journal.ndjson'), text);
    expect(() => new HuntJournal(folder, HUNT)).toThrow(/another hunt/);
  });

  it('is refused where one of its lines cannot be read', () => {
    const folder = testFolder();
    new HuntJournal(folder, HUNT).close();
    appendFileSync(join(folder, 'journal.ndjson'), '{"schedule":\n');
    expect(() => new HuntJournal(folder, HUNT)).toThrow(/line 2 of .*journal\.ndjson cannot be read/);
  });
});

describe('the trials of a hunt', () => {
  it('run each schedule once, also over two programs, and note what was run', async () => {
    const folder = testFolder();
    const runs: number[] = [];
    const tryAll = async (seeds: readonly number[]) => {
      const journal = new HuntJournal(folder, HUNT);
      const trials = new Trials(journal, async ({ seed }) => {
        runs.push(seed);
        return outcome(seed);
      });
      const outcomes = await trials.evaluate(seeds.map(schedule));
      journal.close();
      return { excess: outcomes.map(({ excess }) => excess), count: trials.count, runs: trials.runs };
    };
    expect(await tryAll([2, 1])).toEqual({ excess: [2, 1], count: 2, runs: 2 });
    expect(await tryAll([1, 3, 2])).toEqual({ excess: [1, 3, 2], count: 3, runs: 1 });
    expect(runs).toEqual([2, 1, 3]);
  });

  it('keep no outcome of a run that failed or was stopped: it is tried again', async () => {
    const folder = testFolder();
    const journal = new HuntJournal(folder, HUNT);
    const failure = failedOutcome(planOf(groundOf('central'), schedule(1)), new Error('its thread ended'));
    const trials = new Trials(journal, async ({ seed }) => (seed === 1 ? failure : 'stopped'));
    await trials.evaluate([schedule(1), schedule(2)]);
    expect([trials.count, trials.failed]).toEqual([
      1,
      [{ schedule: schedule(1), reason: 'its thread ended' }],
    ]);
    expect([journal.known(schedule(1)), journal.known(schedule(2))]).toEqual([undefined, undefined]);
    journal.close();
  });
});
