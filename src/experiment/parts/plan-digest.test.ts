import { describe, expect, it } from 'vitest';
import { planUsers } from '../../load/drawn-users.ts';
import { parseScenario } from '../../scenario/parse.ts';
import { shapeOf } from '../plan-file.ts';
import { type PlannedParts, planDigest, runId } from './plan-digest.ts';

const TEXT = '# Mine.\npolicy: 10:5/s\nload: { users: 6, connections: 6 }\nclaims: [total-excess <= 0]\n';
const plan = parseScenario(TEXT, { file: 'mine.yaml' });
const users = [...planUsers(shapeOf(plan))];
const parts: PlannedParts = { plan, users, of: ['us-east', 'eu-west', 'ap-south'] };
const recorded = [{ atUs: 1, user: 'ada', cost: 1 }];

const changed = (change: Partial<typeof plan>) => ({ ...parts, plan: { ...plan, ...change } });

describe('the digest of a plan', () => {
  it.each([
    {
      title: 'paths, round trips and claims',
      other: changed({ about: 'x', claims: [], topology: { ...plan.topology, roundTripMs: {} } }),
    },
    {
      title: 'the order of members',
      other: changed({ load: Object.fromEntries(Object.entries(plan.load).reverse()) as typeof plan.load }),
    },
  ])('is the same whatever $title', ({ other }) => expect(planDigest(other)).toBe(planDigest(parts)));

  it.each([
    { title: 'seed', other: changed({ seed: 2 }) },
    { title: 'strategy', other: changed({ strategy: 'article' }) },
    { title: 'policy', other: changed({ policy: '10:6/s' }) },
    { title: 'load', other: changed({ load: { ...plan.load, connections: 7 } }) },
    {
      title: 'order of regions',
      other: changed({ topology: { ...plan.topology, regions: [...plan.topology.regions].reverse() } }),
    },
    { title: 'list of users', other: { ...parts, users: users.slice(1) } },
    { title: 'list of parts', other: { ...parts, of: ['us-east:1/2', 'us-east:2/2'] } },
    { title: 'log', other: { ...parts, recorded } },
    { title: 'plug-in', other: { ...parts, plugin: 'export {}' } },
  ])('is another for another $title', ({ other }) => expect(planDigest(other)).not.toBe(planDigest(parts)));

  it('is one of each request of a log', () => {
    const others = [
      [{ ...recorded[0], cost: 2 }],
      [{ ...recorded[0], user: 'bob' }],
      [...recorded, ...recorded],
    ];
    const digests = [recorded, ...others].map((each) =>
      planDigest({ ...parts, recorded: each as typeof recorded }),
    );
    expect(new Set(digests).size).toBe(4);
  });

  it('and the start name the run', () => {
    const digest = planDigest(parts);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(runId(digest, 1)).toMatch(/^run-[0-9a-f]{12}$/);
    expect(runId(digest, 1)).not.toBe(runId(digest, 2));
    expect(runId(digest, 1, 'nightly')).toBe(runId(digest, 1).replace('run', 'nightly'));
  });
});
