import { describe, expect, it } from 'vitest';
import type { PlannedFault } from '../scenario/plan.ts';
import type { Evaluate } from './evaluate.ts';
import { groundOf } from './ground.ts';
import type { Outcome } from './outcome.ts';
import type { Schedule } from './schedule.ts';
import type { Tried } from './search.ts';
import { type ShrinkOptions, shrink } from './shrink.ts';
import { simplerThan } from './simpler.ts';

const ground = groundOf('central');

const pause = (atMs: number): PlannedFault => ({ fault: 'pause', node: 'us-east-0', atMs, forMs: 500 });

/** Three faults, six users: as V15 was found. */
const SCHEDULE: Schedule = {
  ...{ seed: 7, faults: [pause(1_000), pause(2_000), pause(3_000)] },
  load: { users: 6, ratePerSecond: 20, durationMs: 8_000, roaming: 1, skew: 0, costs: [1, 2] },
};

const proven = (excess: number): Outcome => ({
  ...{ excess, bound: 0, lacking: 0, verdict: 'fail', requests: 160, lostPerSecond: 0 },
});
const unproven = (excess: number): Outcome => ({ ...proven(excess), verdict: 'unknown' });
const within: Outcome = { ...proven(0), verdict: 'pass' };
const failed: Outcome = { ...unproven(0), bound: null, failure: 'the nodes do not settle' };

const isCalm = ({ faults }: Schedule) => faults.length === 0;

interface Shrinking extends Partial<Pick<ShrinkOptions, 'batch' | 'schedules' | 'aim'>> {
  readonly found?: Outcome;
}

/** All steps of a shrinking, and the batches that it ran, each with the smallest schedule at its time. */
async function shrinkBy(outcomeOf: (schedule: Schedule) => Outcome, { found, ...options }: Shrinking = {}) {
  const batches: { readonly from: Schedule; readonly batch: readonly Schedule[] }[] = [];
  let last: Tried = { schedule: SCHEDULE, outcome: found ?? outcomeOf(SCHEDULE) };
  const first = last;
  const evaluate: Evaluate = async (batch) => {
    batches.push({ from: last.schedule, batch });
    return batch.map(outcomeOf);
  };
  let steps = 0;
  for await (const { smallest } of shrink(first, { ground, evaluate, ...options })) {
    if (smallest !== last) steps++;
    last = smallest;
  }
  return { smallest: last, isSame: last === first, steps, batches };
}

describe('shrinking one schedule at a time', () => {
  /** Two faults and two users are needed. */
  const needsTwo = ({ faults, load }: Schedule) =>
    faults.length >= 2 && load.users >= 2 ? proven(3) : within;

  it('V14: derives each schedule from the newest that stayed a finding', async () => {
    const { batches, smallest } = await shrinkBy(needsTwo, { batch: 1 });
    expect(batches.map(({ batch }) => batch.length)).toEqual(batches.map(() => 1));
    const [calm, ...others] = batches;
    expect(calm?.batch).toEqual([{ ...SCHEDULE, faults: [] }]);
    for (const { from, batch } of others) expect(simplerThan(from).flat()).toContainEqual(batch[0]);
    expect([smallest.schedule.faults.length, smallest.schedule.load.users]).toEqual([2, 2]);
  });

  it('V14: comes further in as many runs than batches do', async () => {
    const one = await shrinkBy(needsTwo, { batch: 1, schedules: 17 });
    const eight = await shrinkBy(needsTwo, { schedules: 17 });
    expect(eight.steps).toBe(2);
    expect(one.steps).toBeGreaterThan(5);
  });

  it('runs no more schedules than it may', async () => {
    for (const schedules of [0, 1, 2, 9]) {
      const { batches } = await shrinkBy(() => proven(3), { schedules });
      expect(batches.flatMap(({ batch }) => batch).length).toBe(schedules);
    }
  });
});

describe('a finding stays one', () => {
  it('V15: without faults, where the run without faults is a finding, however small', async () => {
    const { smallest } = await shrinkBy((schedule) => proven(isCalm(schedule) ? 0.129 : 0.628));
    expect(smallest.schedule.faults).toEqual([]);
    expect(smallest.schedule.load).toMatchObject({ users: 1, costs: [1] });
    expect(smallest.outcome).toEqual(proven(0.129));
  });

  it('V15: with a smaller excess, where only faults cause one', async () => {
    const { smallest } = await shrinkBy((schedule) =>
      isCalm(schedule) ? within : proven(0.1 * schedule.faults.length + 0.01 * schedule.load.users),
    );
    expect(smallest.schedule).toMatchObject({ faults: [{ fault: 'pause' }], load: { users: 1 } });
    expect(smallest.outcome.excess).toBeCloseTo(0.11);
  });

  it.each([
    { title: 'above the noise of the run without faults', noise: unproven(0.3), excess: 0.31, faults: 1 },
    { title: 'as large as the noise is none', noise: unproven(0.3), excess: 0.3, faults: 3 },
    { title: 'above a noise of less than nothing', noise: unproven(-2), excess: 0.01, faults: 1 },
  ])('V15: an excess $title', async ({ noise, excess, faults }) => {
    const { smallest } = await shrinkBy((schedule) =>
      isCalm(schedule) ? noise : proven(schedule === SCHEDULE ? 5 : excess),
    );
    expect(smallest.schedule.faults).toHaveLength(faults);
  });

  it('V15: counts the noise from the bound', async () => {
    const above = (own: Outcome): Outcome => ({ ...own, excess: own.excess + 20, bound: 20 });
    const shrunkTo = async (excess: number) =>
      (
        await shrinkBy((schedule) =>
          above(isCalm(schedule) ? unproven(0.5) : proven(schedule === SCHEDULE ? 5 : excess)),
        )
      ).smallest.schedule.faults.length;
    expect([await shrunkTo(0.6), await shrunkTo(0.4)]).toEqual([1, 3]);
  });

  it('V15: never without a proof', async () => {
    const { isSame } = await shrinkBy((schedule) => (schedule === SCHEDULE ? proven(0.1) : unproven(9)));
    expect(isSame).toBe(true);
  });
});

it('V15: without a measured noise nothing is shrunk', async () => {
  const { isSame, batches } = await shrinkBy((schedule) => (isCalm(schedule) ? failed : proven(3)));
  expect([isSame, batches.length]).toEqual([true, 1]);
});

it('a shrinking for availability runs nothing without faults, which would lose nothing', async () => {
  const lost = (lostPerSecond: number): Outcome => ({ ...within, lostPerSecond });
  const { smallest, batches } = await shrinkBy(({ faults }) => lost(faults.length > 0 ? 9 : 0), {
    ...{ aim: 'availability', batch: 1 },
  });
  expect(smallest.schedule).toMatchObject({ faults: [{ fault: 'pause' }], load: { users: 1 } });
  expect(batches[0]?.batch[0]?.faults).toHaveLength(2);
});
