import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { planUsers as drawUsers } from './drawn-users.ts';
import { busiestUsers, type LoadShape, makeUserDraw, type PlannedUser } from './users.ts';

const REGIONS = ['r0', 'r1', 'r2'];
const LATE_MS = 1e9;

function shape(changes: Partial<LoadShape> = {}): LoadShape {
  return {
    seed: 1,
    regions: REGIONS,
    mode: 'closed',
    costs: [1],
    connections: 1,
    users: 10_000,
    skew: 1,
    roaming: 0.3,
    rampMs: 0,
    ...changes,
  };
}

const planUsers = (of: LoadShape) => [...drawUsers(of)];

function user(name: string, weight: number, regions: readonly string[], arrivesMs = 0): PlannedUser {
  return { name, weight, regions, arrivesMs };
}

/** How often each user comes in `draws` draws for a region. */
function count(
  planned: readonly PlannedUser[],
  region: string,
  draws: number,
  elapsedMs = LATE_MS,
): Map<string, number> {
  const draw = makeUserDraw(planned, region);
  const random = makeRandom(7, region);
  const times = new Map<string, number>();
  for (let nth = 0; nth < draws; nth++) {
    const { name } = draw(random, elapsedMs);
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  return times;
}

/** Of `draws` with probability p, a count this far from its mean is a bug: five standard deviations, and one. */
function expectShare(times: number | undefined, draws: number, p: number): void {
  expect(Math.abs((times ?? 0) - draws * p)).toBeLessThan(5 * Math.sqrt(draws * p * (1 - p)) + 1);
}

describe('planned users', () => {
  it('are the same from the same seed, others from another', () => {
    expect(planUsers(shape())).toEqual(planUsers(shape()));
    expect(planUsers(shape({ seed: 2 }))).not.toEqual(planUsers(shape()));
  });

  it.each([0, 0.3, 1])('roam in a share of %d, the others live evenly in one region each', (roaming) => {
    const planned = planUsers(shape({ roaming }));
    const roamers = planned.filter(({ regions }) => regions.length > 1);
    for (const { regions } of roamers) expect(regions).toEqual(REGIONS);
    expectShare(roamers.length, planned.length, roaming);
    const settled = planned.length - roamers.length;
    for (const region of REGIONS) {
      const here = planned.filter(({ regions }) => regions.length === 1 && regions[0] === region).length;
      expectShare(here, settled, 1 / 3);
    }
  });

  it('are called after their homes, and are otherwise the same', () => {
    const [plain, placed] = [planUsers(shape()), planUsers(shape({ homes: true }))];
    expect(placed.map(({ name: _, ...user }) => user)).toEqual(plain.map(({ name: _, ...user }) => user));
    for (const { name } of placed) expect(REGIONS).toContain(name.split('.')[0]);
    const settled = placed.filter(({ regions }) => regions.length === 1);
    expect(settled.every(({ name, regions }) => name.startsWith(`${regions[0]}.u`))).toBe(true);
    const homes = placed.filter(({ regions }) => regions.length > 1).map(({ name }) => name.split('.')[0]);
    for (const region of REGIONS)
      expectShare(homes.filter((home) => home === region).length, homes.length, 1 / 3);
  });

  it('leave no region without a user, for any seed', () => {
    for (let seed = 0; seed < 100; seed++) {
      const planned = planUsers(shape({ seed, users: REGIONS.length, roaming: seed / 100 }));
      expect(new Set(planned.flatMap(({ regions }) => regions))).toEqual(new Set(REGIONS));
    }
  });

  it.each([
    ['k^-1 with skew 1', 1, [1, 1 / 2, 1 / 3, 1 / 4]],
    ['k^-2 with skew 2', 2, [1, 1 / 4, 1 / 9, 1 / 16]],
    ['the same without skew', 0, [1, 1, 1, 1]],
  ])('weigh %s', (_title, skew, want) => {
    const planned = planUsers(shape({ skew, users: 4 }));
    expect(planned.map(({ name }) => name)).toEqual(['u1', 'u2', 'u3', 'u4']);
    planned.forEach(({ weight }, index) => {
      expect(weight).toBeCloseTo(want[index] ?? 0, 12);
    });
  });

  it('arrive evenly over the ramp, a tenth of them before it', () => {
    const planned = planUsers(shape({ rampMs: 1_000 }));
    for (const byMs of [0, 300, 600, 899]) {
      const arrived = planned.filter(({ arrivesMs }) => arrivesMs <= byMs).length;
      expectShare(arrived, planned.length, 0.1 + byMs / 1_000);
    }
    expect(Math.max(...planned.map(({ arrivesMs }) => arrivesMs))).toBeLessThan(900);
  });

  it.each(Array.from({ length: 50 }, (_, seed) => seed))(
    'leave no region empty at the start, seed %i',
    (seed) => {
      const planned = planUsers(shape({ seed, users: 5, roaming: 0, rampMs: 1_000 }));
      for (const region of new Set(planned.flatMap(({ regions }) => regions))) {
        expect(planned.some((one) => one.regions.includes(region) && one.arrivesMs === 0)).toBe(true);
      }
    },
  );
});

describe('users who rest', () => {
  const resting = { share: 0.1, restMs: 4_000, burstMs: 500 };

  it('are a share of all, drawn from the seed, and change nothing else of the plan', () => {
    const planned = planUsers(shape({ users: 200, resting }));
    const known = planUsers(shape({ users: 200 }));
    expect(planned.filter(({ rests }) => rests !== undefined)).toHaveLength(20);
    expect(planned.map(({ rests: _, ...user }) => user)).toEqual(known);
    expect(planUsers(shape({ users: 200, resting }))).toEqual(planned);
    expect(planUsers(shape({ users: 200, resting, seed: 2 }))).not.toEqual(planned);
  });

  it('rest for a time of their own, spread from a quarter of the longest', () => {
    const lengths = planUsers(shape({ users: 60, resting })).flatMap(({ rests }) => rests?.restMs ?? []);
    expect(lengths.sort((a, b) => a - b)).toEqual([1_250, 1_750, 2_250, 2_750, 3_250, 3_750]);
  });

  it.each([
    { title: 'are one at least', users: 8, share: 0.01, want: 1 },
    { title: 'are never the first of a region', users: 8, share: 1, want: 5 },
    { title: 'are none where each is the first of a region', users: 3, share: 1, want: 0 },
    { title: 'are none of a share of 0', users: 8, share: 0, want: 0 },
  ])('$title', ({ users, share, want }) => {
    const planned = planUsers(shape({ users, roaming: 0, rampMs: 9_000, resting: { ...resting, share } }));
    expect(planned.filter(({ rests }) => rests !== undefined)).toHaveLength(want);
  });

  it('send nothing while they rest, and in bursts what they would have sent otherwise', () => {
    const rests = { restMs: 3_000, burstMs: 1_000, offsetMs: 500 };
    const planned = [user('first', 1, ['r0']), { ...user('rester', 1, ['r0']), rests }];
    const draw = makeUserDraw(planned, 'r0');
    const random = makeRandom(1);
    const times = new Map<number, number>();
    for (let ms = 0; ms < 40_000; ms++)
      if (draw(random, ms).name === 'rester') times.set(ms, 1 + (times.get(ms) ?? 0));
    expect([...times.keys()].every((ms) => (ms + 500) % 4_000 >= 3_000)).toBe(true);
    expect([...times.keys()].filter((ms) => ms < 2_500)).toEqual([]);
    expect(times.size / 10_000).toBeCloseTo(4 / 5, 1); // of the draws of its bursts, beside one of the same weight
  });

  it('leave room for others however short their bursts are', () => {
    const rests = { restMs: 1e6, burstMs: 1, offsetMs: 0 };
    const planned = [user('first', 1, ['r0']), { ...user('rester', 1, ['r0']), rests }];
    expect(count(planned, 'r0', 1_000, 1e6)).toEqual(expect.objectContaining({ size: 2 }));
  });
});

describe('a draw', () => {
  it.each([0, 1, 1.2])('follows the law of Zipf with skew %d', (skew) => {
    const draws = 100_000;
    const planned = planUsers(shape({ users: 1_000, roaming: 1, skew }));
    const total = planned.reduce((sum, { weight }) => sum + weight, 0);
    const times = count(planned, 'r0', draws);
    for (const rank of [1, 2, 3, 10, 100]) expectShare(times.get(`u${rank}`), draws, rank ** -skew / total);
    const firstTen = planned.slice(0, 10).reduce((sum, { name }) => sum + (times.get(name) ?? 0), 0);
    expectShare(firstTen, draws, planned.slice(0, 10).reduce((sum, { weight }) => sum + weight, 0) / total);
  });

  it('gives users of its region and those who roam, and each of them', () => {
    const planned = planUsers(shape({ users: 100, skew: 0 }));
    for (const region of REGIONS) {
      const expected = planned.filter(({ regions }) => regions.includes(region)).map(({ name }) => name);
      expect([...count(planned, region, 10_000).keys()].sort()).toEqual(expected.sort());
    }
  });

  it('gives no user before its arrival, even if others weigh a million times more', () => {
    const late = Array.from({ length: 9 }, (_, index) => user(`late${index}`, 1e6, ['r0'], 500));
    const planned = [...late, user('early', 1, ['r0'], 0), user('next', 1, ['r0'], 100)];
    expect([...count(planned, 'r0', 1_000, 0).keys()]).toEqual(['early']);
    expect(count(planned, 'r0', 1_000, 499.9).has('late0')).toBe(false);
    expect(count(planned, 'r0', 1_000, 500).has('late0')).toBe(true);
  });

  it('gives no user before its arrival, for any plan', () => {
    for (let seed = 0; seed < 50; seed++) {
      const planned = planUsers(shape({ seed, users: 20, skew: 2, rampMs: 1_000 }));
      const draw = makeUserDraw(planned, 'r0');
      const random = makeRandom(seed);
      for (let ms = 0; ms < 1_000; ms += 10) expect(draw(random, ms).arrivesMs).toBeLessThanOrEqual(ms);
    }
  });

  it('takes its choices from the given source alone', () => {
    const draw = makeUserDraw(planUsers(shape()), 'r1');
    const [a, b] = [makeRandom(1), makeRandom(1)];
    for (let nth = 0; nth < 100; nth++) expect(draw(a, 0)).toBe(draw(b, 0));
  });

  it('is refused for a region without users', () => {
    const planned = [user('u1', 1, ['r0'])];
    expect(() => makeUserDraw(planned, 'r1')).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: 'no user sends from r1: raise --users or --roaming',
      }),
    );
  });
});

