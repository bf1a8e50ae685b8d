import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { FaultRecord, HistoryRecord } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { LatencyHistogram } from './histogram.ts';
import { findPhases } from './phases.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const fault = (name: string, phase: FaultRecord['phase'], atS: number): FaultRecord => ({
  type: 'fault',
  fault: name,
  phase,
  atUs: atS * S,
});

describe('the phases of a run', () => {
  it.each([
    { title: 'without a fault', faults: [], want: ['whole run'] },
    {
      title: 'with one',
      faults: [fault('cut', 'inject', 1), fault('cut', 'heal', 2), fault('cut', 'settled', 3)],
      want: ['before', 'during cut', 'after cut'],
    },
    {
      title: 'with one that is never healed',
      faults: [fault('cut', 'inject', 1)],
      want: ['before', 'during cut'],
    },
    {
      title: 'with two at once',
      faults: [
        fault('cut', 'inject', 1),
        fault('slow', 'inject', 2),
        fault('cut', 'heal', 3),
        fault('slow', 'heal', 4),
      ],
      want: ['before', 'during cut', 'during cut + slow', 'during slow', 'after slow'],
    },
    {
      title: 'in any order of recording',
      faults: [fault('cut', 'heal', 2), fault('cut', 'inject', 1)],
      want: ['before', 'during cut', 'after cut'],
    },
  ])('$title', ({ faults, want }) => expect(findPhases(faults).map(({ name }) => name)).toEqual(want));
});

describe('the evidence', () => {
  const at = (atS: number, part: OperationPart = {}): OperationPart => ({
    invokedUs: atS * S - 100,
    completedUs: atS * S,
    ...part,
  });
  const denied = { outcome: 'denied' as const };
  const times = (count: number, part: OperationPart) => Array.from({ length: count }, () => part);

  /** 2 tokens and 1/s; the region is cut off from 10 s to 20 s, and both sides go on admitting. */
  const { phases, regions, overAdmission } = checkHistory(
    historyOf(
      [
        ...times(2, at(5, { region: 'east' })),
        at(5.5, { region: 'east', ...denied }),
        ...times(2, at(15, { region: 'east' })),
        ...times(2, at(15, { region: 'west' })),
        at(15.5, { region: 'west', ...denied }),
        at(16, { region: 'west', outcome: 'failed' }),
        { invokedUs: 17 * S, outcome: 'info', region: 'west' },
        at(50, { region: 'east' }),
      ],
      { policy: '2:1/s', records: [fault('cut', 'inject', 10), fault('cut', 'heal', 20)] },
    ),
    RULES,
  );

  it('counts each phase', () => {
    expect(phases).toMatchObject([
      { name: 'before', operations: 3, admitted: 2, exactAdmitted: 2, excess: 0, contested: 1 },
      {
        name: 'during cut',
        operations: 7,
        admitted: 4,
        exactAdmitted: 2,
        contested: 1,
        outcomes: { allowed: 4, denied: 1, failed: 1, info: 1 },
      },
      { name: 'after cut', operations: 1, admitted: 1, exactAdmitted: 1, excess: 0, contested: 0 },
    ]);
  });

  it('shows what two regions admit together, in the region and phase of the work that was dropped', () => {
    expect(overAdmission.totalExcess).toBe(1.9999);
    expect(phases[1]?.excess).toBe(1.9999);
    expect(regions.map(({ excess }) => excess).reduce((a, b) => a + b)).toBe(1.9999);
    expect(regions.map(({ name, operations }) => [name, operations])).toEqual([
      ['east', 6],
      ['west', 5],
    ]);
  });

  it('counts in each phase what of it could be judged, and what was dropped', () => {
    const level = (atS: number, outcome: 'allowed' | 'denied'): OperationPart => ({
      ...at(atS, { outcome }),
      decision: { strategy: '?', source: 'redis', node: 'a', bucketUs: atS * S, levelQuanta: 0 },
    });
    const dropped = (atS: number, requests: unknown): HistoryRecord => ({
      type: 'event',
      event: 'dropped',
      atUs: atS * S,
      args: { region: 'west', requests },
    });
    const report = checkHistory(
      historyOf([at(5, denied), level(15, 'denied'), level(15, 'allowed'), at(25, { intendedUs: 24 * S })], {
        policy: '2:1/s',
        records: [fault('cut', 'inject', 10), fault('cut', 'heal', 20), dropped(12, 3), dropped(21, 1)],
      }),
      RULES,
    );
    expect(report.phases).toMatchObject([
      { judgedDenials: 1, replayed: 0, arrivals: 0, dropped: 0 },
      { judgedDenials: 1, replayed: 2, arrivals: 3, dropped: 3 },
      { judgedDenials: 0, replayed: 0, arrivals: 2, dropped: 1 },
    ]);
    expect(report.whole).toMatchObject({ arrivals: 5, dropped: 4 });
    expect([report.whole.judgedDenials, report.whole.replayed]).toEqual([
      report.falseDenials.judged,
      report.replay.replayed,
    ]);
    expect(report.cells).toContainEqual(
      expect.objectContaining({ region: 'west', operations: 0, dropped: 3 }),
    );
    expect(report.events).toEqual([]);
  });

  it('has latencies from when a request was due, where it was due at a time', () => {
    const parts = [
      at(1, { intendedUs: S - 5_000 }),
      at(2, { intendedUs: 2 * S - 100 }),
      at(3, { bucket: 'c' }),
      at(4, { bucket: 'c', outcome: 'denied', intendedUs: 4 * S - 70 * 60 * S }),
    ];
    const { latency, arrivals } = checkHistory(historyOf(parts), RULES).whole;
    expect(latency.allowed).toMatchObject({ count: 3, p50Us: 100, maxUs: 5_000 });
    expect(latency.denied?.maxUs).toBe(70 * 60 * S);
    expect(arrivals).toBe(3);
  });

  it('has the latency of every outcome', () => {
    expect(phases[1]?.latency.allowed).toEqual({ count: 4, p50Us: 100, p99Us: 100, maxUs: 100 });
    expect(phases[1]?.latency.info).toBeUndefined();
  });
});

