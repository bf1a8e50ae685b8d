import { expect, it } from 'vitest';
import { STRATEGY_NAMES, traitsOf } from '../core/strategies.ts';
import { evaluateHere } from './evaluate.ts';
import { groundOf } from './ground.ts';
import type { Schedule } from './schedule.ts';

const schedule = (seed: number): Schedule => ({
  seed,
  load: { users: 2, ratePerSecond: 40, durationMs: 3_000, roaming: 1, skew: 0, costs: [1] },
  faults: [],
});

it('a step of a clock that no reading shows is within the bound of lease', async () => {
  const short: Schedule = {
    seed: 212765178,
    load: {
      ...{ users: 3, ratePerSecond: 24, durationMs: 8_200, roaming: 0.5, skew: 1, costs: [1] },
      resting: { share: 0.5, restMs: 1_136, burstMs: 957 },
    },
    faults: [
      { fault: 'drop-reply', regions: ['us-east'], atMs: 6_393, forMs: 418 },
      { fault: 'node-clock', node: 'us-east-0', stepMs: 28_183, atMs: 6_617, forMs: 155 },
    ],
  };
  const [outcome] = await evaluateHere(groundOf('lease'))([short]);
  expect(outcome?.bound).toBe(20);
  expect(outcome?.verdict).not.toBe('fail');
  expect(outcome?.excess).toBeGreaterThan(0.5);
});

it('reads of replicas admit too much, and acknowledged decisions do not; outcomes are in the order of schedules', async () => {
  const schedules = [schedule(3), schedule(4), schedule(3)];
  const [one, other, again] = await evaluateHere(groundOf('replica-reads'))(schedules);
  expect(one).toMatchObject({ bound: 0, lacking: 0, verdict: 'fail', requests: 120 });
  expect(one?.excess).toBeGreaterThan(0);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);

  const [acked] = await evaluateHere(groundOf('acked'))([schedule(3)]);
  expect(acked).toMatchObject({ excess: 0, bound: 0 });
});

it('what a bucket lacks is known also where none was contested', async () => {
  const load = { users: 1, ratePerSecond: 4, durationMs: 3_000, roaming: 1, skew: 0, costs: [1] };
  const [outcome] = await evaluateHere(groundOf('central'))([{ seed: 1, load, faults: [] }]);
  expect(outcome?.lacking).toBeGreaterThan(15);
  expect(outcome?.lacking).toBeLessThan(19.5);
});

it.each(STRATEGY_NAMES.filter((name) => !traitsOf(name).readsReplicas))(
  '%s declares a bound if nothing happens',
  async (name) => {
    const [outcome] = await evaluateHere(groundOf(name))([schedule(3)]);
    expect(outcome?.bound).not.toBeNull();
  },
);
