import { expect, it } from 'vitest';
import type { PlannedFault } from '../scenario/plan.ts';
import { cutOffRegions } from './cut-off.ts';
import { groundOf } from './ground.ts';
import { planOf } from './schedule.ts';

const times = { atMs: 1_000, forMs: 1_000 };
const mode = 'blackhole';
const load = { users: 2, ratePerSecond: 40, durationMs: 4_000, roaming: 1, skew: 0, costs: [1] };
const kill = (node: string): PlannedFault => ({ fault: 'kill', node, ...times });
const isolate = { fault: 'partition', mode, isolate: ['eu-west'], ...times } as const;

it.each<{ title: string; faults: PlannedFault[]; cutOff: string[] }>([
  { title: 'no fault', faults: [], cutOff: [] },
  { title: 'an isolated region', faults: [isolate], cutOff: ['eu-west'] },
  {
    title: 'one link of three',
    faults: [{ fault: 'partition', mode, bridge: ['eu-west', 'ap-south'], ...times }],
    cutOff: [],
  },
  {
    title: 'requests of one way, whose replies are lost, too',
    faults: [{ fault: 'partition', mode, from: ['us-east', 'ap-south'], to: ['eu-west'], ...times }],
    cutOff: ['eu-west'],
  },
  {
    title: 'lost replies',
    faults: [{ fault: 'drop-reply', regions: ['ap-south'], ...times }],
    cutOff: ['ap-south'],
  },
  {
    title: 'no Redis in a region',
    faults: [{ fault: 'store-outage', mode, regions: ['us-east'], ...times }],
    cutOff: ['us-east'],
  },
  {
    title: 'a restart of services',
    faults: [{ fault: 'restart-service', region: 'us-east', ...times }],
    cutOff: ['us-east'],
  },
  { title: 'one dead primary of three', faults: [kill('us-east-0')], cutOff: [] },
  { title: 'dead replicas', faults: [kill('us-east-1'), kill('eu-west-1')], cutOff: [] },
  {
    title: 'two dead primaries at once',
    faults: [kill('us-east-0'), kill('eu-west-0')],
    cutOff: ['us-east', 'eu-west', 'ap-south'],
  },
  {
    title: 'two dead primaries one after the other',
    faults: [kill('us-east-0'), { fault: 'kill', node: 'eu-west-0', atMs: 2_000, forMs: 1_000 }],
    cutOff: [],
  },
  {
    title: 'a link and a primary beyond the other',
    faults: [
      { fault: 'partition', mode, bridge: ['eu-west', 'ap-south'], ...times },
      { fault: 'pause', node: 'us-east-0', atMs: 1_500, forMs: 200 },
    ],
    cutOff: ['eu-west', 'ap-south'],
  },
  {
    title: 'a slow link',
    faults: [
      {
        ...{ fault: 'latency', between: ['us-east', 'eu-west'], jitterMs: 0, rampMs: 0 },
        addMs: 100,
        ...times,
      },
    ],
    cutOff: [],
  },
])('cut off from a majority by $title: $cutOff', ({ faults, cutOff }) => {
  const plan = planOf(groundOf('central'), { seed: 1, load, faults });
  expect([...cutOffRegions(plan)].sort()).toEqual([...cutOff].sort());
});
