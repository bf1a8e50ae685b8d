import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';

const decided = (invokedUs: number, widthUs: number, more: OperationPart = {}): OperationPart => ({
  invokedUs,
  completedUs: invokedUs + widthUs,
  decision: { strategy: 'central', source: 'redis', node: 'n', atUs: 1_000 + invokedUs },
  ...more,
});

describe('what decisions say of their server clock', () => {
  it('is the sharpest of each quarter of a second', () => {
    const parts = [decided(0, 50), decided(10, 20), decided(240_000, 40), decided(250_000, 90)];
    expect(historyOf(parts).decisionClock).toEqual([
      { type: 'clock', node: 'n', atUs: 20, serverUs: 1_010, errorUs: 11 },
      { type: 'clock', node: 'n', atUs: 250_045, serverUs: 251_000, errorUs: 46 },
    ]);
  });

  it('is nothing where an answer may repeat an earlier one', () =>
    expect(historyOf([decided(0, 50, { decisionId: 'd' })]).decisionClock).toEqual([]));

  it('is bounded however long the run, and stays the sharpest', () => {
    const parts = Array.from({ length: 200_000 }, (_, at) => decided(at * 250_000, at % 4 === 1 ? 10 : 90));
    const { decisionClock } = historyOf(parts);
    expect(decisionClock).toHaveLength(12_500);
    expect(decisionClock.every(({ errorUs }) => errorUs === 6)).toBe(true);
  });
});
