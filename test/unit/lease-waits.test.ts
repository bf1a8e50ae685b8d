import { describe, expect, it } from 'vitest';
import { simulateLoad } from '../support/lease/simulation.ts';

const LOAD = {
  ...{ policy: '20:5/s', seconds: 20, users: 200, skew: 0.7, roaming: 0.2, isAtHome: true, seed: 1 },
};

describe('takes after the first of a bucket, in virtual time', () => {
  it.each([
    { title: 'most denied', load: { rate: 6_000 }, calls: 0.1, admitted: 0.965 },
    { title: 'other users', load: { rate: 6_000, seed: 2 }, calls: 0.1, admitted: 0.965 },
    { title: 'few denied', load: { rate: 600, roaming: 0 }, calls: 0.2, admitted: 0.97 },
    { title: 'few denied, some roaming', load: { rate: 600 }, calls: 0.35, admitted: 0.97 },
    { title: 'uniform users', load: { rate: 600, skew: 0, roaming: 0 }, calls: 0.3, admitted: 0.97 },
    {
      title: 'large buckets',
      load: { rate: 2_000, policy: '1000:100/s', roaming: 0 },
      calls: 0.1,
      admitted: 0.98,
    },
  ])('wait little at home: $title', async ({ load, calls, admitted }) => {
    const figures = await simulateLoad({ ...LOAD, ...load });
    expect(figures).toMatchObject({ excess: 0, errors: 0 });
    expect(figures.resident.p99Ms).toBeLessThanOrEqual(50);
    expect(figures.calls).toBeLessThanOrEqual(calls);
    expect(figures.admitted).toBeGreaterThanOrEqual(admitted);
  });

  it.each([
    { title: 'without homes', load: { rate: 6_000, isAtHome: false } },
    { title: 'all users roaming', load: { rate: 6_000, roaming: 1 } },
    { title: 'few denied', load: { rate: 600, roaming: 1 } },
    { title: 'large buckets', load: { rate: 2_000, policy: '1000:100/s', roaming: 1 } },
  ])('wait for one grant at most elsewhere: $title', async ({ load }) => {
    const figures = await simulateLoad({ ...LOAD, ...load });
    expect(figures).toMatchObject({ excess: 0, errors: 0 });
    for (const { waiting, p99Ms } of [figures.resident, figures.roaming]) {
      expect(p99Ms).toBeLessThanOrEqual(400);
      expect(waiting).toBeLessThanOrEqual(0.05);
    }
  });
});
