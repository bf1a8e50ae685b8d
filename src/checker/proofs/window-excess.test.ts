import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { formatPolicy, makePolicy } from '../../core/policy.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { findWorstShare } from './window-excess.ts';

const anyPolicy = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }))
    .map(([capacity, tokens, perUs]) => makePolicy(capacity, { tokens, perUs })),
  fc.constantFrom(
    makePolicy(1, { tokens: 20, perUs: 1 }),
    makePolicy(3, '1/d'),
    makePolicy(40_000, '1/d'),
    makePolicy(5, '7/15min'),
  ),
);
const anySlack = fc.oneof(
  fc.constant({ epsilonUs: 0, rhoPpm: 0 }),
  fc.record({ epsilonUs: fc.nat(20), rhoPpm: fc.integer({ min: -200_000, max: 200_000 }) }),
);
const anyAdmissions = fc.array(
  fc.record({ atUs: fc.nat(60), length: fc.nat(10), cost: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 14 },
);

describe('the worst share of a window', () => {
  it('is the largest share over all windows, also with clocks that gain', () => {
    let found = 0;
    fc.assert(
      fc.property(anyPolicy, anySlack, anyAdmissions, (policy, clock, drawn) => {
        const parts = drawn.map(({ atUs, length, cost }) => ({
          ...{ invokedUs: atUs, completedUs: atUs + length, cost },
        }));
        const rows = new BucketRows(historyOf(parts, { policy: formatPolicy(policy) }).operations);
        rows.load(0);
        const machine = new EdfTimeline(policy, clock);
        let largest = 0;
        for (const { atUs: start } of drawn)
          for (const last of drawn) {
            const end = last.atUs + last.length;
            if (end < start) continue;
            const inside = drawn.filter(({ atUs, length }) => atUs >= start && atUs + length <= end);
            const quanta = inside.reduce((sum, { cost }) => sum + cost * policy.quantaPerToken, 0);
            const allowance = machine.allowance(end - start);
            largest = Math.max(largest, (quanta - allowance) / allowance);
          }
        const share = findWorstShare(rows, { policy, clock, refunds: [] }, 0)?.share ?? 0;
        if (clock.rhoPpm === 0) expect(share).toBe(largest);
        else {
          // with drift, allowances are rounded up, and the search is not
          expect(share).toBeLessThanOrEqual(largest);
          expect(share).toBeGreaterThanOrEqual(largest - 4 / machine.burst - 4 * (largest / machine.burst));
        }
        if (share > 0) found++;
      }),
      { numRuns: 3_000, seed: 3 },
    );
    expect(found).toBeGreaterThan(1_500);
  });
});
