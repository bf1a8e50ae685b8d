import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { checkHistory } from './check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** Judges a history of 2 tokens and 1/s without an end; times in seconds. */
function judge(
  drawn: readonly (readonly [atS: number, outcome: 'allowed' | 'denied', part?: OperationPart])[],
  options: { openAtEndAtMost?: number; isComplete?: boolean } = {},
) {
  const parts = drawn.map(([atS, outcome, part]) => ({ invokedUs: atS * S, outcome, ...part }));
  const { claims, falseDenials, assumptions } = checkHistory(
    historyOf(parts, { policy: '2:1/s', sent: null }),
    {
      ...RULES,
      ...options,
    },
  );
  const claim = claims.find(({ claim }) => claim.startsWith('false-denials'));
  return { status: claim?.status, reason: claim?.reason, total: falseDenials.total, assumptions };
}

describe('false denials of a history that breaks off', () => {
  const end = [40, 'allowed'] as const;

  it.each([
    { title: 'a full bucket needs what leaves less than the cost', denials: [[10, 'denied']], needed: 2 },
    {
      title: 'requests are as large as the largest that was seen',
      denials: [
        [5, 'denied', { cost: 2 }],
        [10, 'denied'],
      ],
      needed: 2,
    },
    {
      title: 'two that are far apart need as many again',
      denials: [
        [10, 'denied'],
        [20, 'denied'],
      ],
      needed: 4,
    },
    {
      title: 'two within the refill of a token need no more than one',
      denials: [
        [10, 'denied'],
        [10.9, 'denied'],
      ],
      needed: 2,
    },
    {
      title: 'two within the refill of two need one more',
      denials: [
        [10, 'denied'],
        [11.5, 'denied'],
      ],
      needed: 3,
    },
  ] as const)('$title: $needed', ({ denials, needed }) => {
    const parts = [...denials, end] as Parameters<typeof judge>[0];
    expect(judge(parts, { openAtEndAtMost: needed - 1 })).toMatchObject({
      status: 'broken',
      total: denials.length,
    });
    const doubtful = judge(parts, { openAtEndAtMost: needed });
    expect(doubtful).toMatchObject({ status: 'unknown', total: 0 });
    expect(doubtful.reason).toContain(`unless ${needed} requests of b are missing`);
    expect(doubtful.reason).toContain(`--open-at-end ${needed - 1} if at most so many`);
    expect(doubtful.assumptions).toEqual([
      expect.stringContaining(`at most ${needed} requests of one bucket`),
    ]);
  });

  it('are doubtful up to ten times what was in flight at once, and certain where nothing was open', () => {
    const denials = (count: number) =>
      Array.from({ length: count }, (_, at) => [10 * (at + 1), 'denied'] as const);
    const parts = (count: number) => [...denials(count), [400, 'allowed'] as const];
    expect(judge(parts(5)).status).toBe('unknown');
    expect(judge(parts(6)).status).toBe('broken');
    const busy = [[1, 'allowed', { completedUs: 400 * S }] as const, ...parts(6)];
    expect(judge(busy).status).toBe('unknown');
    expect(judge(parts(1), { isComplete: true })).toMatchObject({
      status: 'broken',
      assumptions: ['no request was open when the history ended (--complete)'],
    });
  });

  it('are not judged after the last request that is in it, nor within what its lines are out of order by', () => {
    const denials = [10, 20, 30].map((at) => [at, 'denied'] as const);
    const judged = (last: (typeof denials)[number] | readonly [number, 'allowed', OperationPart?]) =>
      judge([...denials, last], { openAtEndAtMost: 0 }).total;
    expect(judged([40, 'allowed'])).toBe(3);
    expect(judged([25, 'allowed', { completedUs: 50 * S }])).toBe(3); // in the order of the ends
    expect(judged([5, 'allowed'])).toBe(0); // 25 s too late by start and by end
    expect(judged([29, 'allowed'])).toBe(2);
  });

  it('of several buckets at once convict only where nothing can be missing', () => {
    const charges = ['b', 'c'].map((bucket) => ({ bucket, cost: 1 }));
    const parts = [[10, 'denied', { charges }] as const, [40, 'allowed', { charges }] as const];
    expect(judge(parts, { openAtEndAtMost: 0 }).status).toBe('broken');
    expect(judge(parts, { openAtEndAtMost: 1 }).status).toBe('unknown');
  });
});

describe('the number of requests that denials need', () => {
  /** 2 tokens, one in 4 us; operations at even times of 24 us. */
  const anyOperation = fc.record({
    at: fc.integer({ min: 0, max: 12 }).map((half) => 2 * half),
    length: fc.integer({ min: 0, max: 3 }).map((half) => 2 * half),
    outcome: fc.constantFrom('allowed' as const, 'denied' as const, 'denied' as const),
  });
  type Drawn = { at: number; length: number; outcome: 'allowed' | 'denied' };

  /** Whether every denial has a moment at which the lowest level is below one token, in quarters of a token. */
  function isExplained(drawn: readonly Drawn[], spends: readonly number[]): boolean {
    let [level, flight] = [8, 0];
    const open = new Map<number, boolean>();
    for (let us = 0; us <= 40; us++) {
      level = Math.min(8, level + (us === 0 ? 0 : 1));
      for (const [index, { at, outcome }] of drawn.entries()) {
        if (at !== us) continue;
        if (outcome === 'denied') open.set(index, false);
        else flight += 4;
      }
      for (const spend of spends) if (spend === us) level = Math.max(0, level - 4);
      if (level - flight < 4) for (const index of open.keys()) open.set(index, true);
      for (const [index, { at, length, outcome }] of drawn.entries()) {
        if (at + length !== us) continue;
        if (outcome === 'allowed') [level, flight] = [Math.max(0, level - 4), flight - 4];
        else if (open.get(index) === false) return false;
        else open.delete(index);
      }
    }
    return true;
  }

  function isExplainedBy(count: number, drawn: readonly Drawn[], spends: readonly number[] = []): boolean {
    if (count === 0) return isExplained(drawn, spends);
    for (let us = spends.at(-1) ?? 0; us <= 30; us++)
      if (isExplainedBy(count - 1, drawn, [...spends, us])) return true;
    return false;
  }

  it('is never more than an explanation has, and mostly as many', () => {
    const seen = { none: 0, exact: 0, less: 0 };
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 1, maxLength: 6 }), (drawn) => {
        const parts = drawn.map(({ at, length, outcome }) => ({
          ...{ invokedUs: at, completedUs: at + length, outcome },
        }));
        const history = historyOf([...parts, { invokedUs: 1_000, outcome: 'failed' }], {
          policy: '2:1/4us',
          sent: null,
        });
        const { doubts, falseDenials } = checkHistory(
          { ...history, orders: new Map() }, // its lines are in no order
          { ...RULES, openAtEndAtMost: 1_000 },
        );
        expect(falseDenials.total).toBe(0);
        const needed = doubts?.falseDenials?.needed ?? 0;
        if (needed > 3) return;
        if (needed > 0) expect(isExplainedBy(needed - 1, drawn)).toBe(false);
        if (needed === 0) expect(isExplained(drawn, [])).toBe(true);
        if (needed === 0) seen.none++;
        else isExplainedBy(needed, drawn) ? seen.exact++ : seen.less++;
      }),
      { numRuns: 400, seed: 17 },
    );
    expect(Math.min(seen.none, seen.exact)).toBeGreaterThan(40);
    expect(seen.less).toBeLessThan(0.1 * seen.exact);
  });
});
