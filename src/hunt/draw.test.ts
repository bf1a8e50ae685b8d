import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { STRATEGY_NAMES } from '../core/strategies.ts';
import { FAULT_NAMES } from '../scenario/faults/index.ts';
import { parseScenario } from '../scenario/parse.ts';
import { whyNotSimulated } from '../simulation/faults/registry.ts';
import { Dice } from './dice.ts';
import { drawSchedule } from './draw.ts';
import { drawFault, HUNTED_FAULTS } from './draw-fault.ts';
import { drawLoad } from './draw-load.ts';
import { type Ground, groundOf } from './ground.ts';
import { mutate } from './mutate.ts';
import { type HuntedLoad, isPossible, planOf, type Schedule, scenarioOf } from './schedule.ts';
import { LIMITS, spaceOf } from './space.ts';

const { topology } = groundOf('central');
const single: Ground = { ...groundOf('central'), topology: { ...topology, kind: 'single', replicas: 0 } };
const dice = (seed: number) => new Dice(makeRandom(seed, 'test'));
const drawn = (ground: Ground, count: number): Schedule[] => {
  const draws = dice(1);
  return Array.from({ length: count }, () => drawSchedule(draws, spaceOf(ground)));
};
const kindsOf = (schedules: readonly Schedule[]) =>
  new Set(schedules.flatMap(({ faults }) => faults.map(({ fault }) => fault)));

it('every fault that a simulation has can be drawn', () =>
  expect(HUNTED_FAULTS).toEqual(FAULT_NAMES.filter((name) => whyNotSimulated(name) === undefined)));

it.each(HUNTED_FAULTS)('a drawn %s is read from its file as it is', (fault) => {
  const ground = { ...groundOf('central'), instances: 2 };
  const draws = dice(2);
  const load = { users: 1, ratePerSecond: 20, durationMs: 4_000, roaming: 1, skew: 0, costs: [1] };
  for (let times = 0; times < 30; times++) {
    const spec = { ...drawFault(fault, draws, spaceOf(ground).places), atMs: 777, forMs: 1_001 };
    const schedule: Schedule = { seed: 1, load, faults: [spec] };
    const { text } = scenarioOf(ground, schedule, 'x');
    expect(parseScenario(text, { file: 'x.yaml' }).faults).toEqual([spec]);
  }
});

/** The numbers of a load that are outside their limits. */
function outsideOf({ users, ratePerSecond, durationMs, peaks }: HuntedLoad) {
  const { ratePerSecond: peakRatePerSecond } = peaks ?? { ratePerSecond: LIMITS.peakRatePerSecond.least };
  const all = { users, ratePerSecond, durationMs, peakRatePerSecond };
  return (Object.keys(LIMITS) as (keyof typeof LIMITS)[]).filter(
    (name) => all[name] < LIMITS[name].least || all[name] > LIMITS[name].most,
  );
}

const space = spaceOf(groundOf('central'));

describe('drawn schedules', () => {
  it.each([...STRATEGY_NAMES.map((name) => groundOf(name)), single])(
    'are possible: $strategy $topology.kind',
    (ground) => {
      const schedules = drawn(ground, 60);
      for (const schedule of schedules) expect(() => planOf(ground, schedule)).not.toThrow();
      expect(new Set(schedules.map((schedule) => JSON.stringify(schedule))).size).toBe(60);
      expect(schedules.filter(({ faults }) => faults.length > 0).length).toBeGreaterThan(30);
    },
  );

  it('have every fault that the topology allows', () => {
    expect([...kindsOf(drawn(groundOf('central'), 600))].sort()).toEqual([...HUNTED_FAULTS].sort());
    expect(kindsOf(drawn(single, 200))).not.toContain('failover');
  });

  it.each([groundOf('active-active'), groundOf('article'), single])(
    'move no slots where regions have no common Redis Cluster: $strategy $topology.kind',
    (ground) => {
      const hasCluster = ground.strategy === 'article';
      expect(spaceOf(ground).faults.includes('move-slots')).toBe(hasCluster);
      expect(spaceOf(ground).faults).toHaveLength(HUNTED_FAULTS.length - (hasCluster ? 0 : 1));
    },
  );

  it('have a load within limits and possible at the ends of all ranges, if all users roam', () => {
    const draws = dice(5);
    const ends = new Dice(() => (draws.chance(0.5) ? draws.one([0, 1 - 2 ** -32]) : draws.random()));
    for (let times = 0; times < 1_000; times++) {
      const load = { ...drawLoad(ends, { ...space, times: [800] }), roaming: 1 };
      expect(outsideOf(load)).toEqual([]);
      expect(isPossible(space.ground, { seed: 1, load, faults: [] }), JSON.stringify(load)).toBe(true);
    }
  });

  it('have the faults that are wanted, and at most so many', () => {
    const space = spaceOf(groundOf('lease'), { faults: ['kill', 'pause'], mostFaults: 2 });
    const draws = dice(3);
    const schedules = Array.from({ length: 100 }, () => drawSchedule(draws, space));
    expect(kindsOf(schedules)).toEqual(new Set(['kill', 'pause']));
    expect(Math.max(...schedules.map(({ faults }) => faults.length))).toBe(2);
  });
});

describe('a changed schedule', () => {
  it.each(['lease', 'active-active', 'article'] as const)('is possible and another one: %s', (strategy) => {
    const ground = groundOf(strategy);
    const space = spaceOf(ground);
    const [first, ...others] = drawn(ground, 4);
    const draws = dice(4);
    let schedule = first as Schedule;
    for (let times = 0; times < 200; times++) {
      const changed = mutate(draws, space, { schedule, others });
      expect(changed).not.toEqual(schedule);
      expect(isPossible(ground, changed)).toBe(true);
      expect(changed.faults.length).toBeLessThanOrEqual(space.mostFaults);
      schedule = changed;
    }
  });

  it('has a load within the limits of those that are drawn, after many changes as well', () => {
    const draws = dice(6);
    for (let nth = 0; nth < 60; nth++) {
      let schedule = drawSchedule(draws, space);
      for (let times = 0; times < 60; times++) {
        schedule = mutate(draws, space, { schedule, others: [] });
        expect(outsideOf(schedule.load), JSON.stringify(schedule.load)).toEqual([]);
      }
    }
  });
});
