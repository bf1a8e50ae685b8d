import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { type Bucket, fullBucket, take } from '../../core/bucket.ts';
import { parsePolicies } from '../../core/policies.ts';
import { makeRandom } from '../../core/prng.ts';
import { checkHistory } from '../check.ts';

const POLICIES = parsePolicies('requests=10:10/s, tokens=60:20/s');
const RECORDS = POLICIES.map(
  ({ name, policy }) => [name, { capacity: policy.capacityTokens, refill: policy.refill }] as const,
);

/** Takes from the policies in this order; what was taken before a denial is kept of these. */
interface Limiter {
  readonly order: readonly string[];
  readonly keeps: readonly string[];
}

/** Every 20 ms a request of 1 or 10 tokens, decided at that moment. */
function decided({ order, keeps }: Limiter): OperationPart[] {
  const random = makeRandom(1, 'costs');
  const stored = new Map<string, Bucket>();
  return Array.from({ length: 600 }, (_, nth): OperationPart => {
    const nowUs = 20_000 * nth;
    const costs: Record<string, number> = { requests: 1, tokens: random() < 0.5 ? 1 : 10 };
    const before = new Map(stored);
    const allowed = order.every((name) => {
      const policy = POLICIES.find((named) => named.name === name)?.policy ?? POLICIES[0]?.policy;
      if (policy === undefined) return false;
      const state = stored.get(name) ?? fullBucket(policy, nowUs);
      const { bucket, result } = take(state, policy, { costTokens: costs[name] ?? 1, nowUs });
      stored.set(name, bucket);
      return result.allowed;
    });
    if (!allowed) for (const [name, bucket] of before) if (!keeps.includes(name)) stored.set(name, bucket);
    const charges = POLICIES.map(({ name }) => ({ bucket: 'u', cost: costs[name] ?? 1, policy: name }));
    return { invokedUs: nowUs, completedUs: nowUs, outcome: allowed ? 'allowed' : 'denied', charges };
  });
}

function check(limiter: Limiter) {
  const header = { policies: Object.fromEntries(RECORDS) };
  return checkHistory(historyOf(decided(limiter), { header }), { busiest: [] });
}

describe('a limiter of two policies', () => {
  it('has no false denial if it charges both or none', () => {
    const { falseDenials, reasons = [] } = check({ order: ['requests', 'tokens'], keeps: [] });
    expect([falseDenials.total, reasons]).toEqual([0, []]);
  });

  it.each([
    { order: ['requests', 'tokens'], policy: 'requests' },
    { order: ['tokens', 'requests'], policy: 'tokens' },
  ])('that keeps what it took of $policy is convicted, and the policy is named', ({ order, policy }) => {
    const { falseDenials, overAdmission, reasons } = check({ order, keeps: [policy] });
    expect(falseDenials.total).toBeGreaterThan(0);
    expect(overAdmission.buckets).toBe(0);
    expect(reasons).toEqual([
      {
        reason: 'partial-charges',
        sentence: expect.stringContaining(
          `policy ${policy} is charged by requests that another policy denied`,
        ),
      },
    ]);
  });
});

/** What is wrong with one policy, as factors; `reserve` is in tokens that it never gives. */
interface OtherBug {
  readonly title: string;
  readonly refill?: number;
  readonly capacity?: number;
  readonly cost?: number;
  readonly reserve?: number;
  /** It charges what it denies itself. */
  readonly chargesDenied?: true;
  /** The share of requests that it denies at random. */
  readonly random?: number;
  /** It denies everything from then on. */
  readonly stuckFromUs?: number;
  /** It denies everything for so long after a denial. */
  readonly lockoutUs?: number;
}

/** Three users, decisions in the middle of intervals that overlap. */
function decidedWrongly(bug: OtherBug, { seed, wrong }: { seed: number; wrong: string }): OperationPart[] {
  const random = makeRandom(seed, 'other bugs');
  const levels = new Map<string, { tokens: number; atUs: number }>();
  const lockedUs = new Map<string, number>();
  return Array.from({ length: 700 }, (_, nth): OperationPart => {
    const invokedUs = 6_000 * nth + Math.floor(random() * 6_000);
    const nowUs = invokedUs + 2_500;
    const user = `u${Math.floor(random() * 3)}`;
    const costs: Record<string, number> = { requests: 1, tokens: random() < 0.5 ? 1 : 10 };
    const taken = POLICIES.map(({ name, policy }) => {
      const of = name === wrong ? bug : undefined;
      const most = policy.capacityTokens * (of?.capacity ?? 1);
      const perUs = (policy.refill.tokens / policy.refill.perUs) * (of?.refill ?? 1);
      const known = levels.get(user + name) ?? { tokens: most, atUs: nowUs };
      const tokens = Math.min(most, known.tokens + Math.max(0, nowUs - known.atUs) * perUs);
      levels.set(user + name, { tokens, atUs: nowUs });
      const cost = (costs[name] ?? 1) * (of?.cost ?? 1);
      return { name, tokens, cost, of, isPaid: tokens + 1e-6 >= cost + (of?.reserve ?? 0) };
    });
    const isStuck = nowUs >= (bug.stuckFromUs ?? Infinity) || nowUs < (lockedUs.get(user) ?? 0);
    const allowed = taken.every(({ isPaid }) => isPaid) && random() >= (bug.random ?? 0) && !isStuck;
    if (!allowed && bug.lockoutUs !== undefined) lockedUs.set(user, nowUs + bug.lockoutUs);
    for (const { name, tokens, cost, of, isPaid } of taken)
      if (allowed || (!isPaid && of?.chargesDenied))
        levels.set(user + name, { tokens: Math.max(0, tokens - cost), atUs: nowUs });
    const charges = POLICIES.map(({ name }) => ({ bucket: user, cost: costs[name] ?? 1, policy: name }));
    return { invokedUs, completedUs: invokedUs + 5_000, outcome: allowed ? 'allowed' : 'denied', charges };
  });
}

describe('is not the reason of another bug', () => {
  it.each<OtherBug>([
    { title: 'a refill too slow', refill: 0.6 },
    { title: 'a capacity too small', capacity: 0.6 },
    { title: 'a cost charged twice', cost: 2 },
    { title: 'a token that is never given', reserve: 1 },
    { title: 'denials that charge', chargesDenied: true },
    { title: 'denials at random', random: 0.05 },
    { title: 'all denials from 2 s on', stuckFromUs: 2_000_000 },
    { title: 'a lockout that each denial extends', lockoutUs: 1_000_000 },
    { title: 'a short lockout', lockoutUs: 100_000 },
    { title: 'none' },
  ])('$title', (bug) => {
    const header = { policies: Object.fromEntries(RECORDS) };
    const checked = ['requests', 'tokens'].flatMap((wrong) =>
      Array.from({ length: 6 }, (_, seed) =>
        checkHistory(historyOf(decidedWrongly(bug, { seed, wrong }), { header }), { busiest: [] }),
      ),
    );
    const convicted = checked.filter(({ falseDenials }) => falseDenials.total > 0).length;
    if (bug.title === 'none') expect(convicted).toBe(0);
    else expect(convicted).toBeGreaterThan(0);
    const reasons = checked.flatMap(({ reasons = [] }) => reasons.map(({ reason }) => reason));
    expect(reasons).not.toContain('partial-charges');
  });
});
