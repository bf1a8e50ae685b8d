import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { parsePromise } from '../core/promise.ts';
import type { Header } from '../history/records/operation.ts';
import { checkHistory } from './check.ts';
import { mostOnRecorder } from './windows/spans.ts';

const S = 1_000_000;
const SINCE_1970_S = 1_800_000_000;
const options = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

type Span = readonly [from: number, to: number, outcome?: 'denied' | 'info' | 'failed', cost?: number];

function judged(promise: string, spans: readonly Span[], header: Partial<Header> = {}) {
  const parts = spans.map(
    ([from, to, outcome, cost]): OperationPart => ({
      invokedUs: Math.round((SINCE_1970_S + from) * S),
      completedUs: outcome === 'info' ? null : Math.round((SINCE_1970_S + to) * S),
      outcome: outcome ?? 'allowed',
      cost: cost ?? 1,
    }),
  );
  return checkHistory(historyOf(parts, { header }), { ...options, promise: parsePromise(promise) });
}

describe('a denial of a window', () => {
  const SLIDING = 'sliding-window:2/10s';
  const EPOCH = 'fixed-window:2/10s:epoch';
  it.each([
    {
      title: 'is false once one has left the log',
      promise: SLIDING,
      before: [
        [1, 1],
        [5, 5],
      ],
      denied: [11.1, 11.2],
      not: [10.9, 11.2],
    },
    {
      title: 'is false while there is room',
      promise: SLIDING,
      before: [[1, 1]],
      denied: [2, 2],
      not: [1, 2, 'denied', 2],
    },
    {
      title: 'is not false next to a request without a reply',
      promise: SLIDING,
      before: [
        [1, 1],
        [2, 2],
      ],
      more: [
        [9, 9, 'info'],
        [9, 9, 'info'],
      ],
      denied: [12.5, 12.5],
      isNever: true,
    },
    {
      title: 'is false next to a request that failed',
      promise: SLIDING,
      before: [
        [1, 1],
        [9, 9, 'failed'],
      ],
      denied: [10, 10],
      not: [10, 10, 'denied', 2],
    },
    {
      title: 'is false in a new window',
      promise: EPOCH,
      before: [
        [8, 8],
        [9, 9],
      ],
      denied: [10, 10.1],
      not: [9.9, 10.1],
    },
    {
      title: 'is not false next to a request that may be in its window',
      promise: EPOCH,
      before: [
        [8, 10],
        [9, 9.99],
      ],
      denied: [10.1, 10.2],
      not: [10, 10.2, 'denied', 2],
    },
  ] as {
    title: string;
    promise: string;
    before: Span[];
    more?: Span[];
    denied: [number, number];
    not?: Span;
    isNever?: true;
  }[])('$title', ({ promise, before, more = [], denied, not, isNever }) => {
    const total = (one: Span) =>
      judged(promise, [...before, ...more, [one[0], one[1], 'denied', one[3] ?? 1]]).falseDenials.total;
    expect(total(denied)).toBe(isNever ? 0 : 1);
    if (not !== undefined) expect(total(not)).toBe(0);
  });

  it('comes with a sentence, and breaks a claim', () => {
    const report = judged(SLIDING, [
      [1, 1],
      [2, 2, 'denied'],
    ]);
    expect(report.verdict).toBe('fail');
    expect(report.falseDenials.findings[0]?.inequality).toBe(
      'denied at cost 1, but throughout the request at most 1 of the 2 tokens of sliding-window:2/10s can have been taken in its window',
    );
  });

  it.each([
    { promise: 'fixed-window:2/10s', whyNot: 'fixed-window:2/10s does not say when its windows start' },
    {
      promise: 'fixed-window:2/10s:first',
      whyNot: 'fixed-window:2/10s:first does not say when its windows start',
    },
    {
      promise: 'sliding-counter:2/10s',
      whyNot:
        'a sliding counter may deny more than an exact log, by an amount that the promise does not limit',
    },
    {
      promise: EPOCH,
      header: { clocks: 'apart' as const },
      whyNot: "the time of day of the limiter's clock was not read, so it is not known when a window ends",
    },
  ])('of $promise is not judged, and the report says so', ({ promise, header = {}, whyNot }) => {
    const { falseDenials, verdict } = judged(
      promise,
      [
        [1, 1],
        [2, 2, 'denied'],
      ],
      header,
    );
    expect(falseDenials).toMatchObject({ judged: 0, total: 0, whyNot });
    expect(verdict).not.toBe('fail');
  });

  it('is not judged while what is not in the history may fill its window', () => {
    const spans: Span[] = [
      [0, 1],
      [10.9, 10.9, 'denied'],
      [11.1, 11.1, 'denied'],
    ];
    expect(judged(SLIDING, spans, { initial: 'unknown' }).falseDenials.total).toBe(1);
    expect(judged(SLIDING, spans, { initial: 'full' }).falseDenials.total).toBe(2);
  });
});

