import { expect, it } from 'vitest';
import { evaluateHere } from './evaluate.ts';
import { groundOf } from './ground.ts';
import type { Schedule } from './schedule.ts';

const schedule = (seed: number): Schedule => ({
  seed,
  load: { users: 2, ratePerSecond: 40, durationMs: 3_000, roaming: 1, skew: 0, costs: [1] },
  faults: [],
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
