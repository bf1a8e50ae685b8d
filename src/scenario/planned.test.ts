import { expect, it } from 'vitest';
import { parsePromise } from '../core/promise.ts';
import type { LoadPlan, PlannedFault } from './plan.ts';
import { asksAnything, plannedOf } from './planned.ts';

const LOAD: LoadPlan = {
  mode: 'closed',
  connections: 10,
  users: 12,
  skew: 0,
  roaming: 'auto',
  costs: [1],
  rampMs: 0,
  durationMs: 20_000,
};
const fault = (atMs: number, forMs: number): PlannedFault => ({
  fault: 'partition',
  mode: 'blackhole',
  isolate: ['a'],
  atMs,
  forMs,
});
const rest = (restMs: number) => ({ resting: { share: 0.1, restMs, burstMs: 500 } });

it.each([
  { title: 'nothing', asked: {} },
  { title: 'costs', load: { costs: [1, 5, 20, 21] }, asked: { costs: { '': [1, 5, 20] } } },
  { title: 'costs of which a bucket holds one', load: { costs: [1, 21] }, asked: {} },
  { title: 'a rest', load: rest(4_000), asked: { restsUs: { '': 1_875_000 } } },
  { title: 'a rest after which each bucket is full', load: rest(6_000), asked: {} },
  {
    title: 'a rest in which more comes than a burst asks for',
    load: { ...rest(4_000), mode: 'open', ratePerSecond: 450 },
    asked: {},
  },
  {
    title: 'a rest in which less comes than a burst asks for',
    load: { ...rest(4_000), mode: 'open', ratePerSecond: 500 },
    asked: { restsUs: { '': 1_875_000 } },
  },
  { title: 'a rest of the only user, who sends all the time', load: { ...rest(4_000), users: 1 }, asked: {} },
  { title: 'a rest in a short load', load: { ...rest(4_000), durationMs: 14_000 }, asked: {} },
  { title: 'a fault', faults: [fault(5_000, 15_000)], asked: {}, asks: true },
  { title: 'a fault all the time', faults: [fault(0, 20_000)], asked: { neverReturns: true }, asks: false },
  {
    title: 'costs of one of two policies',
    policy: 'requests=20:5/s, tokens=60:40/s',
    load: { costsByPolicy: { tokens: [1, 10] } },
    asked: { costs: { tokens: [1, 10] }, policies: ['requests', 'tokens'] },
  },
  {
    title: 'a rest that is long for one of two policies',
    policy: 'short=10:10/s, long=60:2/s',
    load: rest(4_000),
    asked: { restsUs: { long: 1_875_000 }, policies: ['short', 'long'] },
  },
])('a plan with $title asks for that', ({ policy = '20:5/s', load = {}, faults = [], asked, asks }) => {
  const plan = { policy, load: { ...LOAD, ...load }, faults };
  expect(plannedOf(plan)).toEqual(asked);
  expect(asksAnything(plan)).toBe(asks ?? Object.keys(asked).length > 0);
});

it('a plan for windows asks for costs that a window holds, and rests that are shorter than it', () => {
  const plan = { policy: '20:5/s', load: { ...LOAD, costs: [1, 15], ...rest(12_000) }, faults: [] };
  expect(plannedOf(plan, parsePromise('sliding-window:10/60s'))).toEqual({ restsUs: { '': 5_625_000 } });
  expect(plannedOf(plan)).toEqual({ costs: { '': [1, 15] } });
});