describe('percentiles', () => {
  it('are at most 1.6% above the truth', () => {
    const histogram = new LatencyHistogram();
    for (let us = 1; us <= 100_000; us++) histogram.add(us);
    const { p50Us, p99Us, maxUs } = histogram.figures();
    expect([p50Us >= 50_000, p50Us <= 50_800, p99Us >= 99_000, p99Us <= 100_000, maxUs]).toEqual([
      true,
      true,
      true,
      true,
      100_000,
    ]);
  });
});

describe('refunds and resets', () => {
  const at = (atS: number, cost = 1): OperationPart => ({ invokedUs: atS * S, cost });
  const excess = (parts: readonly OperationPart[], records: Parameters<typeof historyOf>[1] = {}) =>
    checkHistory(historyOf(parts, { policy: '2:1/s', ...records }), RULES).overAdmission.totalExcess;
  const reset = (atS: number, bucket?: string) => ({
    type: 'event' as const,
    event: 'reset',
    atUs: atS * S,
    ...(bucket === undefined ? {} : { args: { bucket } }),
  });
  it.each([
    {
      title: 'a refund pays for what was admitted after it',
      passes: [at(1), at(1), at(1, -1), at(1)],
      fails: [at(1), at(1), at(1), at(2, -1)],
    },
    {
      title: 'so does one that may have been made',
      passes: [at(1), at(1), { ...at(1, -1), outcome: 'info' as const }, at(1)],
      fails: [at(1), at(1), { ...at(1, -1), outcome: 'failed' as const }, at(1)],
    },
    {
      title: 'once',
      passes: [at(1), at(1), at(1, -1), at(1)],
      fails: [at(1), at(1), at(1, -1), at(1), at(1)],
    },
  ])('$title', ({ passes, fails }) => {
    expect(excess(passes)).toBe(0);
    expect(excess(fails)).toBe(1);
  });
  it.each([
    { title: 'a reset fills the bucket it names', records: [reset(1, 'b')], want: 0 },
    { title: 'a reset without a name fills every bucket', records: [reset(1)], want: 0 },
    { title: 'a reset of another bucket does not', records: [reset(1, 'c')], want: 2 },
  ])('$title', ({ records, want }) => expect(excess([at(1), at(1), at(1), at(1)], { records })).toBe(want));
});

it('a reset fills every bucket of its name, under all policies', () => {
  const policies = { gold: { capacity: 1, refill: { tokens: 1, perUs: 60_000_000 } } };
  const parts = [0, 1].map((at) => ({ invokedUs: at, bucket: 'x', policy: 'gold' }));
  const excess = (bucket: string) => {
    const reset = { type: 'event', event: 'reset', atUs: 0, args: { bucket } } as const;
    return checkHistory(historyOf(parts, { header: { policies }, records: [reset] }), RULES).overAdmission
      .buckets;
  };
  expect([excess('x'), excess('x (gold)'), excess('y')]).toEqual([0, 0, 1]);
});

it('a phase names eight of the faults that are in force, and counts the others', () => {
  const faults = Array.from({ length: 3_000 }, (_, at) => ({
    type: 'fault' as const,
    fault: `f${at}`,
    phase: 'inject' as const,
    atUs: at,
  }));
  const names = findPhases(faults).map(({ name }) => name);
  expect(names[8]).toBe('during f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7');
  expect(names.at(-1)).toBe('during f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7 + 2992 more');
});
