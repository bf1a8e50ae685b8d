import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const times = (count: number, part: OperationPart) => Array.from({ length: count }, () => part);
const denied = (atS: number): OperationPart => ({ invokedUs: atS * S, outcome: 'denied' });

function headroomOf(parts: readonly OperationPart[], policy = '20:5/s', promise = 'token-bucket') {
  const options = { ...RULES, promise: parsePromise(promise) };
  return checkHistory(historyOf(parts, { policy }), options).headroom;
}

describe('the headroom of a bucket', () => {
  it.each([
    { title: 'is 0 of one that was emptied at one moment', parts: times(20, { invokedUs: S }), want: 0 },
    {
      title: 'is what refill gives in an interval that is wide',
      parts: times(20, { invokedUs: S, completedUs: 2 * S }),
      want: 5,
    },
    { title: 'is 0 of one that admitted too much', parts: times(21, { invokedUs: S }), want: 0 },
    {
      title: 'is that of the tightest window, not of the last',
      parts: [
        ...times(20, { invokedUs: S }),
        denied(1),
        ...times(2, { invokedUs: 3 * S, completedUs: 3.5 * S }),
      ],
      want: 0,
    },
    {
      title: 'counts what refunds can have given back',
      parts: [...times(20, { invokedUs: S, completedUs: 1.2 * S }), { invokedUs: S, cost: -3 }],
      want: 4,
    },
  ])('$title', ({ parts, want }) => {
    const at = Math.max(
      ...parts.map(({ invokedUs, completedUs }: OperationPart) => completedUs ?? invokedUs ?? 0),
    );
    expect(headroomOf([...parts, denied(at / S)])?.median).toEqual({
      bucket: 'b',
      tokens: want,
      ofTokens: 20,
    });
  });

  it('is exactly the least room of any window, in 800 small histories', () => {
    const anyPart = fc.record({
      invokedUs: fc.nat(20),
      length: fc.nat(4),
      cost: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(anyPart, { minLength: 1, maxLength: 12 }), (drawn) => {
        const parts = drawn.map(({ invokedUs, length, cost }) => ({
          invokedUs,
          completedUs: invokedUs + length,
          cost,
        }));
        const windows = parts.flatMap(({ invokedUs: startUs }) =>
          parts.map(({ completedUs: endUs }) => {
            const inside = parts.filter((part) => part.invokedUs >= startUs && part.completedUs <= endUs);
            const admitted = inside.reduce((sum, { cost }) => sum + cost, 0);
            return inside.length === 0 ? 4 : 4 + (endUs - startUs) / 2 - admitted;
          }),
        );
        const denials = parts.map((part) => ({ ...part, cost: 4, outcome: 'denied' as const }));
        const found = headroomOf([...parts, ...denials], '4:1/2us');
        expect(found?.median.tokens).toBe(Math.max(0, Math.min(4, ...windows)));
      }),
      { numRuns: 800, seed: 71 },
    );
  });

  it.each([
    { promise: 'sliding-window:10/2s', want: 3 },
    { promise: 'fixed-window:10/2s:epoch', want: 3 },
    { promise: 'fixed-window:10/2s:first', want: 3 },
    { promise: 'sliding-counter:10/2s', want: 4 }, // one shorter than 1/16 of a window admits 11
    { promise: 'fixed-window:10/2s', want: 5.5 }, // a span of almost four windows meets five of them: (50 - 28) / 4
  ])('of $promise is what its tightest span leaves', ({ promise, want }) => {
    const parts = [2, 4, 6, 8, 10].flatMap((atS) => [
      ...times(7, { invokedUs: atS * S }),
      { ...denied(atS), cost: 4 },
    ]);
    expect(headroomOf(parts, '10:5/s', promise)?.median.tokens).toBe(want);
  });

  it('of any windows is that in three of them, if the history is as long as three', () => {
    const parts = [1, 3.05, 5.1].flatMap((atS) => [...times(10, { invokedUs: atS * S }), denied(atS)]);
    expect(headroomOf(parts, '10:5/s', 'fixed-window:10/2s')?.median.tokens).toBe(10 / 2);
    const more = [...parts, ...times(10, { invokedUs: 7.15 * S }), denied(7.15)];
    expect(headroomOf(more, '10:5/s', 'fixed-window:10/2s')?.median.tokens).toBeCloseTo(10 / 3, 9);
  });

  it('is large where it is not certain which request began a window, and says so', () => {
    const parts = [...times(7, { invokedUs: S }), { ...denied(1), cost: 4 }];
    expect(headroomOf(parts, '10:5/s', 'fixed-window:10/2s:first')?.cause).toMatch(
      /^it is seldom certain which request began a window/,
    );
  });

  it.each([
    {
      title: 'a time in another unit',
      parts: { invokedUs: 0, completedUs: 90 * S },
      says: /columns are swapped/,
    },
    {
      title: 'whole seconds',
      parts: { invokedUs: S, completedUs: 3 * S },
      says: /every start is a multiple of 1 s/,
    },
    {
      title: 'a wide slack',
      parts: { invokedUs: 1_234_567, completedUs: 4_234_567 },
      says: /every interval is at least 3 s wide/,
    },
  ])('says what the times show: $title', ({ title, parts, says }) => {
    const many = Array.from({ length: 40 }, (_, at) => {
      const sinceUs = Math.floor(title === 'whole seconds' ? Math.floor(at / 3) * S : at * (S / 3 + 7));
      return {
        invokedUs: parts.invokedUs + sinceUs,
        completedUs: parts.completedUs + sinceUs,
        outcome: at % 4 === 3 ? ('denied' as const) : ('allowed' as const),
      };
    });
    expect(headroomOf(many, '2:9/4s')?.cause).toMatch(says);
  });
});
