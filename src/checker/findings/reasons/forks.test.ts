import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../../test/support/history.ts';
import { checkHistory } from '../../check.ts';

const S = 1_000_000;

/** 10 tokens and 1/s: what is wrong is said by the replies. */
const reasonsOf = (parts: readonly OperationPart[]) =>
  (checkHistory(historyOf(parts, { policy: '10:1/s' }), { busiest: [] }).reasons ?? []).map(
    ({ reason }) => reason,
  );

const at = (atS: number, part: OperationPart): OperationPart => ({
  invokedUs: Math.round((atS - 0.05) * S),
  completedUs: Math.round(atS * S),
  ...part,
});

/** Twelve admissions too many at once, so that there is a finding, of which no reply says anything. */
const excess = Array.from({ length: 12 }, () => at(90, {}));

describe('admissions that state the same remaining tokens', () => {
  const three = (atS: number, remaining: number, apartS = 0) =>
    [0, 1, 2].map((number) => at(atS + number * apartS, { stated: { remaining } }));
  const times = [10, 30, 50, 70];

  it('are a race if they were under way at once, and refill is too slow', () =>
    expect(reasonsOf([...times.flatMap((atS) => three(atS, 7)), ...excess])).toEqual(['race']));

  it('are none if two of three do: refill may be worth what the second took', () =>
    expect(reasonsOf([...times.flatMap((atS) => three(atS, 7).slice(1)), ...excess])).toEqual([]));

  it('are none one after the other: each of several instances has a bucket of its own', () =>
    expect(reasonsOf([...times.flatMap((atS) => three(atS, 7, 0.1)), ...excess])).toEqual([]));

  it('are none in the time that refill needs', () =>
    expect(reasonsOf([...times.flatMap((atS) => three(atS, 7, 1)), ...excess])).toEqual([]));

  it('are none in different regions, which may share nothing', () => {
    const apart = times.flatMap((atS) =>
      ['a', 'b', 'c'].map((region) => at(atS, { region, stated: { remaining: 7 } })),
    );
    expect(reasonsOf([...apart, ...excess])).toEqual([]);
  });

  it('name nothing where nothing is wrong', () => expect(reasonsOf(three(10, 7))).toEqual([]));
});

describe('the levels of two nodes', () => {
  const decided = (node: string, atS: number, level: number) =>
    at(atS, {
      region: node,
      decision: {
        strategy: '?',
        source: 'redis',
        node,
        atUs: 1.7e15 + atS * S,
        bucketUs: 1.7e15 + atS * S,
        levelQuanta: level * S,
      },
    });
  /** Both count from the same state; then the state of one of them is that of both. */
  const turn = (atS: number, level: number) => [
    decided('a', atS, level - 1),
    decided('a', atS, level - 2),
    decided('a', atS, level - 3),
    decided('b', atS, level - 1),
    decided('b', atS, level - 2),
  ];

  it('show that the last write wins, and no takeover, where they decide by turns', () => {
    const turns = [0, 1, 2, 3, 4].flatMap((number) => turn(1 + number / 10, 10 - 1.9 * number));
    expect(reasonsOf(turns)).toEqual(['last-write']);
  });

  it('show lost decisions where one takes over from the other', () => {
    const before = [9, 8, 7, 6, 5, 4, 3, 2].map((level) => decided('a', 1, level));
    const after = [8, 7, 6, 5, 4, 3, 2, 1].map((level) => decided('b', 1.1, level));
    expect(reasonsOf([...before, ...after])).toEqual(['lost-decisions']);
  });
});
