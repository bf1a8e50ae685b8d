import { describe, expect, it } from 'vitest';
import type { LevelOperation } from '../proofs/level-band.ts';
import { type CountedSpan, windowCounts } from './window-counts.ts';

function operation(invokedUs: number, lastUs: number, changes: Partial<LevelOperation> = {}): LevelOperation {
  return { invokedUs, lastUs, costTokens: 1, outcome: 'allowed', ...changes };
}

/** The steps as `time: tokens`, up to 100 us. */
function steps(operations: readonly LevelOperation[], span: CountedSpan): string[] {
  const { timesUs, tokens } = windowCounts(operations, span, 100);
  return timesUs.map((us, at) => `${us}: ${tokens[at]}`);
}

describe('the count of a span of 10 us', () => {
  const span = { lengthUs: 10 };

  it.each([
    {
      title: 'has an operation from its end',
      of: [operation(1, 4)],
      want: ['1: 0', '4: 1', '11: 0', '100: 0'],
    },
    {
      title: 'has two at once, each with its cost',
      of: [operation(1, 4), operation(2, 4, { costTokens: 3 })],
      want: ['1: 0', '2: 0', '4: 4', '11: 3', '12: 0', '100: 0'],
    },
    { title: 'never has one that is longer', of: [operation(1, 11)], want: ['1: 0', '100: 0'] },
    {
      title: 'has one that fits just so',
      of: [operation(1, 10)],
      want: ['1: 0', '10: 1', '11: 0', '100: 0'],
    },
    {
      title: 'has none without an end, and no denial',
      of: [
        operation(1, Number.POSITIVE_INFINITY, { outcome: 'info' }),
        operation(2, 3, { outcome: 'denied' }),
      ],
      want: ['1: 0', '2: 0', '100: 0'],
    },
    { title: 'ends with the run', of: [operation(95, 96)], want: ['95: 0', '96: 1', '100: 1'] },
  ])('$title', ({ of, want }) => {
    expect(steps(of, span)).toEqual(want);
  });
});

describe('the count of a window of the epoch of 10 us', () => {
  it.each([
    {
      title: 'begins again with each window',
      aligned: { offsetUs: 0, wanderUs: 0 },
      of: [operation(8, 9), operation(10, 10)],
      want: ['8: 0', '9: 1', '10: 1', '20: 0', '100: 0'],
    },
    {
      title: 'is of the windows of the limiter',
      aligned: { offsetUs: 3, wanderUs: 0 },
      of: [operation(8, 9), operation(10, 10)],
      want: ['8: 0', '9: 1', '10: 2', '17: 0', '100: 0'],
    },
    {
      title: 'lacks what may be in another window',
      aligned: { offsetUs: 0, wanderUs: 2 },
      of: [operation(11, 12), operation(12, 13), operation(17, 18)],
      want: ['11: 0', '12: 0', '13: 1', '17: 1', '18: 0', '100: 0'],
    },
  ])('$title', ({ aligned, of, want }) => {
    expect(steps(of, { windowUs: 10, ...aligned })).toEqual(want);
  });
});
