import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { boundOf } from '../../limiter/strategies/bounds.ts';
import { checkHistory } from '../check.ts';
import { parseClaim } from '../claims/claim.ts';

const S = 1_000_000;

const by = (node: string, atS: number, cost = 20): OperationPart => ({
  invokedUs: atS * S - 1_000,
  completedUs: atS * S,
  cost,
  decision: { strategy: 'active-active', source: 'redis', node },
});
const age = (node: string, ageUs: number, unheard = 0): HistoryRecord => ({
  type: 'event',
  event: 'age',
  node,
  atUs: 9 * S,
  args: { ageUs, unheard },
});
const emptied: HistoryRecord = {
  type: 'event',
  event: 'restart',
  node: 'a',
  atUs: 2 * S,
  args: { empty: true },
};

/** What was read of a's clock: 10 ms apart from 2 s on, with what it gained or lost between the second and the third. */
const clockOfA = (stepUs: number): HistoryRecord[] =>
  [0, 0, stepUs, stepUs].map((offsetUs, i) => ({
    type: 'clock',
    node: 'a',
    atUs: 2 * S + i * 10_000,
    serverUs: 1_000 * S + i * 10_000 + offsetUs,
    errorUs: 100,
  }));

/** The claims on regions a, b and c that each gave a whole bucket at once. */
function check(records: readonly HistoryRecord[]) {
  const history = historyOf([by('a', 1), by('b', 1), by('c', 1)], {
    records,
    header: { strategy: 'active-active', regions: ['a', 'b', 'c'] },
  });
  return checkHistory(history, {
    busiest: [],
    claims: [parseClaim('worst-window <= bound')],
    boundOf: (policy, episodes) => boundOf('active-active', policy, episodes),
  });
}

describe('regions that decide side by side', () => {
  it('are one shard without takeovers', () => {
    const { shards, events, lostDecisions } = check([age('a', 0), age('b', 2 * S), age('c', S)]);
    expect(shards).toHaveLength(1);
    expect(shards[0]).toMatchObject({
      shard: 'every region',
      failovers: [],
      sideBySide: { regions: 3, ageUs: 2 * S },
    });
    expect([events, lostDecisions]).toEqual([[], []]);
  });

  it.each([
    { title: 'holds, where they knew of each other', records: [age('a', 0), age('b', 0)], want: 'holds' },
    {
      title: 'is unknown, where one had not heard of all',
      records: [age('a', 0), age('b', 0, 1)],
      want: 'unknown',
    },
    { title: 'is unknown without an age', records: [], want: 'unknown' },
    { title: 'holds, where a clock is read', records: [age('a', 0), ...clockOfA(0)], want: 'holds' },
    {
      title: 'is unknown, where a clock stepped forward',
      records: [age('a', 0), ...clockOfA(30 * S)],
      want: 'unknown',
    },
    {
      title: 'is unknown, where a clock stepped back, since the ages are then too small',
      records: [age('a', 0), ...clockOfA(-30 * S)],
      want: 'unknown',
    },
  ])('whose bound $title', ({ records, want }) => {
    expect(check(records).claims[0]?.status).toBe(want);
  });

  it('count every restart that lost state', () =>
    expect(check([age('a', 0), emptied]).shards[0]?.emptyRestarts).toBe(1));
});
