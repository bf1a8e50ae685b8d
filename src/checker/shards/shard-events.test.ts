import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePolicy } from '../../core/policy.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { boundOf } from '../../limiter/strategies/bounds.ts';
import { checkHistory } from '../check.ts';
import { boundClock, boundOffsets } from '../clocks/bounds.ts';
import { findEpisodes } from './shard-events.ts';

const S = 1_000_000;
const RULES = { busiest: [] };

/** A decision of `node` on a bucket, from 0.1 s before to `atS`. */
const by = (node: string, atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: Math.round((atS - 0.1) * S),
  completedUs: atS * S,
  decision: { strategy: 'central', source: 'redis', node },
  ...part,
});
const role = (node: string, atS: number, to = 'primary', slots = '0-5460', from?: string): HistoryRecord => ({
  type: 'event',
  event: 'role',
  node,
  atUs: atS * S,
  args: { from: from ?? (to === 'primary' ? 'replica' : 'primary'), to, slots },
});
/** As it was, after a pause. */
const resumed = (node: string, atS: number) => role(node, atS, 'primary', '0-5460', 'down');
const restart = (node: string, atS: number, empty: boolean): HistoryRecord => ({
  type: 'event',
  event: 'restart',
  node,
  atUs: atS * S,
  args: { empty },
});
const serviceClock = (region: string, offsetMs: number): HistoryRecord => ({
  type: 'fault',
  fault: 'gateway-clock',
  phase: 'inject',
  atUs: S,
  args: { region, offsetMs },
});

function episodes(parts: readonly OperationPart[], records: readonly HistoryRecord[] = []) {
  const history = historyOf(parts, { records });
  const clock = { ...boundClock(history.clock), offsets: () => boundOffsets(history.clock) };
  return findEpisodes({ ...history, regions: history.header.regions }, clock).all;
}

