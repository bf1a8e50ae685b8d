import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';

const MS = 1_000;

/** A decision by a server whose clock is ahead of the recorder's, seen in the middle of its operation. */
function decided(
  atMs: number,
  { aheadMs, lengthMs = 1 }: { aheadMs: number; lengthMs?: number },
): OperationPart {
  return {
    invokedUs: (atMs - lengthMs / 2) * MS,
    completedUs: (atMs + lengthMs / 2) * MS,
    decision: { strategy: 'central', node: 'n', source: 'redis', atUs: (atMs + aheadMs) * MS },
  };
}

function offsetsMs(parts: readonly OperationPart[]): number[] {
  const { decisionClock } = historyOf(parts, {});
  return decisionClock.map(({ serverUs, atUs }) => (serverUs - atUs) / MS).sort((a, b) => a - b);
}

describe('the readings of a clock from the decisions of a quarter second', () => {
  it.each([
    {
      title: 'is the sharpest of them',
      parts: [
        decided(20, { aheadMs: 5, lengthMs: 4 }),
        decided(40, { aheadMs: 5 }),
        decided(60, { aheadMs: 5, lengthMs: 9 }),
      ],
      want: [5],
    },
    {
      title: 'includes one that contradicts it: the clock stepped back',
      parts: [decided(20, { aheadMs: 5 }), decided(40, { aheadMs: -90, lengthMs: 8 })],
      want: [-90, 5],
    },
    {
      title: 'is both, of a clock that stepped back and ahead',
      parts: [
        decided(20, { aheadMs: 5 }),
        decided(40, { aheadMs: -90, lengthMs: 8 }),
        decided(60, { aheadMs: 70, lengthMs: 8 }),
      ],
      want: [-90, 5, 70],
    },
    {
      title: 'is no step where the blurred one may be true beside the sharp one',
      parts: [decided(20, { aheadMs: 5 }), decided(40, { aheadMs: 2, lengthMs: 8 })],
      want: [5],
    },
  ])('$title', ({ parts, want }) => {
    expect(offsetsMs(parts)).toEqual(want);
    expect(offsetsMs(parts.toReversed())).toEqual(want);
  });
});
