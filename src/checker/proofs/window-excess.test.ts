import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { formatPolicy, makePolicy } from '../../core/policy.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { findOverAdmission } from './over-admission.ts';
import type { Refund } from './refund.ts';
import { findWorstShare, worstWindowQuanta } from './window-excess.ts';

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

describe('refunds in a window', () => {
  const still = { epsilonUs: 0, rhoPpm: 0 };
  const S = 1_000_000;
  const spent = (count: number, atS: number) => Array.from({ length: count }, () => ({ invokedUs: atS * S }));
  const back = (atS: number, tokens: number): Refund => ({
    ...{ fromUs: atS * S, lastUs: atS * S },
    quanta: tokens * makePolicy(2, '1/s').quantaPerToken,
  });

  it.each([
    {
      title: 'hide no other window, which is smaller without them',
      parts: [...spent(4, 5), ...spent(3, 90)],
      refunds: [back(5, 2)],
      want: { tokens: 1, share: 0.5, startUs: 90 * S },
    },
    {
      title: 'hide no part of the window that has none',
      parts: [...spent(3, 5), ...spent(2, 5.5)],
      refunds: [back(5.5, 2)],
      want: { tokens: 1, share: 0.5, startUs: 5 * S },
    },
    {
      title: 'excuse only what was admitted in the window that they are in',
      parts: [...spent(2, 1), ...[2, 3, 4, 5].flatMap((atS) => spent(1, atS)), ...spent(2, 5)],
      refunds: [back(1.5, 2)],
      want: { tokens: 1, share: 0.5, startUs: 5 * S },
    },
    {
      title: 'excuse the window',
      parts: spent(4, 5),
      refunds: [back(5, 2)],
      want: { tokens: 0, share: 0 },
    },
  ])('$title', ({ parts, refunds, want: { tokens, share, startUs } }) => {
    const policy = makePolicy(2, '1/s');
    const rows = new BucketRows(historyOf(parts, { policy: '2:1/s' }).operations);
    rows.load(0);
    const machine = new EdfTimeline(policy, still);
    expect(worstWindowQuanta(rows, machine, { bucket: 0, refunds })).toBe(tokens * policy.quantaPerToken);
    const worst = findWorstShare(rows, { policy, clock: still, refunds }, 0);
    expect({ share: worst?.share ?? 0, startUs: worst?.startUs }).toEqual({ share, startUs });
    expect(findOverAdmission(rows, policy, still, refunds).totalExcessQuanta).toBe(
      tokens * policy.quantaPerToken,
    );
  });

  const anyRefunds = fc
    .array(
      fc.record({ fromUs: fc.nat(60), length: fc.constantFrom(0, 0, 5, 30, Infinity), tokens: fc.nat(6) }),
      {
        maxLength: 8,
      },
    )
    .map((all) => all.toSorted((a, b) => a.fromUs - b.fromUs));

  it('are subtracted in every window, and the largest excess and share that are left are found', () => {
    let found = 0;
    fc.assert(
      fc.property(anyPolicy, anyAdmissions, anyRefunds, (policy, drawn, drawnRefunds) => {
        const parts = drawn.map(({ atUs, length, cost }) => ({
          ...{ invokedUs: atUs, completedUs: atUs + length, cost },
        }));
        const refunds = drawnRefunds.map(({ fromUs, length, tokens }) => ({
          ...{ fromUs, lastUs: fromUs + length },
          quanta: Math.min(tokens * policy.quantaPerToken, policy.capacityQuanta),
        }));
        const rows = new BucketRows(historyOf(parts, { policy: formatPolicy(policy) }).operations);
        rows.load(0);
        const machine = new EdfTimeline(policy, still);
        const most = { quanta: 0, share: 0 };
        for (const { invokedUs: start } of parts)
          for (const { completedUs: end } of parts) {
            if (end < start) continue;
            const inside = parts.filter((part) => part.invokedUs >= start && part.completedUs <= end);
            const admitted = inside.reduce((sum, { cost }) => sum + cost * policy.quantaPerToken, 0);
            const within = refunds.filter(({ fromUs, lastUs }) => fromUs <= end && lastUs >= start);
            const back = within.reduce((sum, { quanta }) => sum + quanta, 0);
            const quanta = admitted - machine.allowance(end - start) - back;
            most.quanta = Math.max(most.quanta, quanta);
            most.share = Math.max(most.share, quanta / machine.allowance(end - start));
          }
        expect(worstWindowQuanta(rows, machine, { bucket: 0, refunds })).toBe(most.quanta);
        const share = findWorstShare(rows, { policy, clock: still, refunds }, 0)?.share ?? 0;
        expect(share).toBeLessThanOrEqual(most.share);
        expect(share).toBeGreaterThanOrEqual(most.share * (1 - 1e-12));
        const total = findOverAdmission(rows, policy, still, refunds).totalExcessQuanta;
        expect(total).toBeGreaterThanOrEqual(most.quanta);
        if (most.quanta > 0 && refunds.length > 0) found++;
      }),
      { numRuns: 3_000, seed: 4 },
    );
    expect(found).toBeGreaterThan(500);
  });
});
