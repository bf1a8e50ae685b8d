import { expect, it } from 'vitest';
import { nicheOf } from './niches.ts';
import type { Schedule } from './schedule.ts';

const load = { users: 1, ratePerSecond: 20, durationMs: 9_000, roaming: 1, skew: 0, costs: [1] };
const peaks = { ratePerSecond: 200, everyMs: 2_000, forMs: 100 };
const kill = { fault: 'kill', node: 'us-east-0', atMs: 0, forMs: 100 } as const;
const outage = { fault: 'store-outage', mode: 'refuse', atMs: 0, forMs: 100 } as const;

it.each<{ schedule: Omit<Schedule, 'seed'>; niche: string }>([
  { schedule: { load, faults: [] }, niche: 'even' },
  { schedule: { load: { ...load, peaks }, faults: [kill, outage, outage] }, niche: 'peaks,parts,takes' },
  { schedule: { load: { ...load, ratePerSecond: 2, peaks }, faults: [kill] }, niche: 'waves,takes' },
])('a schedule is of the niche $niche', ({ schedule, niche }) =>
  expect(nicheOf({ seed: 1, ...schedule })).toBe(niche),
);
