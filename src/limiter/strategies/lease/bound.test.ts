import { describe, expect, it } from 'vitest';
import type { Episodes } from '../../../core/bound.ts';
import { parsePolicy } from '../../../core/policy.ts';
import { leaseBound } from './bound.ts';

const policy = parsePolicy('20:5/s');
const quiet: Episodes = {
  shard: 'a',
  failovers: [],
  emptyRestarts: 0,
  clockStepsUs: [],
  serviceClockSpreadUs: 0,
};
const failovers = [{ atUs: 1, node: 'b', overlapUs: 2_000_000 }];

describe('the bound of leases', () => {
  it.each([
    { title: 'is 0 where nothing happens', episodes: quiet, acked: 0, unacked: 0 },
    {
      title: 'knows a failover only without acks',
      episodes: { ...quiet, failovers },
      acked: 0,
      unacked: 30,
    },
    {
      title: 'is the capacity for a restart without state',
      episodes: { ...quiet, emptyRestarts: 2 },
      acked: 40,
      unacked: 40,
    },
    {
      title: 'is the gain of a clock step within the margin',
      episodes: { ...quiet, clockStepsUs: [150_000] },
      acked: 0.75,
      unacked: 0.75,
    },
    {
      title: 'is a step where the new primary is ahead',
      episodes: { ...quiet, failovers: failovers.map((one) => ({ ...one, clockAheadUs: 100_000 })) },
      acked: 0.5,
      unacked: 30.5,
    },
    {
      title: 'is the capacity for a step above it',
      episodes: { ...quiet, clockStepsUs: [150_001] },
      acked: 20,
      unacked: 20,
    },
  ])('$title', ({ episodes, ...want }) => {
    for (const grants of ['acked', 'unacked'] as const) {
      const bound = leaseBound(policy, episodes, { grants, clockMarginUs: 150_000 });
      expect(bound.totalExcess).toBe(want[grants]);
      expect(bound.worstWindow).toBe(want[grants]);
    }
  });
  it('shows its sum', () => {
    const episodes = { ...quiet, emptyRestarts: 1, clockStepsUs: [100_000, 1_000_000] };
    expect(leaseBound(policy, episodes, { grants: 'acked', clockMarginUs: 150_000 }).formula).toBe(
      '1 empty restart * 20 + min(20, 5/s * 0.1 s clock step) + (20, a clock step of 1 s, above the margin) = 40.5',
    );
  });
});
