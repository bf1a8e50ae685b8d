import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { formatPolicy, makePolicy, type Policy } from '../core/policy.ts';
import { findOverAdmission } from './proofs/over-admission.ts';
import { BucketRows } from './rows/bucket-rows.ts';

/** Admissions seen during [from, to], in microseconds; cost in tokens. */
interface Seen {
  readonly from: number;
  readonly to: number;
  readonly cost: number;
}

function checkedExcess(seen: readonly Seen[], policy: Policy): number {
  const parts = seen.map(({ from, to, cost }) => ({ invokedUs: from, completedUs: to, cost }));
  const { operations } = historyOf(parts, { policy: formatPolicy(policy) });
  const rows = new BucketRows(operations);
  rows.load(0);
  return findOverAdmission(rows, policy, { epsilonUs: 0, rhoPpm: 0 }).totalExcessQuanta;
}

/**
 * The least that must be minted when operations may be split: all work minus the largest flow from operations
 * to the microseconds in which tokens are born, each of which makes `quantaPerUs`. An operation may spend what was
 * born from C/r before its start to its end.
 */
function excessByFlow(seen: readonly Seen[], policy: Policy): number {
  const burstUs = policy.capacityQuanta / policy.quantaPerUs;
  const firstUs = Math.min(...seen.map(({ from }) => from)) - burstUs;
  const free = Array.from(
    { length: Math.max(...seen.map(({ to }) => to)) - firstUs },
    () => policy.quantaPerUs,
  );
  const used = seen.map(() => new Map<number, number>());
  const reach = (job: number) => {
    const { from, to } = seen[job] as Seen;
    return Array.from({ length: to - from + burstUs }, (_, at) => from - burstUs - firstUs + at);
  };
  /** Frees room in `slot` by moving others elsewhere: one augmenting path. */
  const push = (job: number, amount: number, visited: Set<number>): number => {
    for (const slot of reach(job)) {
      if (visited.has(slot)) continue;
      visited.add(slot);
      let got = Math.min(amount, free[slot] as number);
      if (got > 0) free[slot] = (free[slot] as number) - got;
      for (const [other, flows] of used.entries()) {
        const held = flows.get(slot) ?? 0;
        if (got > 0 || other === job || held === 0) continue;
        got = push(other, Math.min(amount, held), visited);
        flows.set(slot, held - got);
      }
      if (got === 0) continue;
      used[job]?.set(slot, (used[job]?.get(slot) ?? 0) + got);
      return got;
    }
    return 0;
  };
  let excess = 0;
  for (const [job, { cost }] of seen.entries()) {
    let left = Math.min(cost, policy.capacityTokens) * policy.quantaPerToken;
    excess += cost * policy.quantaPerToken - left; // no bucket ever holds it
    for (let got = -1; left > 0 && got !== 0; left -= got) got = push(job, left, new Set());
    excess += left;
  }
  return excess;
}

/** The least that must be minted when operations take effect at once: tries every microsecond of each. */
function excessByPlacing(
  seen: readonly Seen[],
  { capacityQuanta, quantaPerUs, quantaPerToken }: Policy,
): number {
  let least = Number.POSITIVE_INFINITY;
  const place = (job: number, placed: readonly (readonly [atUs: number, cost: number])[]): void => {
    const next = seen[job];
    if (next === undefined) {
      let [level, lastUs, minted] = [capacityQuanta, 0, 0];
      for (const [atUs, cost] of placed.toSorted(([a], [b]) => a - b)) {
        level = Math.min(capacityQuanta, level + (atUs - lastUs) * quantaPerUs) - cost * quantaPerToken;
        lastUs = atUs;
        minted += Math.max(0, -level);
        level = Math.max(0, level);
      }
      least = Math.min(least, minted);
      return;
    }
    for (let atUs = next.from; atUs <= next.to; atUs++) place(job + 1, [...placed, [atUs, next.cost]]);
  };
  place(0, []);
  return least;
}

const historyUpTo = (maxLength: number, span: number, width: number) =>
  fc
    .array(fc.record({ from: fc.nat(span), length: fc.nat(width), cost: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength,
    })
    .map((drawn) => drawn.map(({ from, length, cost }) => ({ from, to: from + length, cost })));

describe('the total excess', () => {
  const policies = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom('1/us', '2/us', '1/2us', '1/3us'))
    .map(([capacity, rate]) => makePolicy(capacity * 2, rate)); // an even capacity: C/r is whole microseconds

  it('is exactly what a largest flow leaves over, in 3,000 small histories', () => {
    let convicted = 0;
    fc.assert(
      fc.property(policies, historyUpTo(9, 12, 8), (policy, seen) => {
        const expected = excessByFlow(seen, policy);
        if (expected > 0) convicted++;
        expect(checkedExcess(seen, policy)).toBe(expected);
      }),
      { numRuns: 3_000, seed: 11 },
    );
    expect(convicted).toBeGreaterThan(600);
  });

  it('is never above what the best placing of whole operations mints, in 2,000 small histories', () => {
    let [convicted, missed] = [0, 0];
    fc.assert(
      fc.property(
        fc.constantFrom(makePolicy(2, '1/us'), makePolicy(3, '1/2us')),
        historyUpTo(5, 5, 4),
        (policy, seen) => {
          const least = excessByPlacing(seen, policy);
          const found = checkedExcess(seen, policy);
          expect(found).toBeLessThanOrEqual(least);
          if (least > 0) convicted++;
          if (least > 0 && found === 0) missed++;
        },
      ),
      { numRuns: 2_000, seed: 12 },
    );
    expect(convicted).toBeGreaterThan(300);
    process.stdout.write(
      `missed: ${missed} of ${convicted} histories that no bucket explains (${((100 * missed) / convicted).toFixed(1)}%)\n`,
    );
    expect(missed / convicted).toBeLessThan(0.3);
  });

  it('misses the example that is known to be missed', () => {
    const seen = [
      { from: 15, to: 15, cost: 1 },
      { from: 15, to: 15, cost: 1 },
      { from: 6, to: 24, cost: 1 },
    ];
    const policy = makePolicy(2, '1/10us');
    expect(checkedExcess(seen, policy)).toBe(0);
    expect(excessByPlacing(seen, policy)).toBeGreaterThan(0);
  });
});
