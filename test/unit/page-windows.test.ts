import { describe, expect, it } from 'vitest';
import { windowCounts } from '../../src/checker/windows/window-counts.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { collectOperations } from '../../src/page/operations.ts';
import type { RunPage } from '../../src/report/html/page-data.ts';
import { makeRunPage } from '../../src/report/html/run-page.ts';
import { historyOf, type OperationPart } from '../support/history.ts';
import { runOf } from '../support/html.ts';

const S = 1_000_000;

/** A multiple of every window here: windows of the epoch are judged where times are dates. */
const SINCE_1970_S = 1_800_000_000;

function pageOf(promise: string, parts: readonly OperationPart[]): RunPage {
  const { report, evidence } = runOf(historyOf(parts, { policy: '3:1/100s', header: { promise } }));
  return makeRunPage({ ...report, strategy: 'plugin:mine.mjs' }, evidence);
}

const at = (...timesS: readonly number[]): OperationPart[] =>
  timesS.map((atS) => {
    const us = (SINCE_1970_S + atS) * S;
    return { invokedUs: us, completedUs: us };
  });

describe('the page of a promise of windows', () => {
  it('U8: names the limiter and the promise, and the figures of no token bucket', () => {
    const page = pageOf('fixed-window:3/4s:first', at(1, 1, 1, 1));
    expect(page.subject).toEqual([
      ['limiter', 'plugin:mine.mjs'],
      ['promise', 'fixed-window:3/4s:first'],
    ]);
    expect(Object.fromEntries(page.figures)).toMatchObject({
      'broken windows': '1 in 1 bucket',
      'false denials': 'not judged',
    });
    expect(page.judged).toEqual(['windows']);
    expect(page.notJudged).toEqual([
      expect.stringMatching(/^denials: fixed-window:3\/4s:first does not say/),
    ]);
    const shown = page.tables.flatMap(({ head, rows }) => [head, ...rows]);
    expect(JSON.stringify([page.figures, shown, page.facts])).not.toMatch(/excess|policy/);
    expect(page.series?.byRegion[0]?.windows.reduce((sum, one) => sum + one)).toBe(1);
  });

  it('U8: has each finding once, and a proof of it', () => {
    const page = pageOf('fixed-window:3/4s:first', at(1, 1, 1, 1));
    expect(page.buckets[0]?.violations).toEqual([{ at: 3, kind: 'window', tokens: 1 }]);
    expect(page.worst[0]).toMatchObject({ windows: 1, totalExcess: 0, worstWindow: 0 });
    expect(page.worst[0]?.proofs.map(({ kind, count }) => [kind, count])).toEqual([['window', 1]]);
  });

  it('U8: names no bucket for what only a token bucket would find', () => {
    const page = pageOf('fixed-window:3/4s:first', at(1, 1, 1, 6, 6));
    expect(page.verdict).not.toBe('fail');
    expect(page.buckets.map(({ violations }) => violations)).toEqual([[]]);
    expect(page.worst[0]?.proofs).toEqual([]);
  });

  it('U8: has the policy of a token bucket', () => {
    const page = pageOf('token-bucket', at(1));
    expect(page.subject[1]).toEqual(['policy', '20:10/s']);
    expect(page.judged).toEqual(['excess', 'falseDenials']);
    expect(page.span).toBeUndefined();
  });

  it.each([
    { promise: 'sliding-window:3/4s', limits: [3], says: /within one window of 4 s: more than 3 break/ },
    { promise: 'sliding-counter:3/4s', limits: [7], says: /counter of 3 in 4 s admits at most 7 in it/ },
    { promise: 'fixed-window:3/4s', limits: [3, 6], says: /at most 2 windows, .*: more than 6 break/ },
    {
      promise: 'fixed-window:3/4s:first',
      limits: [3, 6],
      says: /more than 3 where no request can have opened/,
    },
    {
      promise: 'fixed-window:3/4s:epoch',
      limits: [3],
      says: /in the window of 4 s so far: .* More than 3 break/,
    },
  ])('U8: says what is counted of $promise, and against which limits', ({ promise, limits, says }) => {
    const { span } = pageOf(promise, at(1));
    expect(span?.limits.map(({ tokens }) => tokens)).toEqual(limits);
    expect(span?.about).toMatch(says);
    expect(span?.about.endsWith('at every moment of it.')).toBe(/^sliding-window|epoch$/.test(promise));
    expect(span?.counted).toMatchObject(
      promise.endsWith('epoch') ? { windowUs: 4 * S } : { lengthUs: 4 * S },
    );
  });

  it('U8: counts the span of the verdict, where that is longer than a window', () => {
    const page = pageOf('fixed-window:3/4s', at(0, 0, 0, 0, 3, 3, 7.5, 7.5, 7.5, 7.5));
    expect(page.span?.counted).toEqual({ lengthUs: 4 * S });
    expect(page.buckets[0]?.span).toMatchObject({
      counted: { lengthUs: 8 * S },
      limits: [{ name: 'limit of 3 windows', tokens: 9 }],
    });
  });
});

/** The count of the chart at each sign of a broken window, beside what the verdict says that it is above. */
function signsOf(
  page: RunPage,
): { readonly count: number; readonly excess: number; readonly limits: number[] }[] {
  return page.buckets.flatMap((bucket) => {
    const span = bucket.span ?? page.span;
    if (span === undefined) throw new Error('a promise of windows has a span');
    const operations = collectOperations(bucket, page.regions);
    const { timesUs, tokens } = windowCounts(operations, span.counted, Number.POSITIVE_INFINITY);
    return bucket.violations.flatMap((violation) => {
      const atUs = operations[violation.at]?.lastUs ?? 0;
      if (violation.kind !== 'window') return [];
      const count = tokens[timesUs.findLastIndex((us) => us <= atUs)] ?? 0;
      return [{ count, excess: violation.tokens, limits: span.limits.map((limit) => limit.tokens) }];
    });
  });
}

describe.each([
  'sliding-window:3/4s',
  'sliding-counter:3/4s',
  'fixed-window:3/4s',
  'fixed-window:3/4s:first',
  'fixed-window:3/4s:epoch',
])('the chart of %s', (promise) => {
  it('U8: is above a limit, by at least what the verdict says, at each sign', () => {
    const random = makeRandom(8, promise);
    let signs = 0;
    for (let round = 0; round < 15; round++) {
      const parts = Array.from({ length: 40 }, (): OperationPart => {
        const invokedUs = SINCE_1970_S * S + Math.floor(random() * 20 * S);
        return { invokedUs, completedUs: invokedUs + Math.floor(random() * S) };
      });
      for (const { count, excess, limits } of signsOf(pageOf(promise, parts))) {
        signs++;
        expect(limits.some((limit) => count >= limit + excess)).toBe(true);
      }
    }
    expect(signs).toBeGreaterThan(15);
  });
});