describe('the episodes of a shard', () => {
  it.each([
    { title: 'one primary: none', parts: [by('a', 1), by('a', 9)], records: [], want: [] },
    {
      title: 'a takeover that a role event tells',
      parts: [by('a', 1), by('b', 9)],
      records: [role('b', 7)],
      want: [{ atUs: 7 * S, node: 'b', overlapUs: 0 }],
    },
    {
      title: 'a takeover that only the decisions tell',
      parts: [by('a', 1), by('b', 9)],
      records: [],
      want: [{ atUs: 8.9 * S, node: 'b', overlapUs: 0 }],
    },
    {
      title: 'a takeover by a node whose first decision was asked for before those of its predecessor',
      parts: [by('b', 8, { invokedUs: 0.5 * S }), by('a', 1)],
      records: [role('b', 7)],
      want: [{ atUs: 7 * S, node: 'b', overlapUs: 0.5 * S }],
    },
    {
      title: 'the time in which both decided, from the first request of the new to the last reply of the old',
      parts: [by('a', 1), by('b', 7), by('a', 8)],
      records: [role('b', 7.2)],
      want: [{ atUs: 7.2 * S, node: 'b', overlapUs: 1.1 * S }],
    },
    {
      title: 'that time over all buckets of the shard',
      parts: [by('a', 1), by('b', 7), by('a', 2, { bucket: 'c' }), by('a', 8, { bucket: 'c' })],
      records: [],
      want: [{ atUs: 6.9 * S, node: 'b', overlapUs: 1.1 * S }],
    },
    {
      title: 'there and back',
      parts: [by('a', 1), by('b', 7), by('a', 7.1), by('b', 19), by('a', 21)],
      records: [role('b', 7), role('a', 20)],
      want: [
        { atUs: 7 * S, node: 'b', overlapUs: 0.2 * S },
        { atUs: 20 * S, node: 'a', overlapUs: 0 },
      ],
    },
    {
      title: 'not the return of one that was silent and still calls itself a primary',
      parts: [by('a', 1), by('b', 9), by('a', 13), by('b', 15)],
      records: [role('a', 6, 'down'), role('b', 8), resumed('a', 13), role('a', 13.2, 'replica')],
      want: [{ atUs: 8 * S, node: 'b', overlapUs: 4.1 * S }],
    },
    {
      title: 'its return where its successor is gone',
      parts: [by('a', 1), by('b', 9), by('a', 13), by('b', 15)],
      records: [role('a', 6, 'down'), role('b', 8), role('b', 12, 'down'), resumed('a', 12.5)],
      want: [
        { atUs: 8 * S, node: 'b', overlapUs: 0 },
        { atUs: 12.5 * S, node: 'a', overlapUs: 2.1 * S },
      ],
    },
    {
      title: 'its return where its successor decides no more',
      parts: [by('a', 1), by('b', 9), by('a', 13)],
      records: [role('a', 6, 'down'), role('b', 8), resumed('a', 12.5)],
      want: [
        { atUs: 8 * S, node: 'b', overlapUs: 0 },
        { atUs: 12.5 * S, node: 'a', overlapUs: 0 },
      ],
    },
    {
      title: 'a promotion during which the node was silent for a moment',
      parts: [by('a', 1), by('b', 9), by('a', 21), by('b', 22)],
      records: [role('b', 8), role('a', 12, 'replica'), role('a', 20, 'down'), resumed('a', 20.5)],
      want: [
        { atUs: 8 * S, node: 'b', overlapUs: 0 },
        { atUs: 20.5 * S, node: 'a', overlapUs: 1.1 * S },
      ],
    },
    {
      title: 'what a former primary decides until its demotion, before it is promoted again',
      parts: [by('a', 1), by('b', 9), by('a', 27), by('b', 30), by('a', 41)],
      records: [role('b', 8), role('a', 28, 'replica'), role('a', 40)],
      want: [
        { atUs: 8 * S, node: 'b', overlapUs: 18.1 * S },
        { atUs: 40 * S, node: 'a', overlapUs: 0 },
      ],
    },
    {
      title: 'there and back, where the primary in between decided nothing',
      parts: [by('a', 1), by('a', 21)],
      records: [role('b', 7), role('a', 7.5, 'replica'), role('a', 20), role('b', 20.5, 'replica')],
      want: [{ atUs: 20 * S, node: 'a', overlapUs: 0 }],
    },
    {
      title: 'a return after which only a decision ended that had been asked for before',
      parts: [by('a', 1), by('a', 21, { invokedUs: 5 * S })],
      records: [role('a', 7.5, 'replica'), role('a', 20)],
      want: [{ atUs: 20 * S, node: 'a', overlapUs: 0 }],
    },
    {
      title: 'not a return without decisions before it, nor one without decisions after it',
      parts: [by('a', 21), by('a', 25)],
      records: [role('a', 7.5, 'replica'), role('a', 20), role('a', 30, 'replica'), role('a', 40)],
      want: [],
    },
    {
      title: 'not the return of one that was only silent',
      parts: [by('a', 1), by('a', 21)],
      records: [role('a', 7.5, 'down'), resumed('a', 20)],
      want: [],
    },
    {
      title: 'not one that was a replica before the first decision, and silent then',
      parts: [by('a', 1), by('a', 21)],
      records: [role('a', 0.5), role('a', 7.5, 'down'), resumed('a', 20)],
      want: [],
    },
    {
      title: 'not a takeover by one that decided nothing',
      parts: [by('a', 1), by('a', 9)],
      records: [role('b', 7)],
      want: [],
    },
    {
      title: 'not a role that was had before, nor one that is given up',
      parts: [by('a', 1), by('a', 9)],
      records: [role('a', 0.5), role('a', 9.5, 'replica')],
      want: [],
    },
  ])('$title', ({ parts, records, want }) => {
    expect(episodes(parts, records)).toMatchObject([{ shard: 'a', failovers: want.map(rounded) }]);
  });

  it('are those of its own nodes', () => {
    const parts = [by('a', 1), by('b', 9), by('x', 1, { bucket: 'c' })];
    expect(episodes(parts, [role('b', 7), restart('x', 0.95, true)])).toMatchObject([
      { shard: 'a', failovers: [{ node: 'b' }], emptyRestarts: 0 },
      { shard: 'x', failovers: [], emptyRestarts: 1 },
    ]);
  });

  it('join nodes that held the same slots, also where no bucket was decided by both', () => {
    const parts = [by('a', 1), by('b', 9, { bucket: 'c' })];
    expect(episodes(parts)).toHaveLength(2);
    expect(episodes(parts, [role('a', 0), role('b', 7)])).toMatchObject([
      { shard: 'a', failovers: [{ node: 'b' }] },
    ]);
  });

  it.each([
    { title: 'count a restart without memory', records: [restart('a', 5, true)], want: 1 },
    { title: 'not one that kept it', records: [restart('a', 5, false)], want: 0 },
    {
      title: 'one that may have been seen late, after it decided',
      records: [restart('a', 9.9, true)],
      want: 1,
    },
    { title: 'not one without requests after it', records: [restart('a', 50, true)], want: 0 },
    { title: 'not one of a node that had decided nothing', records: [restart('b', 5, true)], want: 0 },
  ])('$title', ({ records, want }) => {
    expect(episodes([by('a', 1), by('a', 9)], records)[0]?.emptyRestarts).toBe(want);
  });

  /** Behind Sentinels: a was down, b took over, and a comes back as an empty primary until it is demoted. */
  const returned = [
    ...[role('a', 10.5, 'down'), role('b', 12), resumed('a', 15), restart('a', 15, true)],
    role('a', 25, 'replica'),
  ];
  it.each([
    { title: 'that only came back', parts: [], records: [], want: 0 },
    { title: 'that a client still went to', parts: [by('a', 16)], records: [], want: 1 },
    { title: 'that was seen after it had decided', parts: [by('a', 14.9)], records: [], want: 1 },
    { title: 'that decided before the takeover', parts: [by('a', 11.9)], records: [], want: 0 },
    { title: 'that took over once it had copied', parts: [by('a', 31)], records: [role('a', 30)], want: 0 },
    { title: 'that others may have copied', parts: [by('c', 22)], records: [role('c', 20)], want: 1 },
    { title: 'whose copies came later', parts: [by('c', 31)], records: [role('c', 30)], want: 0 },
  ])('count, of a replaced primary that restarts empty, one $title: $want', ({ parts, records, want }) => {
    const all = episodes(
      [by('a', 1), by('a', 9), by('b', 13), by('b', 29), ...parts],
      [...returned, ...records],
    );
    expect(all).toMatchObject([{ emptyRestarts: want }]);
  });

  it.each([
    { title: 'less than a second', atS: 12.9, want: 1 },
    { title: 'more than a second', atS: 13.1, want: 0 },
  ])('count one that was copied before the takeover, and seen $title after it: $want', ({ atS, want }) => {
    const records = [role('a', 10.5, 'down'), role('b', 12), restart('a', atS, true)];
    const parts = [by('a', 1), by('a', 9), by('b', 14)];
    expect(episodes(parts, [...records, role('a', 13.2, 'replica')])).toMatchObject([
      { emptyRestarts: want },
    ]);
  });

  it.each([
    { title: 'is in no bound', decidesIn: 'b', want: { central: 20, acked: 0 } },
    { title: 'adds b', decidesIn: 'a', want: { central: 55.5, acked: 20 } }, // 20 + 5/s * 3.1 s of overlap + 20
  ])('the restart of a replaced primary $title where $decidesIn decides then', ({ decidesIn, want }) => {
    const parts = [by('a', 1), by('a', 9), by('b', 13), by(decidesIn, 16), by('b', 29)];
    const [found] = episodes(parts, returned);
    const totalOf = (strategy: string) =>
      found && boundOf(strategy, parsePolicy('20:5/s'), found)?.totalExcess;
    expect({ central: totalOf('central'), acked: totalOf('acked') }).toEqual(want);
  });

  it('add b for a primary that came back, and no lead of a clock on itself', () => {
    const reading = (atS: number): HistoryRecord => ({
      ...{ type: 'clock', node: 'a', atUs: atS * S, serverUs: atS * S + 300 * atS, errorUs: 10 },
    });
    const records = [1, 5, 9, 13, 17, 21].map(reading);
    const roles = [role('b', 7), role('a', 7.5, 'replica'), role('a', 20), role('b', 20.5, 'replica')];
    const [found] = episodes([by('a', 1), by('a', 21)], [...records, ...roles]);
    const totalOf = (strategy: string) =>
      found && boundOf(strategy, parsePolicy('20:5/s'), found)?.totalExcess;
    expect({ central: totalOf('central'), acked: totalOf('acked') }).toEqual({ central: 20, acked: 0 });
  });

  it('count one of a new primary that had decided nothing yet', () => {
    const records = [role('a', 10.5, 'down'), role('b', 12), restart('b', 13, true)];
    expect(episodes([by('a', 1), by('b', 14)], records)).toMatchObject([{ emptyRestarts: 1 }]);
    expect(episodes([by('b', 14)], records)).toMatchObject([{ emptyRestarts: 0 }]);
  });

  it('have the forward steps of the clocks of their nodes', () => {
    const reading = (node: string, atS: number, gainedUs: number): HistoryRecord => ({
      type: 'clock',
      node,
      atUs: atS * S,
      serverUs: 1.7e15 + atS * S + gainedUs,
      errorUs: 10,
    });
    const records = [reading('a', 1, 0), reading('a', 2, 3 * S), reading('a', 3, S), reading('x', 1, 0)];
    expect(episodes([by('a', 1)], records)[0]?.clockStepsUs).toEqual([3 * S]);
  });

  it.each([
    { title: 'no fault', records: [], want: 0 },
    { title: 'one service ahead', records: [serviceClock('r', 500)], want: 500_000 },
    {
      title: 'one ahead, one behind',
      records: [serviceClock('r', 500), serviceClock('s', -700)],
      want: 1_200_000,
    },
    {
      title: 'all ahead: they were right before',
      records: [serviceClock('r', 500), serviceClock('s', 500)],
      want: 500_000,
    },
  ])('have the spread of the service clocks: $title', ({ records, want }) => {
    expect(episodes([by('a', 1)], records)[0]?.serviceClockSpreadUs).toBe(want);
  });

  it.each([
    {
      title: 'ahead',
      offsetS: { a: 1, b: 3.5 },
      want: [{ atUs: 7 * S, node: 'b', overlapUs: 0, clockAheadUs: 2.5 * S }],
    },
    { title: 'behind', offsetS: { a: 3.5, b: 1 }, want: [{ atUs: 7 * S, node: 'b', overlapUs: 0 }] },
    {
      title: 'no further ahead than any clock is granted',
      offsetS: { a: 1, b: 1 },
      want: [{ atUs: 7 * S, node: 'b', overlapUs: 0 }],
    },
  ])('have, of a takeover, how far the new clock is ahead: $title', ({ offsetS, want }) => {
    const records = Object.entries(offsetS).flatMap(([node, bySeconds]) =>
      [1, 9].map(
        (atS): HistoryRecord => ({
          type: 'clock',
          node,
          atUs: atS * S,
          serverUs: (atS + bySeconds) * S,
          errorUs: 0,
        }),
      ),
    );
    const [shard] = episodes([by('a', 1), by('b', 9)], [role('b', 7), ...records]);
    const found = shard?.failovers.map(({ clockAheadUs, ...rest }) =>
      clockAheadUs === undefined ? rest : { ...rest, clockAheadUs: Math.round(clockAheadUs / 1e5) * 1e5 },
    );
    expect(found).toEqual(want);
  });

  it('have, of a takeover from a node whose clock was not read, the lead on the clock before that', () => {
    const reading = (node: string, atS: number, gainedUs = 0): HistoryRecord => ({
      ...{ type: 'clock', node, atUs: atS * S, serverUs: atS * S + gainedUs, errorUs: 0 },
    });
    const records = ['a', 'c'].flatMap((node) =>
      [1, 9].map((atS) => reading(node, atS, node === 'c' ? 3 * S : 0)),
    );
    const [shard] = episodes([by('a', 1), by('b', 5), by('c', 9)], [role('b', 4), role('c', 7), ...records]);
    expect(shard?.failovers[0]?.clockAheadUs).toBeUndefined();
    expect(shard?.failovers[1]?.clockAheadUs).toBeGreaterThan(2.9 * S);
  });

  it('have, of a takeover from a clock that had stepped back, as much as it had stepped', () => {
    const reading = (node: string, atS: number, gainedUs = 0): HistoryRecord => ({
      ...{ type: 'clock', node, atUs: atS * S, serverUs: atS * S + gainedUs, errorUs: 0 },
    });
    const records = [reading('a', 1), reading('a', 3, -2 * S), reading('b', 1), reading('b', 9)];
    const [shard] = episodes([by('a', 1), by('b', 9)], [role('b', 7), ...records]);
    expect(shard?.failovers[0]?.clockAheadUs).toBeGreaterThan(1.9 * S);
  });

  it('of buckets without a known node are of no shard', () => {
    expect(episodes([{ invokedUs: 1 }])).toMatchObject([{ shard: '', failovers: [] }]);
  });
});

