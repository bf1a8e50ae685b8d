import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf, historyOf, type OperationPart } from '../../../test/support/history.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** How many of the denials are false, on 2 tokens and 1/s; times in seconds. */
function falseDenials(
  parts: readonly OperationPart[],
  options: Parameters<typeof historyOf>[1] & { openAtEndMissing?: boolean } = {},
): number {
  const inUs = parts.map(({ invokedUs = 0, completedUs = invokedUs, latestUs, ...part }) => ({
    ...part,
    invokedUs: invokedUs * S,
    completedUs: completedUs === null ? null : completedUs * S,
    ...(latestUs === undefined ? {} : { latestUs: latestUs * S }),
  }));
  const history = historyOf(inUs, { policy: '2:1/s', ...options });
  const { openAtEndMissing = false } = options;
  return checkHistory(history, { ...RULES, openAtEndMissing, openAtEndAtMost: 0 }).falseDenials.total;
}

const allowed = (from: number, to = from, more: OperationPart = {}): OperationPart => ({
  invokedUs: from,
  completedUs: to,
  ...more,
});
const denied = (from: number, to = from, more: OperationPart = {}): OperationPart => ({
  ...allowed(from, to),
  outcome: 'denied',
  ...more,
});
const info = (from: number, more: OperationPart = {}): OperationPart => ({
  invokedUs: from,
  outcome: 'info',
  completedUs: null,
  ...more,
});

