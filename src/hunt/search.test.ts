import { describe, expect, it } from 'vitest';
import type { Evaluate } from './evaluate.ts';
import { groundOf } from './ground.ts';
import type { Outcome } from './outcome.ts';
import type { Schedule } from './schedule.ts';
import { BATCH, type Progress, type SearchOptions, search, type Tried } from './search.ts';
import { shrink } from './shrink.ts';
import { spaceOf } from './space.ts';

const ground = groundOf('lease');

/** A pause of us-east-0 that lasts 2.4 to 2.6 s is a finding; the nearer to it, the less is lacking. */
function outcomeOf({ faults, load }: Schedule): Outcome {
  const lengths = faults.map((each) =>
    each.fault === 'pause' && each.node === 'us-east-0' ? each.forMs : 0,
  );
  const offMs = Math.min(20_000, ...lengths.map((ms) => Math.abs(ms - 2_500)));
  const excess = Math.max(0, (100 - offMs) / 20) * load.users;
  const verdict = excess > 0 ? 'fail' : 'pass';
  return {
    excess,
    bound: 0,
    lacking: offMs / 1_000,
    verdict,
    requests: load.ratePerSecond,
    lostPerSecond: 0,
  };
}

const evaluate: Evaluate = async (schedules) => schedules.map(outcomeOf);

async function allOf(options: Partial<SearchOptions> = {}): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const progress of search({
    ...{ space: spaceOf(ground), evaluate, seed: 1, schedules: 1_000, ...options },
  }))
    all.push(progress);
  return all;
}

const last = async (options: Partial<SearchOptions>) => (await allOf(options)).at(-1) as Progress;

/** How many schedules a search runs until it finds something. */
async function untilFound(way: 'climb' | 'random', seed: number): Promise<number> {
  for await (const { firstFound } of search({
    ...{ space: spaceOf(ground), evaluate, seed, way, schedules: MOST_UNTIL_FOUND },
  }))
    if (firstFound !== undefined) return firstFound;
  return MOST_UNTIL_FOUND;
}

const MOST_UNTIL_FOUND = 800;

describe('a search', () => {
  it('runs so many schedules, and says what it found', async () => {
    const all = await allOf({ schedules: 100 });
    expect(all.map(({ schedules }) => schedules)).toEqual([16, 32, 48, 64, 80, 96, 100]);
    expect(BATCH).toBe(16);
  });

  it('is the same for a seed, however outcomes are found', async () => {
    const one = await last({ seed: 7, schedules: 500 });
    const late: Evaluate = async (schedules) => {
      const outcomes = await Promise.all(schedules.toReversed().map(async (each) => outcomeOf(each)));
      return outcomes.toReversed();
    };
    expect(await last({ seed: 7, schedules: 500, evaluate: late })).toEqual(one);
    expect((await last({ seed: 8, schedules: 500 })).best).not.toEqual(one.best);
  });

  it('gives the worst first, each with other kinds of faults', async () => {
    const { best, found, firstFound = 0 } = await last({ schedules: 2_000, keep: 3 });
    expect(best).toHaveLength(3);
    expect(found).toBeGreaterThan(0);
    expect(firstFound).toBeGreaterThan(0);
    const excesses = best.map(({ outcome }) => outcome.excess);
    expect(excesses).toEqual(excesses.toSorted((a, b) => b - a));
    const kinds = best.map(({ schedule }) =>
      schedule.faults
        .map(({ fault }) => fault)
        .sort()
        .join(),
    );
    expect(new Set(kinds).size).toBe(3);
  });

  it('finds by changes what draws seldom have', async () => {
    const needed = async (way: 'climb' | 'random') => {
      let sum = 0;
      for (let seed = 1; seed <= 5; seed++) sum += await untilFound(way, seed);
      return sum;
    };
    expect(1.5 * (await needed('climb'))).toBeLessThan(await needed('random'));
  });

  it('begins again where changes lead no further', async () => {
    const flat: Evaluate = async (schedules) =>
      schedules.map(() => ({
        excess: 0,
        bound: 0,
        lacking: 20,
        verdict: 'pass',
        requests: 1,
        lostPerSecond: 0,
      }));
    expect((await last({ evaluate: flat, schedules: 1_000 })).restarts).toBeGreaterThan(3);
  });

  it('ends by its signal', async () => {
    const stop = new AbortController();
    const progress: Progress[] = [];
    for await (const each of search({
      ...{ space: spaceOf(ground), evaluate, seed: 1, schedules: 1_000, signal: stop.signal },
    })) {
      progress.push(each);
      if (progress.length === 3) stop.abort();
    }
    expect(progress).toHaveLength(3);
  });
});

describe('shrinking', () => {
  it('leaves what a finding needs, in round numbers', async () => {
    const { best } = await last({ schedules: 3_000, seed: 3 });
    let smallest = best[0] as Tried;
    expect(smallest.outcome.verdict).toBe('fail');
    let runs = 0;
    for await (const { smallest: one, schedules } of shrink(smallest, { ground, evaluate })) {
      smallest = one;
      runs = schedules;
    }
    const { faults, load } = smallest.schedule;
    expect(runs).toBeLessThanOrEqual(400);
    expect(faults).toMatchObject([{ fault: 'pause', node: 'us-east-0' }]);
    expect(load).toMatchObject({ users: 1, costs: [1], skew: 0, roaming: 1 });
    expect(load).not.toHaveProperty('resting');
    expect(load).not.toHaveProperty('peaks');
    expect(load.durationMs).toBeLessThanOrEqual(3_500);
    expect(smallest.outcome.excess).toBeGreaterThan(0);
  });

  it('gives a schedule back that is no finding', async () => {
    const schedule: Schedule = {
      ...{ seed: 1, faults: [] },
      load: { users: 1, ratePerSecond: 20, durationMs: 4_000, roaming: 1, skew: 0, costs: [1] },
    };
    const none = { schedule, outcome: outcomeOf(schedule) };
    const shrunk = [];
    for await (const each of shrink(none, { ground, evaluate })) shrunk.push(each);
    expect(shrunk).toEqual([{ smallest: none, schedules: 0 }]);
  });
});
