import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePromise } from '../../core/promise.ts';
import type { History } from '../../history/history.ts';
import { HistoryReader } from '../../history/reader.ts';
import type { HistoryRecord } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { secondSteps } from './whole-seconds.ts';

const S = 1_000_000;
const RULES = { busiest: [] };
const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');

/** A recorded run in which nothing says which strategy it was of. */
function recorded(strategy: string): History {
  const text = gunzipSync(readFileSync(join(FIXTURES, `${strategy}.ndjson.gz`))).toString();
  const reader = new HistoryReader();
  reader.startFile('history.ndjson');
  reader.push(Buffer.from(text.replaceAll(`"strategy":"${strategy}"`, '"strategy":"?"')));
  reader.endFile();
  return reader.finish();
}

const diagnosis = (parts: readonly OperationPart[], records: readonly HistoryRecord[] = []) =>
  checkHistory(historyOf(parts, { policy: '2:5/s', records }), RULES).diagnosis;

const at = (atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: Math.round(atS * S) - 1_000,
  completedUs: Math.round(atS * S),
  ...part,
});
const many = (count: number, part: OperationPart) => Array.from({ length: count }, () => part);

describe('the cause', () => {
  it('names no whole-second steps where windows start with seconds', () => {
    const parts = Array.from({ length: 90 }, (_, second) => [
      ...many(4, at(second + 0.1)),
      ...many(2, at(second + 0.12, { outcome: 'denied' })),
      ...many(2, at(second + 0.8, { outcome: 'denied' })),
    ]).flat();
    const judged = (promise: string) =>
      checkHistory(historyOf(parts, { policy: '2:2/s' }), { ...RULES, promise: parsePromise(promise) });
    expect(judged('token-bucket').diagnosis).toEqual([expect.stringMatching(/^tokens come in whole-second/)]);
    expect(judged('fixed-window:4/1s').diagnosis).toEqual([]);
  });

  it('names none in a log of less than three seconds, where all come together', () => {
    const parts = (lengthS: number) => [
      ...many(9, at(0.1)),
      at(0.2, { outcome: 'denied' as const }),
      ...many(150, at(0.3)),
      ...many(150, at(lengthS + 0.3)),
    ];
    const judged = (lengthS: number) =>
      checkHistory(historyOf(parts(lengthS), { policy: '2:5/s' }), RULES).diagnosis;
    expect(judged(2)).toEqual([]);
    expect(judged(3)).toEqual([expect.stringMatching(/^tokens come in whole-second/)]);
  });

  it('names the whole-second steps of the recorded article script', () => {
    const { diagnosis, verdict } = checkHistory(recorded('article'), RULES);
    expect(verdict).toBe('fail');
    expect(diagnosis).toHaveLength(1);
    expect(diagnosis[0]).toMatch(
      /^tokens come in whole-second steps: (99|100)% of \d+ admissions to drained buckets can fit into the fifth of a second that begins 0(\.0\d)? s after a whole second of the servers' clock, where \d\d% could if tokens came evenly; so a bucket gains the refill of a whole second .*\(9\.\d+ tokens too many in the worst window\), and users are denied until a second ends although tokens are due \(\d+ false denials\)$/,
    );
  });

  it('is absent of the recorded exact script, also where something else is wrong with it', () => {
    const history = recorded('central');
    const { diagnosis, verdict } = checkHistory(history, RULES);
    expect([diagnosis, verdict]).toEqual([[], 'pass']);
    const { share, evenShare, admissions } = secondSteps(history.operations, 0);
    expect(admissions).toBeGreaterThan(100);
    expect(share).toBeLessThan(evenShare + 0.1);
  });

  it('is absent where a bucket gains a token a second, continuous as its refill may be', () => {
    const parts = Array.from({ length: 200 }, (_, second) => [
      at(second + 0.3),
      at(second + 0.5, { outcome: 'denied' as const }),
    ]).flat();
    const slow = checkHistory(historyOf([...many(9, at(0.1)), ...parts], { policy: '2:1/s' }), RULES);
    expect(slow.overAdmission.buckets).toBe(1);
    expect(slow.diagnosis).toEqual([]);
    const fast = checkHistory(historyOf([...many(9, at(0.1)), ...parts], { policy: '2:5/s' }), RULES);
    expect(fast.diagnosis[0]).toMatch(
      /^tokens come in whole-second steps: 100% of 199 admissions .* the same fifth of every second/,
    );
  });

  it('names regions that keep the limit each and break it together', () => {
    const apart = [...many(2, at(1, { region: 'east' })), ...many(2, at(1, { region: 'west' }))];
    expect(diagnosis(apart)).toEqual([
      'each region keeps the limit, but together they exceed it: b admitted 2 in east, 2 in west in one window that allows 2.005',
    ]);
    const leaking = [...many(2, at(1, { region: 'east' })), at(1, { region: 'west' })];
    expect(diagnosis(leaking)).toEqual([]);
    const alone = [...many(5, at(1, { region: 'east' })), at(1, { region: 'west' })];
    expect(diagnosis(alone)).toEqual([]);
  });

  it('names instances that keep the limit each, where regions do not explain it', () => {
    const on = (instance: string, region = 'east', count = 2) => many(count, at(1, { region, instance }));
    const three = [...on('1'), ...on('2'), ...on('1', 'west')];
    expect(diagnosis(three)).toEqual([
      'the limit is multiplied by the 3 instances that b reached: each alone admitted no more than the policy allows, 2 tokens, and together they admitted 6 in one window that allows 2.005',
    ]);
    expect(diagnosis([...on('1'), ...on('1', 'west')])[0]).toMatch(/^each region keeps the limit/);
    expect(diagnosis([...on('1'), ...on('2', 'east', 1)])).toEqual([]);
    expect(diagnosis([...three, ...on('2', 'west', 3)])).toEqual([]);
    expect(diagnosis(three.map(({ instance: _, ...part }) => part))).toEqual([]);
  });

  it('names the processes of a service that was restarted, and no rule that its memory may look like', () => {
    const restart = (region: string): HistoryRecord => ({
      ...{ type: 'fault', fault: 'restart-service', phase: 'heal', atUs: 1.5 * S, args: { region } },
    });
    const twice = [...many(2, at(1, { region: 'east' })), ...many(2, at(1.6, { region: 'east' }))];
    const once = many(1, at(1.7, { region: 'east', outcome: 'denied' }));
    const parts = [...twice, ...once, ...many(1, at(1, { region: 'east', outcome: 'denied' }))];
    const slow = (records: readonly HistoryRecord[]) =>
      checkHistory(historyOf(parts, { policy: '2:1/s', records }), RULES).diagnosis;
    expect(slow([restart('east')])).toEqual([
      expect.stringMatching(
        /^the limit is multiplied by the 2 processes that b reached: .* 2 tokens, and together they admitted 4 /,
      ),
    ]);
    expect(slow([restart('west')])).toEqual([]);
  });

  it('tells regions apart by the limit of a window, where windows are promised', () => {
    const parts = (each: number) => [
      ...many(each, at(1, { region: 'east' })),
      ...many(each, at(2, { region: 'west' })),
    ];
    const judged = (each: number) =>
      checkHistory(historyOf(parts(each), { policy: '9:9/s' }), {
        ...RULES,
        promise: parsePromise('sliding-window:4/10s'),
      });
    expect(judged(4).diagnosis).toEqual([
      'each region keeps the limit, but together they exceed it: b admitted 4 in east, 4 in west in one window that allows 4',
    ]);
    expect(judged(5)).toMatchObject({ verdict: 'fail', diagnosis: [] });
  });

  it('names a primary that came back empty', () => {
    const decision = { strategy: '?', source: 'redis' as const, node: 'a' };
    const restart = (empty: boolean): HistoryRecord => ({
      type: 'event',
      event: 'restart',
      node: 'a',
      atUs: 1.005 * S,
      args: { empty },
    });
    const parts = [...many(2, at(1, { decision })), ...many(2, at(1.01, { decision }))];
    expect(diagnosis(parts, [restart(true)])).toEqual([
      'a came back empty at 1.005 s: every bucket it held was full again',
    ]);
    expect(diagnosis(parts, [restart(false)])).toEqual([]);
  });

  describe('of a clock that stepped ahead', () => {
    const offsets = (...ofSecond: readonly number[]): HistoryRecord[] =>
      ofSecond.map((aheadS, second) => ({
        type: 'clock',
        node: 'a',
        atUs: second * S,
        serverUs: 1.7e15 + (second + aheadS) * S,
        errorUs: 10,
      }));
    const on = (node: string): OperationPart => ({ decision: { strategy: '?', source: 'redis', node } });
    /** 2 tokens and 5/s: five at once are too many. */
    const burst = (atS: number, node = 'a') => [at(0.1, on(node)), ...many(5, at(atS, on(node)))];
    const stepped = (by: string, atS: number) =>
      `the clock of a stepped ahead by ${by} s at ${atS} s: its buckets gained that much refill at once`;

    it.each([
      { title: 'names it', parts: burst(2), records: offsets(0, 0, 1, 1), want: [stepped('1', 2)] },
      {
        title: 'names what it gained beyond a step back before',
        parts: burst(4),
        records: offsets(0, 0, -1, -1, 2, 2),
        want: [stepped('2', 4)],
      },
      {
        title: 'does not name one that took back a step back',
        parts: burst(4),
        records: offsets(0, 0, -1, -1, 0, 0),
        want: [],
      },
      {
        title: 'does not name one long before the window',
        parts: burst(8),
        records: offsets(0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
        want: [],
      },
      {
        title: 'does not name one after the window',
        parts: burst(2),
        records: offsets(0, 0, 0, 0, 1, 1),
        want: [],
      },
      {
        title: 'does not name that of a node that did not decide the bucket',
        parts: burst(2, 'b'),
        records: offsets(0, 0, 1, 1),
        want: [],
      },
      {
        title: 'names nothing where nothing is wrong',
        parts: [at(2, on('a'))],
        records: offsets(0, 0, 1, 1),
        want: [],
      },
    ])('$title', ({ parts, records, want }) => expect(diagnosis(parts, records)).toEqual(want));
  });

  describe('of what a failover lost', () => {
    const decided = (node: string, atS: number, level: number, bucket = 'ratings:u1') =>
      at(atS, {
        bucket,
        decision: {
          strategy: '?',
          source: 'redis',
          node,
          atUs: 1.7e15 + atS * S,
          bucketUs: 1.7e15 + atS * S,
          levelQuanta: level * 200_000,
        },
      });
    const primary = (node: string, atS: number, from: string): HistoryRecord => ({
      type: 'event',
      event: 'role',
      node,
      atUs: atS * S,
      args: { from, to: 'primary', slots: '0-16383' },
    });
    const lost =
      'b became primary without 2 or more decisions that a had acknowledged (noticed at 1.1 s): 1.5 tokens in 1 bucket could be spent again';
    const takenOver = [decided('a', 1, 1), decided('a', 1, 0), decided('b', 1.1, 1), decided('b', 1.1, 0)];

    it.each([
      { title: 'of a history without roles', records: [] },
      { title: 'after a takeover', records: [primary('b', 1.05, 'replica')] },
      {
        title: 'after the last of several takeovers',
        records: [primary('a', 0.5, 'down'), primary('b', 1.05, 'down')],
      },
    ])('names the new primary $title', ({ records }) => expect(diagnosis(takenOver, records)[0]).toBe(lost));

    it('names two primaries where the one that lacks decisions was a primary before the other', () => {
      expect(diagnosis(takenOver, [primary('a', 0.9, 'replica')])[0]).toBe(
        'b and a decided side by side: b lacks 2 or more decisions that a had acknowledged (noticed at 1.1 s): 1.5 tokens in 1 bucket could be spent again',
      );
    });

    it('counts each bucket once, by its largest loss', () => {
      const turns = (bucket: string, atS: number) => [
        ...[1, 0].map((level) => decided('a', atS, level, bucket)),
        ...[1, 0].map((level) => decided('b', atS + 0.1, level, bucket)),
        decided('a', atS + 0.2, 0, bucket),
        decided('b', atS + 0.3, 1, bucket),
      ];
      const [sentence] = diagnosis([...turns('ratings:u1', 1), ...turns('ratings:u2', 1)]);
      expect(sentence).toMatch(/^b became primary without 4 or more .*: 3 tokens in 2 buckets could/);
    });
  });

  it('is not asked for where nothing is wrong, nor of another promise', () => {
    expect(diagnosis([at(1)])).toEqual([]);
    const promise = parsePromise('fixed-window:30/10s');
    expect(checkHistory(historyOf([at(1)]), { ...RULES, promise }).diagnosis).toEqual([]);
  });
});
