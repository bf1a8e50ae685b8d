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
