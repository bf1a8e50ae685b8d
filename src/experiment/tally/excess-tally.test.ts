import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart, operationOf } from '../../../test/support/history.ts';
import { judgeHistory } from '../../checker/judge-history.ts';
import { parsePolicy } from '../../core/policy.ts';
import { makeRandom } from '../../core/prng.ts';
import { ExcessTally } from './excess-tally.ts';

const POLICY = '5:10/s';

function live(parts: readonly OperationPart[]) {
  const tally = new ExcessTally(parsePolicy(POLICY));
  const inOrder = parts.toSorted((a, b) => (a.completedUs ?? 0) - (b.completedUs ?? 0));
  for (const [index, part] of inOrder.entries()) tally.add(operationOf(index, part));
  return tally.worst;
}

/** What the checker finds, granted the same drift. */
function exact(parts: readonly OperationPart[]): number {
  const history = historyOf(parts, { policy: POLICY, header: { clocks: 'apart' } });
  return judgeHistory(history).overAdmission.worst?.worstWindow ?? 0;
}

const burst = (count: number): OperationPart[] =>
  Array.from({ length: count }, (_, at) => ({ invokedUs: 1_000 * at, completedUs: 1_000 * at + 500 }));

describe('the excess so far', () => {
  it('is the excess of a burst', () => {
    expect(live(burst(5))).toEqual({ tokens: 0 });
    const worst = live(burst(9)); // 4 too many in 8.5 ms, which refill 0.085 tokens
    expect(worst.bucket).toBe('b');
    expect(worst.tokens).toBeCloseTo(3.864, 2);
  });

  it('starts again after a pause', () => {
    const later = burst(9).map(({ invokedUs = 0, completedUs }) => ({
      invokedUs: invokedUs + 60_000_000,
      completedUs: (completedUs ?? 0) + 60_000_000,
    }));
    expect(live([...burst(2), ...later]).tokens).toBeCloseTo(3.864, 2);
  });

  it('counts no operation that may have been charged elsewhere', () => {
    expect(live(burst(9).map((part) => ({ ...part, decisionId: 'same' })))).toEqual({ tokens: 0 });
    expect(live(burst(9).map((part) => ({ ...part, outcome: 'denied' as const })))).toEqual({ tokens: 0 });
  });

  it('is never more than the check finds, and mostly something where that finds something', () => {
    const random = makeRandom(1, 'excess');
    let found = 0;
    let seen = 0;
    for (let round = 0; round < 40; round++) {
      const parts = Array.from({ length: 30 }, () => {
        const invokedUs = Math.floor(random() * 3_000_000);
        return {
          bucket: random() < 0.5 ? 'a' : 'b',
          cost: 1 + Math.floor(random() * 3),
          invokedUs,
          completedUs: invokedUs + Math.floor(random() * 200_000),
          outcome: random() < 0.8 ? ('allowed' as const) : ('denied' as const),
        };
      });
      const [atLeast, most] = [live(parts).tokens, exact(parts)];
      expect(atLeast, `round ${round}`).toBeLessThanOrEqual(most);
      if (most > 1) found++;
      if (most > 1 && atLeast > 0) seen++;
    }
    expect(found).toBeGreaterThan(15);
    expect(seen / found).toBeGreaterThan(0.8);
  });
});