describe('a denial', () => {
  it.each([
    {
      title: 'of an empty bucket',
      passes: [allowed(10), allowed(10), denied(10.5)],
      fails: [allowed(10), denied(10.5)],
    },
    {
      title: 'one microsecond too soon',
      passes: [allowed(10), allowed(10), denied(10.999999)],
      fails: [allowed(10), allowed(10), denied(11)],
    },
    {
      title: 'that races with the spend',
      passes: [allowed(10, 11.5), allowed(10, 11.5), denied(11.2)],
      fails: [allowed(10, 10.1), allowed(10, 11.5), denied(11.2)],
    },
    {
      title: 'at the moment at which the spend begins',
      passes: [allowed(10), allowed(10.5, 11), denied(10, 10.5)],
      fails: [allowed(10), allowed(10.5, 11), denied(10, 10.499999)],
    },
    {
      title: 'of a cost above what is there',
      passes: [allowed(10), denied(10, 10, { cost: 2 })],
      fails: [denied(10, 10, { cost: 2 })],
    },
    {
      title: 'of a cost that no bucket holds',
      passes: [denied(10, 10, { cost: 3 })],
      fails: [denied(10, 10, { cost: 2 })],
    },
    {
      title: 'next to an unknown charge',
      passes: [allowed(10), info(9), denied(10.1)],
      fails: [allowed(10), denied(10.1)],
    },
    {
      title: 'long after it, for ever',
      passes: [info(1), info(1), denied(1_000)],
      fails: [info(1), denied(1_000)],
    },
    {
      title: 'until its last moment and the refill',
      passes: [info(1, { latestUs: 50 }), info(1, { latestUs: 50 }), denied(50.9)],
      fails: [info(1, { latestUs: 50 }), info(1, { latestUs: 50 }), denied(51)],
    },
    {
      title: 'next to an admission that may have charged twice',
      passes: [allowed(10, 10, { maxCharge: 2 }), denied(10.1)],
      fails: [allowed(10), denied(10.1)],
    },
    {
      title: 'after a refund that a full bucket may have lost',
      passes: [allowed(10), allowed(10), allowed(10, 10, { cost: -1 }), denied(10.5)],
      fails: [allowed(10), allowed(10, 10, { cost: -1 }), denied(10.5)],
    },
    {
      title: 'next to unanswered attempts of two decisions',
      passes: [info(9, { decisionId: 'd' }), info(9, { decisionId: 'e' }), denied(10)],
      fails: [info(9, { decisionId: 'd' }), info(9, { decisionId: 'd' }), denied(10)],
    },
    {
      title: 'next to a failure, which charges nothing',
      passes: [allowed(10), allowed(10), denied(10)],
      fails: [allowed(10), { ...allowed(10), outcome: 'failed' as const }, denied(10)],
    },
    {
      title: 'of several buckets, one of them empty',
      passes: [
        allowed(10),
        allowed(10),
        denied(10, 10, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'c', cost: 1 },
          ],
        }),
      ],
      fails: [
        allowed(10),
        denied(10, 10, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'c', cost: 1 },
          ],
        }),
      ],
    },
    {
      title: 'of several buckets, one of which is asked for nothing',
      passes: [
        allowed(10),
        allowed(10),
        denied(10, 10, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'c', cost: 0 },
          ],
        }),
      ],
      fails: [
        allowed(10),
        denied(10, 10, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'c', cost: 0 },
          ],
        }),
      ],
    },
    {
      title: 'of one bucket that is charged twice at once',
      passes: [
        allowed(10),
        denied(10, 10, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'b', cost: 1 },
          ],
        }),
      ],
      fails: [
        allowed(10),
        denied(11, 11, {
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'b', cost: 1 },
          ],
        }),
      ],
    },
    {
      title: 'after attempts that charge one bucket twice',
      passes: [
        allowed(10, 10, {
          decisionId: 'd',
          charges: [
            { bucket: 'b', cost: 1 },
            { bucket: 'b', cost: 1 },
          ],
        }),
        denied(10.5),
      ],
      fails: [allowed(10, 10, { decisionId: 'd', charges: [{ bucket: 'b', cost: 1 }] }), denied(10.5)],
    },
  ])('$title is true, and false with the smallest change', ({ passes, fails }) => {
    expect(falseDenials(passes)).toBe(0);
    expect(falseDenials(fails)).toBeGreaterThan(0);
  });

  it('counts a bucket that is over-admitted as empty, not as in debt', () => {
    const spends = [10, 10, 10, 10, 10].map((at) => allowed(at));
    expect(falseDenials([...spends, denied(10.9)])).toBe(0);
    expect(falseDenials([...spends, denied(11)])).toBe(1);
  });

  it('of an unknown initial level is judged from an empty bucket at the first completion', () => {
    const unknown = { header: { initial: 'unknown' as const } };
    expect(falseDenials([denied(0, 10), denied(10.9)], unknown)).toBe(0);
    expect(falseDenials([denied(0, 10), denied(11)], unknown)).toBe(1);
  });

  it('of a refund is none', () => expect(falseDenials([denied(10, 10, { cost: -1 })])).toBe(0));

  it('is not judged where operations are missing', () => {
    expect(falseDenials([denied(10)])).toBe(1);
    expect(falseDenials([denied(10)], { sent: 2 })).toBe(0);
  });

  it('is not judged after the last request, where open requests are absent', () => {
    const until = (endS: number) => [denied(10), allowed(10, 13), denied(17, endS), allowed(20, 30)];
    const log = { openAtEndMissing: true };
    expect(falseDenials(until(20), log)).toBe(2);
    expect(falseDenials(until(20.000001), log)).toBe(1);
    expect(falseDenials(until(20), { sent: null })).toBe(2);
  });

  it('by a failure policy is no evidence of the shared bucket, and counted apart', () => {
    const by = (source: 'redis' | 'fallback') => ({
      ...{ invokedUs: 10 * S, outcome: 'denied' as const },
      decision: { strategy: 'central', node: source === 'redis' ? 'n' : 'none', source },
    });
    const judged = (...sources: ('redis' | 'fallback')[]) => {
      const { falseDenials, claims } = checkHistory(historyOf(sources.map(by), { policy: '2:1/s' }), RULES);
      return { ...falseDenials, reason: claims[1]?.reason };
    };
    expect(judged('redis')).toMatchObject({ total: 1, judged: 1 });
    expect(judged('fallback', 'fallback')).toMatchObject({ total: 0, judged: 0, byFailurePolicy: 2 });
    expect(judged('fallback').reason).toMatch(/there is none; 1 denial by a failure policy is/);
    expect(judged('redis', 'fallback')).toMatchObject({ total: 1, judged: 1, byFailurePolicy: 1 });
  });

  it('that began before anything is known is not counted as judged', () => {
    const parts = [denied(0, 5), allowed(5), denied(5, 6), denied(5.1, 5.2)];
    const inUs = parts.map((part) => ({
      ...part,
      invokedUs: (part.invokedUs ?? 0) * S,
      completedUs: (part.completedUs ?? 0) * S,
    }));
    const judged = (initial: 'full' | 'unknown') => {
      const { falseDenials, claims } = checkHistory(
        historyOf(inUs, { policy: '2:1/s', header: { initial } }),
        RULES,
      );
      return { ...falseDenials, reason: claims[1]?.reason };
    };
    expect(judged('unknown')).toMatchObject({
      total: 0,
      judged: 1,
      whyNot: 'denials before the first reply are not judged',
      reason:
        'false-denials <= 0: none of 1 denial could have been found false: the clock allowance, requests in flight or requests before the history can always explain it; denials before the first reply are not judged',
    });
    expect(judged('full')).toMatchObject({ judged: 3, whyNot: '' });
  });

  it.each([
    { title: 'a reading error', at: 11.2, records: [0, 5, 11].map((at) => reading(at * S, 0, 200_000)) },
    {
      title: 'a step back',
      at: 11.2,
      records: [reading(0, 0), reading(5 * S, 0), reading(6 * S, -300_000), reading(11 * S, -300_000)],
    },
    {
      title: 'nodes whose clocks differ',
      at: 11.2,
      records: [
        reading(0, 0),
        reading(11 * S, 0),
        reading(0, 300_000, 10, 'm'),
        reading(11 * S, 300_000, 10, 'm'),
      ],
    },
    { title: 'a slow clock', at: 11.0001, records: [0, 1, 11].map((at) => reading(at * S, -900 * at)) },
  ])('is given the benefit of $title', ({ at, records }) => {
    const late = (atS: number) => [allowed(10), allowed(10), denied(atS)];
    expect(falseDenials(late(at))).toBe(1);
    expect(falseDenials(late(at), { records })).toBe(0);
    expect(falseDenials(late(11.95), { records })).toBe(1);
  });

  it('is a finding with its inequality and its proof', () => {
    const history = historyOf(
      [{ invokedUs: 0 }, { invokedUs: 7, outcome: 'denied' }, { invokedUs: 8, outcome: 'denied' }],
      { policy: '2:1/s' },
    );
    const { falseDenials: found, verdict } = checkHistory(history, RULES);
    expect(verdict).toBe('fail');
    expect(found).toMatchObject({ total: 2, buckets: 1, judged: 2 });
    expect(found.findings[0]).toMatchObject({
      kind: 'false-denial',
      bucket: 'b',
      count: 2,
      first: { operation: { index: 1 } },
      last: { operation: { index: 2 } },
      inequality:
        'denied at cost 1, but the bucket held at least 1.000007 throughout the request: by then at most 1 tokens (1 operations) can have been spent, each as late as possible',
      witness: [{ operation: { index: 1 }, outcome: 'denied' }],
    });
  });

  it('has a context that a person can add up to its lowest level', () => {
    let judged = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 60 }),
            length: fc.nat(20),
            outcome: fc.constantFrom('allowed' as const, 'denied' as const, 'info' as const),
          }),
          { maxLength: 14 },
        ),
        (drawn) => {
          const parts = drawn.map(({ at, length, outcome }) => ({
            invokedUs: at,
            completedUs: outcome === 'info' ? null : at + length,
            outcome,
            ...(outcome === 'info' ? { latestUs: at + length } : {}),
          }));
          const history = historyOf([{ invokedUs: 0 }, ...parts], { policy: '3:1/10us' });
          for (const { context, inequality } of checkHistory(history, RULES).falseDenials.findings) {
            const { startLevel = 0, startUs = null, atUs = 0, steps = [] } = context ?? {};
            let [level, us] = [startLevel, startUs ?? steps[0]?.takenUs ?? atUs];
            for (const { takenUs, cost, lowestAfter, lastUs } of steps) {
              const taken = Math.min(3, level + (takenUs - us) / 10) - cost;
              level = takenUs < atUs ? Math.max(0, taken) : taken;
              us = takenUs;
              expect(takenUs).toBe(Math.min(lastUs ?? atUs, atUs));
              expect(lowestAfter).toBeCloseTo(level, 9);
            }
            const lowest = Number(/at least (\S+) throughout/.exec(inequality)?.[1]);
            const isInFlight = steps.at(-1)?.takenUs === atUs;
            expect(isInFlight ? level : Math.min(3, level + (atUs - us) / 10)).toBeCloseTo(lowest, 6);
            judged++;
          }
        },
      ),
      { numRuns: 2_000, seed: 41 },
    );
    expect(judged).toBeGreaterThan(500);
  });

  it('that the strategy declares is reported and passes', () => {
    const history = historyOf([{ outcome: 'denied' }], { policy: '2:1/s' });
    const { claims } = checkHistory(history, { ...RULES, falseDenialsAtMost: Number.POSITIVE_INFINITY });
    expect(claims[1]).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('declares no limit, because it splits its tokens'),
    });
  });

  it('in the header by another policy is judged by that', () => {
    const policies = { gold: { capacity: 3, refill: { tokens: 1, perUs: S } } };
    const parts = [allowed(10), allowed(10), denied(10)];
    const asGold = parts.map((part) => ({ ...part, policy: 'gold' }));
    expect(falseDenials(parts, { header: { policies } })).toBe(0);
    expect(falseDenials(asGold, { header: { policies } })).toBe(1);
    expect(headerOf().policies).toBeUndefined();
  });
});

function reading(atUs: number, gainedUs: number, errorUs = 10, node = 'n') {
  return { type: 'clock' as const, node, atUs, serverUs: 1.7e15 + atUs + gainedUs, errorUs };
}
