import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { clockOfMoved, indexBucketMoves } from './bucket-moves.ts';

const S = 1_000_000;

const moved = (fromS: number, untilS: number | null, args: object = {}): HistoryRecord => ({
  ...{ type: 'event', event: 'move', atUs: fromS * S },
  args: { bucket: 'b', untilUs: untilS === null ? null : untilS * S, ...args },
});

function movesOf(records: readonly HistoryRecord[], part: OperationPart = {}) {
  const history = historyOf([{ invokedUs: 0, ...part }], { records });
  return indexBucketMoves(history)(0).map(({ fromUs, untilUs, attempts }) => [
    fromUs / S,
    untilUs / S,
    attempts,
  ]);
}

describe('the moves of a bucket', () => {
  it.each([
    {
      title: 'are those of its name',
      records: [moved(5, 6), moved(1, 2), moved(3, 4, { bucket: 'c' })],
      want: [
        [1, 2, 1],
        [5, 6, 1],
      ],
    },
    { title: 'are one if they overlap', records: [moved(1, 3), moved(2, 6)], want: [[1, 6, 2]] },
    { title: 'go on without an end', records: [moved(1, null)], want: [[1, Number.POSITIVE_INFINITY, 1]] },
    {
      title: 'end with the next that ends',
      records: [moved(1, null), moved(3, null), moved(5, 6), moved(8, 9)],
      want: [
        [1, 6, 3],
        [8, 9, 1],
      ],
    },
    {
      title: 'are one if they have one number',
      records: [moved(1, 2, { move: 7 }), moved(5, 6, { move: 7 }), moved(8, 9, { move: 8 })],
      want: [
        [1, 6, 2],
        [8, 9, 1],
      ],
    },
  ])('$title', ({ records, want }) => {
    expect(movesOf(records)).toEqual(want);
  });
});

describe('the clock of a moved bucket', () => {
  it('lags by the length of each move, and once more by what clocks may lag', () => {
    const clock = { epsilonUs: 10, rhoPpm: 0, slowPpm: 0, backwardUs: 100, spreadUs: 1_000, steps: [] };
    const moves = [
      { fromUs: 0, untilUs: 7, attempts: 1 },
      { fromUs: 20, untilUs: 25, attempts: 2 },
    ];
    expect(clockOfMoved(clock, [])).toBe(clock);
    expect(clockOfMoved(clock, moves)).toEqual({
      ...clock,
      ...{ epsilonUs: 40, backwardUs: 100 + 12 + 3 * 1_100, lagReturns: true },
    });
  });
});

/** Of a bucket of 4 tokens and 1/s. */
const decided = (atS: number, level: number, node: string, part: OperationPart = {}): OperationPart => ({
  ...{ invokedUs: atS * S, completedUs: atS * S },
  decision: {
    strategy: 'central',
    source: 'redis',
    node,
    atUs: atS * S,
    bucketUs: atS * S,
    levelQuanta: level * S,
  },
  ...part,
});
const denied = { outcome: 'denied' as const };

function judge(parts: readonly OperationPart[], records: readonly HistoryRecord[]) {
  const report = checkHistory(historyOf(parts, { policy: '4:1/s', records }), {
    busiest: [],
    contestedAtLeast: 0,
  });
  return { replay: report.replay.total, falseDenials: report.falseDenials.total };
}

describe('a bucket that moved', () => {
  it.each([
    {
      title: 'may lose the refill of the way',
      parts: [decided(1, 0, 'a', { cost: 4 }), decided(3, 0.5, 'b', denied), decided(3.4, 0.9, 'b', denied)],
      want: { replay: 0, falseDenials: 0 },
    },
    {
      title: 'may not lose more',
      parts: [decided(1, 0, 'a', { cost: 4 }), decided(5.6, 0.8, 'b', denied)],
      want: { replay: 0, falseDenials: 1 },
    },
    {
      title: 'is replayed again after it',
      parts: [decided(1, 0, 'a', { cost: 4 }), decided(5, 1, 'b'), decided(6, 1, 'b'), decided(7, 0.5, 'b')],
      want: { replay: 1, falseDenials: 0 },
    },
    {
      title: 'begins with no full bucket at its new node',
      parts: [decided(3, 2, 'b', { cost: 1 })],
      want: { replay: 0, falseDenials: 0 },
    },
  ])('$title', ({ parts, want }) => {
    expect(judge(parts, [moved(1.2, 2.7)])).toEqual(want);
  });

  it('is not judged by its denials while it may still move', () => {
    const parts = [decided(1, 0, 'a', { cost: 4 }), decided(9, 0.5, 'b', denied)];
    expect(judge(parts, [moved(1.2, null)])).toEqual({ replay: 0, falseDenials: 0 });
    expect(judge(parts, [])).toEqual({ replay: 0, falseDenials: 1 });
  });
});
