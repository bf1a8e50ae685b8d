import { expect, it } from 'vitest';
import { STRATEGY_NAMES } from '../core/strategies.ts';
import { parseScenario } from '../scenario/parse.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import { groundOf } from './ground.ts';
import { isPossible, planOf, type Schedule, scenarioOf } from './schedule.ts';

const FAULTS: readonly PlannedFault[] = [
  { fault: 'partition', mode: 'refuse', from: ['eu-west'], to: ['us-east'], atMs: 105, forMs: 1_333 },
  {
    ...{ fault: 'latency', between: ['us-east', 'ap-south'], addMs: 90, jitterMs: 7, rampMs: 60_000 },
    ...{ atMs: 200, forMs: 2_000 },
  },
  { fault: 'bandwidth', between: ['us-east', 'ap-south'], rateKBps: 2.5, atMs: 300, forMs: 1_000 },
  { fault: 'node-clock', node: 'ap-south-0', stepMs: -3_600_000, atMs: 400, forMs: 100 },
  { fault: 'gateway-clock', region: 'ap-south', offsetMs: 1_501, atMs: 500, forMs: 1 },
  { fault: 'slow-store', latencyMs: 1_700, regions: ['us-east'], atMs: 600, forMs: 1_000 },
];

const schedule: Schedule = {
  seed: 4_000_000_000,
  load: {
    ...{ users: 2, ratePerSecond: 40, durationMs: 4_000, roaming: 1, skew: 0.5, costs: [1] },
    resting: { share: 0.5, restMs: 1_200, burstMs: 300 },
    peaks: { ratePerSecond: 200, everyMs: 1_000, forMs: 150 },
  },
  faults: FAULTS,
};

it.each(STRATEGY_NAMES)('the file of a schedule gives its plan: %s', (strategy) => {
  const ground = { ...groundOf(strategy), instances: 2, onFailure: 'local-share' as const };
  const { file, text } = scenarioOf(ground, schedule, 'worst');
  expect(file).toBe('worst.yaml');
  expect(parseScenario(text, { file })).toEqual(planOf(ground, schedule, 'worst'));
});

it.each([
  { strategy: 'lease', above: 'bound', claim: 'total-excess <= bound' },
  { strategy: 'central', above: 'nothing', claim: 'total-excess <= 0' },
  { strategy: 'active-active', above: 'bound', claim: 'worst-window <= bound' },
] as const)('a schedule of $strategy claims $claim', ({ strategy, above, claim }) =>
  expect(planOf({ ...groundOf(strategy), above }, schedule).claims[0]).toBe(claim),
);

it('a schedule that the checks of a scenario refuse is not possible', () => {
  const isHere = (faults: readonly PlannedFault[]) => isPossible(groundOf('lease'), { ...schedule, faults });
  expect(isHere(FAULTS)).toBe(true);
  expect(isHere([{ fault: 'kill', node: 'us-east-0', atMs: 3_000, forMs: 1_001 }])).toBe(false);
  expect(isHere([...FAULTS, ...FAULTS])).toBe(false);
  expect(isHere([{ fault: 'slow-store', latencyMs: 19, atMs: 0, forMs: 1_000 }])).toBe(false); // least: 20 ms
});
