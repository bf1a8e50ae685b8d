import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { STRATEGY_NAMES } from '../core/strategies.ts';
import { FAULT_NAMES } from '../scenario/faults/index.ts';
import { parseScenario } from '../scenario/parse.ts';
import { whyNotSimulated } from '../simulation/faults/registry.ts';
import { Dice } from './dice.ts';
import { drawSchedule } from './draw.ts';
import { drawFault, HUNTED_FAULTS } from './draw-fault.ts';
import { type Ground, groundOf } from './ground.ts';
import { mutate } from './mutate.ts';
import { isPossible, planOf, type Schedule, scenarioOf } from './schedule.ts';
import { spaceOf } from './space.ts';

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
});
