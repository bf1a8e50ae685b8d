import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { boundClock, boundOffsets } from '../clocks/bounds.ts';
import { findEpisodes } from './shard-events.ts';

const S = 1_000_000;

/** A decision of `node` on a bucket, from 0.1 s before to `atS`. */
const by = (node: string, atS: number, bucket = 'b'): OperationPart => ({
  bucket,
  invokedUs: Math.round((atS - 0.1) * S),
  completedUs: atS * S,
  decision: { strategy: 'central', source: 'redis', node },
});
const moved = (fromS: number, untilS: number | null, bucket = 'b'): HistoryRecord => ({
  ...{ type: 'event', event: 'move', atUs: fromS * S },
  args: { bucket, from: 'r1', to: 'r2', untilUs: untilS === null ? null : untilS * S },
});
const back = (fromS: number, untilS: number): HistoryRecord => ({
  ...{ type: 'event', event: 'move', atUs: fromS * S },
  args: { bucket: 'b', from: 'r2', to: 'r1', untilUs: untilS * S },
});
const migrated = (from: string, to: string, fromS: number, untilS: number | null): HistoryRecord => ({
  ...{ type: 'event', event: 'slots', atUs: fromS * S },
  args: { from, to, slots: '0-99', untilUs: untilS === null ? null : untilS * S },
});
const role = (node: string, atS: number, slots: string, from = 'replica'): HistoryRecord => ({
  ...{ type: 'event', event: 'role', node, atUs: atS * S },
  args: { from, to: 'primary', slots },
});
const restart = (node: string, atS: number): HistoryRecord => ({
  ...{ type: 'event', event: 'restart', node, atUs: atS * S, args: { empty: true } },
});
/** Its clock, ahead of the recorder's. */
const clock = (node: string, aheadS: number): HistoryRecord[] =>
  [0, 30].map((atS) => ({ type: 'clock', node, atUs: atS * S, serverUs: (atS + aheadS) * S, errorUs: 0 }));

function shardsOf(parts: readonly OperationPart[], records: readonly HistoryRecord[]) {
  const history = historyOf(parts, { records });
  const known = { ...boundClock(history.clock), offsets: () => boundOffsets(history.clock) };
  const shards = findEpisodes({ ...history, regions: history.header.regions }, known);
  const names = Array.from({ length: history.operations.bucketCount }, (_, bucket) => bucket);
  const of = Object.fromEntries(
    names.map((bucket) => [history.operations.nameOf(bucket), shards.all[shards.of(bucket)]]),
  );
  return { of, all: shards.all.map(({ shard }) => shard) };
}

/** Of bucket b, whose facts are compared, and of one that stays at a. */
function facts(parts: readonly OperationPart[], records: readonly HistoryRecord[]) {
  const { b } = shardsOf([by('a', 0.5, 'stays'), ...parts], records).of;
  const { shard, failovers = [], emptyRestarts, clockStepsUs } = b ?? {};
  return { shard, takeovers: failovers.map(({ node }) => node), emptyRestarts, clockStepsUs };
}

const NOTHING = { takeovers: [], emptyRestarts: 0, clockStepsUs: [] };

