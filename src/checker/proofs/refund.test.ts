import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

function excessOf(parts: readonly OperationPart[], policy: string): number {
  return checkHistory(historyOf(parts, { policy }), RULES).overAdmission.totalExcess;
}

/** Each at once or within `[from, to]` seconds. */
const spent = (count: number, from: number, to = from): OperationPart[] =>
  Array.from({ length: count }, () => ({ invokedUs: from * S, completedUs: to * S }));
const refunded = (tokens: number, from: number, to = from): OperationPart => ({
  invokedUs: from * S,
  completedUs: to * S,
  cost: -tokens,
});
const unanswered = (tokens: number, from: number): OperationPart => ({
  invokedUs: from * S,
  outcome: 'info',
  cost: -tokens,
});

describe('a refund, of a bucket of 2 tokens that gains 1/s,', () => {
  it.each([
    { title: 'excuses what follows it', parts: [...spent(2, 1), refunded(1, 1), ...spent(1, 1)], want: 0 },
    {
      title: 'excuses no more than it gave',
      parts: [...spent(2, 1), refunded(1, 1), ...spent(2, 1)],
      want: 1,
    },
    { title: 'excuses nothing before it', parts: [...spent(3, 1), refunded(1, 1.1)], want: 1 },
    { title: 'of a full bucket excuses nothing later', parts: [refunded(1, 1), ...spent(3, 9)], want: 1 },
    {
      title: 'made before the bucket was full again excuses nothing after',
      parts: [...spent(2, 1), refunded(1, 1), ...spent(3, 9)],
      want: 1,
    },
    {
      title: 'that can have come after the bucket was full excuses',
      parts: [...spent(2, 1), refunded(1, 1, 9), ...spent(3, 9)],
      want: 0,
    },
    {
      title: 'whose reply never came can have been made at any time',
      parts: [...spent(2, 1), unanswered(1, 1), ...spent(3, 9)],
      want: 0,
    },
    {
      title: 'pays once',
      parts: [refunded(1, 1, 9), ...spent(3, 1), ...spent(3, 9)],
      want: 1,
    },
    {
      title: 'of a thousand tokens is worth one bucket',
      parts: [...spent(2, 1), refunded(1_000, 1), ...spent(5, 1)],
      want: 3,
    },
    {
      title: 'that ends first pays first',
      parts: [refunded(1, 1, 9), refunded(1, 1, 1), ...spent(3, 1), ...spent(3, 9)],
      want: 0,
    },
  ])('$title', ({ parts, want }) => expect(excessOf(parts, '2:1/s')).toBe(want));

  it('excuses for as long as the bucket has not been full', () => {
    const drained = Array.from({ length: 8 }, (_, at) => spent(1, at + 1)).flat();
    expect(excessOf([...spent(2, 0), refunded(1, 0), ...drained, ...spent(1, 8)], '2:1/s')).toBe(0);
  });
});

interface Seen {
  readonly from: number;
  readonly to: number;
  /** Tokens; negative for a refund. */
  readonly cost: number;
}

/** The least that must be minted, trying every microsecond, and every order within one, of each operation. */
function leastMinted(
  seen: readonly Seen[],
  { capacity, perUs }: { capacity: number; perUs: number },
): number {
  const lastUs = Math.max(...seen.map(({ to }) => to));
  const known = new Map<string, number>();
  const from = (us: number, level: number, left: number): number => {
    if (left === 0) return 0;
    const overdue = seen.some(({ to }, at) => (left & (1 << at)) !== 0 && to < us);
    if (overdue || us > lastUs) return Number.POSITIVE_INFINITY;
    const key = `${us} ${level} ${left}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    let least = from(us + 1, Math.min(capacity, level + perUs), left);
    for (const [at, { from: fromUs, cost }] of seen.entries()) {
      if ((left & (1 << at)) === 0 || fromUs > us) continue;
      const after = level - cost;
      const next = from(us, Math.min(capacity, Math.max(0, after)), left & ~(1 << at));
      least = Math.min(least, Math.max(0, -after) + next);
    }
    known.set(key, least);
    return least;
  };
  return from(0, capacity, (1 << seen.length) - 1);
}

it('excuses at least what it can have paid for, in 500 small histories', () => {
  const anySeen = fc
    .record({ from: fc.nat(12), length: fc.nat(4), cost: fc.constantFrom(-3, -2, -1, 1, 1, 2, 2, 3) })
    .map(({ from, length, cost }) => ({ from, to: from + length, cost }));
  const counts = { convicted: 0, found: 0, refunds: 0 };
  fc.assert(
    fc.property(
      fc.array(anySeen, { minLength: 4, maxLength: 8 }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(0.5, 1),
      (seen, capacity, perUs) => {
        const least = leastMinted(seen, { capacity, perUs });
        const parts = seen.map(({ from, to, cost }) => ({ invokedUs: from, completedUs: to, cost }));
        const excess = excessOf(parts, `${capacity}:${perUs === 1 ? '1/us' : '1/2us'}`);
        expect(excess).toBeLessThanOrEqual(least);
        if (!seen.some(({ cost }) => cost < 0)) return;
        counts.refunds++;
        if (least > 0) counts.convicted++;
        if (excess > 0) counts.found++;
      },
    ),
    { numRuns: 500, seed: 81 },
  );
  expect(counts.refunds).toBeGreaterThan(250);
  expect(counts.found / counts.convicted).toBeGreaterThan(0.45);
});