describe('lost decisions', () => {
  /** 20:5/s, a quantum a 200,000th: the bucket was drained to `level` by a, and b takes over with another. */
  const decided = (node: string, atS: number, levelTokens: number): OperationPart => ({
    ...by(node, atS),
    decision: {
      strategy: 'central',
      source: 'redis',
      node,
      atUs: 1.7e15 + atS * S,
      bucketUs: 1.7e15 + atS * S,
      levelQuanta: levelTokens * 200_000,
    },
  });
  const lost = (parts: readonly OperationPart[]) => checkHistory(historyOf(parts), RULES).lostDecisions;

  it('are named: whose, missing where, since when, how many tokens', () => {
    const parts = [decided('a', 1, 19), decided('a', 1, 18), decided('a', 1, 17), decided('b', 1.2, 19)];
    expect(lost(parts)).toEqual([
      {
        from: 'a',
        to: 'b',
        atUs: 1.2 * S,
        decisions: 2,
        tokens: 2,
        buckets: [{ bucket: 'b', decisions: 2, tokens: 2 }],
      },
    ]);
  });

  it('are none when the new primary knows them', () => {
    expect(lost([decided('a', 1, 19), decided('a', 1, 18), decided('b', 1.2, 18)])).toEqual([]);
  });

  it('are none when one node alone minted tokens', () => {
    expect(lost([decided('a', 1, 19), decided('a', 1.2, 19.5)])).toEqual([]);
  });
});

function rounded<T extends { atUs: number; overlapUs: number }>(takeover: T): T {
  return { ...takeover, atUs: Math.round(takeover.atUs), overlapUs: expect.closeTo(takeover.overlapUs, 0) };
}