describe('the shard of a bucket that moved', () => {
  it.each([
    {
      title: 'is that of both nodes, and neither took over',
      parts: [by('a', 1), by('b', 9)],
      records: [moved(2, 8)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'is so if decisions overlap the move',
      parts: [by('a', 2.05), by('b', 7.95)],
      records: [moved(2, 8)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'is so if the move may not have ended',
      parts: [by('a', 1), by('b', 9)],
      records: [moved(2, null)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'is one shard with a takeover if the move was before',
      parts: [by('a', 3), by('b', 9)],
      records: [moved(1, 2)],
      want: { ...NOTHING, shard: 'a (moved)', takeovers: ['b'] },
    },
    {
      title: 'is one shard with a takeover if the move was of another bucket',
      parts: [by('a', 1), by('b', 9)],
      records: [moved(2, 8, 'other')],
      want: { ...NOTHING, shard: 'a', takeovers: ['b'] },
    },
    {
      title: 'is one shard with a takeover if a replica was promoted meanwhile',
      parts: [by('a', 1), by('b', 9)],
      records: [moved(2, 8), role('b', 5, '0-99')],
      want: { ...NOTHING, shard: 'a (moved)', takeovers: ['b'] },
    },
    {
      title: 'stays that of both if the former node decides it again',
      parts: [by('a', 1), by('b', 9), by('a', 11), by('b', 12)],
      records: [moved(2, 8)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'has what happened to both',
      parts: [by('a', 1), by('b', 9), by('c', 12, 'other'), by('b', 11, 'other'), by('a', 20, 'stays')],
      records: [moved(2, 8), restart('a', 10)],
      want: { shard: 'a + b', takeovers: ['c'], emptyRestarts: 1, clockStepsUs: [] },
    },
    {
      title: 'is that of both nodes between which its slots moved',
      parts: [by('a', 1), by('b', 9)],
      records: [migrated('a', 'b', 2, 8)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'is so there and back',
      parts: [by('a', 1), by('b', 9), by('a', 19)],
      records: [migrated('a', 'b', 2, 8), migrated('b', 'a', 12, 14)],
      want: { ...NOTHING, shard: 'a + b' },
    },
    {
      title: 'has a step if the clock of the new node was ahead, less what every clock may gain',
      parts: [by('a', 1), by('b', 9)],
      records: [migrated('a', 'b', 2, 8), migrated('b', 'a', 12, 14), ...clock('a', 0), ...clock('b', 3)],
      want: { ...NOTHING, shard: 'a + b', clockStepsUs: [2.97 * S] },
    },
    {
      title: 'is one shard with a takeover if slots moved between others',
      parts: [by('a', 1), by('b', 19), by('c', 9, 'other')],
      records: [migrated('a', 'c', 2, 8)],
      want: { ...NOTHING, shard: 'a', takeovers: ['b'] },
    },
    {
      title: 'may have lost its state if a replica took over while its slots moved',
      parts: [by('a', 1), by('c', 9), by('b', 4, 'other'), by('c', 12, 'other')],
      records: [role('b', 3, '100-200', 'primary'), migrated('a', 'b', 2, 8), role('c', 6, '100-200')],
      want: { shard: 'a + b', takeovers: ['c'], emptyRestarts: 1, clockStepsUs: [] },
    },
    {
      title: 'has not if it took over later',
      parts: [by('a', 1), by('b', 9), by('b', 4, 'other'), by('c', 12, 'other')],
      records: [migrated('a', 'b', 2, 8), role('c', 11, '100-200')],
      want: { shard: 'a + b', takeovers: ['c'], emptyRestarts: 0, clockStepsUs: [] },
    },
  ])('$title', ({ parts, records, want }) => {
    expect(facts(parts, records)).toEqual(want);
  });

  describe('whose old home has a takeover after the move', () => {
    const parts = [by('a', 1), by('b', 9), by('b', 20)];
    const takeover = [moved(2, 8), role('a', 0, '0-99'), role('c', 10, '0-99')];
    const overlaps = (more: readonly OperationPart[], records: readonly HistoryRecord[]) =>
      shardsOf([...parts, by('a', 9, 'stays'), by('c', 12, 'stays'), ...more], records).of.b?.failovers.map(
        ({ node, overlapUs }) => `${node} ${overlapUs / S}`,
      );

    it.each([
      { title: 'and no decision there has no overlap', more: [], want: ['c 0'] },
      { title: 'has its decisions there as overlap', more: [by('c', 13), by('c', 18)], want: ['c 5.1'] },
      {
        title: 'has none of those after it moved back',
        more: [by('c', 13), by('c', 15), by('c', 29)],
        records: [back(22, 24)],
        want: ['c 2.1'],
      },
      {
        title: 'has none of those before the takeover',
        more: [by('a', 8.5), by('c', 13), by('c', 14)],
        want: ['c 1.1'],
      },
    ])('$title', ({ more, records = [], want }) => {
      expect(overlaps(more, [...takeover, ...records])).toEqual(want);
    });

    it('has no overlap by a takeover at the new home', () => {
      const records = [moved(2, 8), role('b', 0, '0-99'), role('c', 10, '0-99')];
      const more = [by('b', 9, 'stays'), by('c', 12, 'stays'), by('a', 15), by('c', 18), by('c', 21)];
      const { b } = shardsOf([by('a', 1), by('b', 9), ...more], records).of;
      expect(b?.failovers.map(({ node, overlapUs }) => `${node} ${overlapUs}`)).toEqual(['c 0']);
    });
  });

  it('leaves the other buckets where they are', () => {
    const parts = [by('a', 1, 'x'), by('b', 1, 'y'), by('a', 1), by('b', 9)];
    const { of, all } = shardsOf(parts, [moved(2, 8)]);
    expect(all).toEqual(['a', 'b', 'a + b']);
    expect(of).toMatchObject({ x: { shard: 'a' }, y: { shard: 'b' }, b: { shard: 'a + b' } });
  });

  it('gains no more from a bucket that was tried often', () => {
    const often = Array.from({ length: 40 }, (_, at) => moved(2 + at / 8, 8, 'often'));
    const parts = [by('a', 1), by('b', 9), by('a', 1, 'often'), by('b', 9, 'often')];
    const { of } = shardsOf(parts, [moved(2, 8), ...often, ...clock('a', 0), ...clock('b', 0)]);
    const gainUs = (bucket: string) => of[bucket]?.clockStepsUs.reduce((sum, stepUs) => sum + stepUs, 0) ?? 0;
    expect(gainUs('often') / gainUs('b')).toBeCloseTo(40);
  });

  it('is found where most buckets show the takeover and one that moved meanwhile shows another', () => {
    const parts = ['x', 'y'].flatMap((bucket) => [by('b', 1, bucket), by('c', 9, bucket)]);
    const { of } = shardsOf([by('a', 1), by('c', 9), ...parts], [migrated('a', 'b', 2, 8)]);
    expect(of).toMatchObject({ x: { shard: 'b' }, b: { shard: 'a + b', failovers: [{ node: 'c' }] } });
  });
});

describe('role events with slots', () => {
  const joined = (records: readonly HistoryRecord[]) =>
    shardsOf([by('a', 1, 'x'), by('b', 20, 'y')], records).all;

  it.each([
    { title: 'join the nodes of one range', slots: ['0-999', '0-999'], from: 'replica', want: ['a'] },
    { title: 'do so while some of it has moved', slots: ['0-999', '0-899'], from: 'replica', want: ['a'] },
    {
      title: 'do so while a slot migrates',
      slots: ['0-998 [999->-id]', '0-999'],
      from: 'replica',
      want: ['a'],
    },
    {
      title: 'leave nodes of different ranges apart',
      slots: ['0-999', '1000-1999'],
      from: 'replica',
      want: ['a', 'b'],
    },
    {
      title: 'leave a primary apart that got the slots of another',
      slots: ['0-999', '0-999'],
      from: 'primary',
      want: ['a', 'b'],
    },
  ])('$title', ({ slots: [first = '', second = ''], from, want }) => {
    expect(joined([role('a', 2, first), role('b', 5, second, from)])).toEqual(want);
  });

  it('follow the slots that move', () => {
    const records = [role('a', 2, '0-999'), role('a', 4, '0-99', 'primary'), role('b', 6, '100-999')];
    expect(joined(records)).toEqual(['a', 'b']);
  });
});
