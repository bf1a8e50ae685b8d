import { describe, expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { fullBucket, take } from '../core/bucket.ts';
import { parsePolicy } from '../core/policy.ts';
import type { Header, Outcome } from '../history/records/operation.ts';
import { checkHistory } from './check.ts';
import type { CheckOptions } from './check-options.ts';

const options: CheckOptions = { busiest: ['b'], contestedAtLeast: 1, infoAtMost: 0.05 };

function history(
  outcomes: readonly Outcome[],
  options: { sent?: number | null; header?: Partial<Header> } = {},
) {
  const parts = outcomes.map((outcome, at) => ({
    outcome,
    invokedUs: at,
    completedUs: outcome === 'info' ? null : at + 10,
  }));
  return historyOf(parts, options);
}

const times = (count: number, outcome: Outcome) => Array.from({ length: count }, () => outcome);
const drained = [...times(20, 'allowed'), ...times(80, 'denied')];

describe('the verdict', () => {
  it.each([
    { title: 'passes a bucket that was drained and no further', history: history(drained), want: 'pass' },
    {
      title: 'fails one token more',
      history: history([...times(21, 'allowed'), ...times(80, 'denied')]),
      want: 'fail',
    },
    {
      title: 'is unknown when no bucket was contested',
      history: history(times(20, 'allowed')),
      want: 'unknown',
    },
    {
      title: 'is unknown when too many replies are missing',
      history: history([...drained, ...times(6, 'info')]),
      want: 'unknown',
    },
    {
      title: 'passes when few are missing',
      history: history([...drained, ...times(5, 'info')]),
      want: 'pass',
    },
    {
      title: 'is unknown without an end',
      history: history(drained, { sent: null }),
      want: 'unknown',
    },
    {
      title: 'is unknown when a request is not accounted for',
      history: history(drained, { sent: 101 }),
      want: 'unknown',
    },
    {
      title: 'is unknown when more are recorded than its end counts',
      history: history(drained, { sent: 99 }),
      want: 'unknown',
    },
    { title: 'is unknown of nothing', history: history([]), want: 'unknown' },
    {
      title: 'does not know of over-admission where the end is missing, with a refund perhaps',
      history: history(times(21, 'allowed'), { sent: null }),
      want: 'unknown',
    },
    {
      title: 'fails over-admission even without an end where there are no refunds',
      history: history(times(21, 'allowed'), { sent: null, header: { refunds: 'none' } }),
      want: 'fail',
    },
  ])('$title', ({ history, want }) => expect(checkHistory(history, options).verdict).toBe(want));

  it('of an interrupted run is unknown at best', () => {
    expect(
      checkHistory(history(drained), { ...options, problems: ['the run was interrupted'] }).verdict,
    ).toBe('unknown');
    expect(
      checkHistory(history(times(21, 'allowed')), { ...options, problems: ['the run was interrupted'] })
        .verdict,
    ).toBe('fail');
  });

  it('says that an end counts too few, not that less than nothing is missing', () => {
    expect(checkHistory(history(drained, { sent: 99 }), options).accounts[0]?.reason).toMatch(
      /^the end record counts 99 requests sent, but 100 are recorded: write one end record/,
    );
  });

  it('says which bucket, how much, and in which window', () => {
    const { claims, overAdmission } = checkHistory(
      history([...times(25, 'allowed'), ...times(80, 'denied')]),
      options,
    );
    expect(claims[0]?.reason).toMatch(
      /^1 bucket over-admitted; worst window: b admitted 25 tokens within 0\.000 s, where .* at most 20\.000; measured 5 tokens, claimed at most 0 tokens: 5 tokens too many$/,
    );
    expect(overAdmission.worst).toMatchObject({
      bucket: 'b',
      window: { operations: 25, startUs: 0, endUs: 34 },
    });
  });
});

describe('a limiter whose clock was not read', () => {
  /** An exact bucket of 20:5/s, asked every 10 ms for ten minutes; its clock runs this much faster than ours. */
  function drifting(ppm: number) {
    const policy = parsePolicy('20:5/s');
    let bucket = fullBucket(policy, 0);
    return Array.from({ length: 60_000 }, (_, index) => {
      const invokedUs = index * 10_000;
      const nowUs = Math.round(invokedUs * (1 + ppm / 1_000_000));
      const taken = take(bucket, policy, { costTokens: 1, nowUs });
      bucket = taken.bucket;
      const outcome: Outcome = taken.result.allowed ? 'allowed' : 'denied';
      return { outcome, invokedUs, completedUs: invokedUs + 1 };
    });
  }

  it.each([900, -900])('is granted a drift of %i ppm', (ppm) => {
    const verdictOf = (clocks: 'one' | 'apart') =>
      checkHistory(historyOf(drifting(ppm), { header: { clocks } }), options).verdict;
    expect([verdictOf('apart'), verdictOf('one')]).toEqual(['pass', 'fail']);
  });
});

describe('a history that begins while a bucket waits for a clock that is behind', () => {
  const waiting = (aheadUs: number) =>
    historyOf(
      Array.from({ length: 40 }, (_, at) => ({
        invokedUs: at * 500_000,
        completedUs: at * 500_000 + 10,
        outcome: 'denied' as const,
        decision: {
          ...{ strategy: 'central', node: 'n', source: 'redis' as const, levelQuanta: 0 },
          atUs: at * 500_000 + 5,
          bucketUs: at * 500_000 + 5 + aheadUs,
        },
      })),
      { header: { initial: 'unknown' } },
    );

  it('calls no denial false that its decisions explain', () => {
    expect(checkHistory(waiting(30_000_000), options).falseDenials.total).toBe(0);
  });

  it('calls them false where the bucket is not ahead', () => {
    expect(checkHistory(waiting(0), options).falseDenials.total).toBeGreaterThan(0);
  });
});