describe('the busiest users', () => {
  it('are ordered by what they send in all regions together', () => {
    // r0: a 3/4, c 1/4; r1: b 3/5, c 2/5. Together: a 0.75, c 0.65, b 0.6.
    const planned = [user('a', 6, ['r0']), user('b', 3, ['r1']), user('c', 2, ['r0', 'r1'])];
    expect(busiestUsers(planned, ['r0', 'r1'], 3).map(({ name }) => name)).toEqual(['a', 'c', 'b']);
    expect(busiestUsers(planned, ['r0', 'r1'], 2).map(({ name }) => name)).toEqual(['a', 'c']);
    expect(busiestUsers(planned, ['r0', 'r1'], 9)).toHaveLength(3);
  });

  it('are those whom draws of all regions give most often', () => {
    const planned = planUsers(shape({ users: 200, skew: 2 })); // far apart: no tie that draws could turn
    const times = new Map<string, number>();
    for (const region of REGIONS) {
      for (const [name, more] of count(planned, region, 50_000))
        times.set(name, (times.get(name) ?? 0) + more);
    }
    const drawn = [...times].sort(([, a], [, b]) => b - a).map(([name]) => name);
    const busiest = busiestUsers(planned, REGIONS, 5).map(({ name }) => name);
    expect(drawn.slice(0, 5)).toEqual(busiest);
  });
});

it.each([2, 12, 20, 200])(
  'U1: of %d users the busiest roam, 20 at most, and no other draw changes',
  (users) => {
    const planned = [...planUsers(shape({ users, roaming: 'auto' }))];
    const alike = [...planUsers(shape({ users, roaming: 0 }))];
    const roamers = planned.filter(({ regions }) => regions.length === REGIONS.length);
    expect(roamers).toEqual(planned.slice(0, Math.min(20, users)));
    expect(planned.slice(20)).toEqual(alike.slice(20));
  },
);