/** Whether some placing of all operations, whole microseconds, has the denial of a full window. */
function isExcused(
  seen: readonly { from: number; to: number; cost: number }[],
  denial: { from: number; to: number; cost: number },
  { limit, countsAt }: { limit: number; countsAt: (opUs: number, denialUs: number) => boolean },
): boolean {
  for (let atUs = denial.from; atUs <= denial.to; atUs++) {
    let most = 0;
    for (const { from, to, cost } of seen) {
      const places = Array.from({ length: to - from + 1 }, (_, place) => from + place);
      if (places.some((us) => us <= atUs && countsAt(us, atUs))) most += cost;
    }
    if (most + denial.cost > limit) return true;
  }
  return false;
}

const EPOCH_US = SINCE_1970_S * S;
const anySpan = fc
  .record({ from: fc.nat(24), length: fc.nat(6), cost: fc.integer({ min: 1, max: 3 }) })
  .map(({ from, length, cost }) => ({ from, to: from + length, cost }));

describe.each([
  {
    promise: 'sliding-window:4/8us',
    countsAt: (us: number, at: number) => us > at - 8,
    mayCountAt: (us: number, at: number) => us >= at - 8,
  },
  {
    promise: 'fixed-window:4/8us:epoch',
    countsAt: (us: number, at: number) => Math.floor(us / 8) === Math.floor(at / 8),
    mayCountAt: (us: number, at: number) => Math.floor(us / 8) === Math.floor(at / 8),
  },
])('the denials of $promise, in 1,000 small histories', ({ promise, countsAt, mayCountAt }) => {
  it('are false exactly where no placing of the operations fills the window', () => {
    let accused = 0;
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 6 }), anySpan, (seen, denial) => {
        const part = ({ from, to, cost }: typeof denial, outcome: 'allowed' | 'denied'): OperationPart => ({
          invokedUs: EPOCH_US + from,
          completedUs: EPOCH_US + to,
          cost,
          outcome,
        });
        const history = historyOf([...seen.map((one) => part(one, 'allowed')), part(denial, 'denied')]);
        const isFalse =
          checkHistory(history, { ...options, promise: parsePromise(promise) }).falseDenials.total === 1;
        if (isFalse) accused++;
        if (isFalse) expect(isExcused(seen, denial, { limit: 4, countsAt })).toBe(false);
        else expect(isExcused(seen, denial, { limit: 4, countsAt: mayCountAt })).toBe(true);
      }),
      { numRuns: 1_000, seed: 17 },
    );
    expect(accused).toBeGreaterThan(100);
  });
});

it('a window never ends on a clock that may stand still or run back', () => {
  const clock = {
    epsilonUs: 0,
    rhoPpm: 0,
    backwardUs: 0,
    spreadUs: 0,
    steps: [],
    wanderUs: 0,
    knownFromUs: 0,
  };
  const longestUs = (slowPpm: number) => mostOnRecorder(10 * S, { ...clock, slowPpm });
  expect([longestUs(-500_000), longestUs(-1_000_000), longestUs(-1_769_230)]).toEqual([
    20 * S,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ]);
});
