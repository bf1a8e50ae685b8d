import type { WindowPromise } from '../../core/promise.ts';
import { KIND } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Reset } from '../rows/resets.ts';
import { rowsWhere } from '../rows/sort-rows.ts';
import { alignedWindows } from './aligned.ts';
import { type BrokenWindow, BrokenWindows } from './broken-windows.ts';
import type { WindowClock } from './clock.ts';
import { leastAtAnyPhase, provePhases } from './phases.ts';
import { Spans } from './spans.ts';

/**
 * Fixed and sliding windows, from intervals. An operation counts for a window only if its whole interval lies inside:
 * then it was admitted there, whenever it took effect. W is the length, N the limit.
 *
 * Sliding (the exact log): no span shorter than W may hold more than N. Sliding counter: see `counterAllowance`. Fixed,
 * aligned to the epoch: no window [kW, (k+1)W) may hold more than N. If the time of day of the limiter's clock is
 *   unknown, see `provePhases`; in addition, the conditions for any sequence of windows.
 * Fixed, unknown alignment: windows do not overlap, so a span shorter than k * W meets at most k + 1 of them and may
 *   hold at most N times as many. No sequence of disjoint windows exceeds that.
 * Fixed, starting with an operation: a span shorter than W that holds more than N meets two windows, and the first of
 *   them opened in [s - W, e - W] with an operation. If no operation can have been there, it is a finding.
 *
 * Refunds possible within the span make room for as much again, and a reset makes room for N. Each has one moment: what
 * excuses every span alone need not excuse all of them, see `brokenTogether`. No limiter admits a cost above N.
 *
 * Sound, not complete: of two windows that share a burst, every placement is considered possible.
 *
 * Returns the spans of one bucket that break the promise and start at `judgedFromUs` or later, one for each end of such a
 * span. O(n log n).
 */
export function findBrokenWindows(
  bucket: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  resets: readonly Reset[] = [],
  judgedFromUs = Number.NEGATIVE_INFINITY,
): BrokenWindows {
  const spans = new Spans(bucket, { promise, clock, rows: admissionsOf(bucket), resets, judgedFromUs });
  const found = brokenSpans(bucket, spans, { promise, clock, judgedFromUs });
  return found.length > 0 ? found : costsAboveLimit(bucket, spans, promise);
}

function brokenSpans(
  bucket: BucketRows,
  spans: Spans,
  {
    promise,
    clock,
    judgedFromUs,
  }: { readonly promise: WindowPromise; readonly clock: WindowClock; readonly judgedFromUs: number },
): BrokenWindows {
  if (promise.type === 'sliding-window') return spans.shorterThan(1, promise.limit);
  if (promise.type === 'sliding-counter')
    return firstFound(COUNTER_LENGTHS, (windows) =>
      spans.shorterThan(windows, counterAllowance(promise, windows)),
    );
  if (promise.alignment === 'epoch') {
    const aligned = alignedWindows(promise, clock);
    if (aligned !== undefined) return spans.inAlignedWindows(aligned);
    const broken = brokenAtEveryPhase(bucket, promise, clock, spans);
    if (broken !== undefined && broken.startUs >= judgedFromUs) {
      const found = new BrokenWindows();
      found.add(broken);
      return found;
    }
  }
  const unopened = promise.alignment === 'first' ? spans.withoutOpening() : new BrokenWindows();
  return unopened.length > 0 ? unopened : spans.meetingWindows();
}

/** Admissions of more than a whole limit. A counter that rounds its weighted part may admit less than one token more. */
function costsAboveLimit({ table }: BucketRows, spans: Spans, { type, limit }: WindowPromise): BrokenWindows {
  const found = new BrokenWindows();
  const allowance = type === 'sliding-counter' ? limit + 1 : limit;
  for (const row of spans.rows) {
    const [startUs, endUs] = [table.invokedUs[row] as number, table.lastUs(row)];
    found.add({ row, startUs, endUs, allowance, admitted: table.costTokens[row] as number });
  }
  return found;
}

/**
 * How many more tokens each window could have admitted unseen: the least, over the judged spans, of the allowance minus
 * the admissions wholly inside, divided by the number of windows that the span certainly holds.
 */
export function windowHeadroom(
  bucket: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  resets: readonly Reset[] = [],
): number {
  const judgedFromUs = Number.NEGATIVE_INFINITY;
  const spans = new Spans(bucket, { promise, clock, rows: admissionsOf(bucket), resets, judgedFromUs });
  return Math.max(0, computeRoom(bucket, promise, clock, spans));
}

function computeRoom(bucket: BucketRows, promise: WindowPromise, clock: WindowClock, spans: Spans): number {
  const { limit } = promise;
  if (promise.type === 'sliding-window') return spans.roomWithin(1, limit);
  if (promise.type === 'sliding-counter') {
    const allowedIn = (windows: number) => counterAllowance(promise, windows);
    return SHORT_COUNTER_LENGTHS.reduce(
      (least, windows) => Math.min(least, spans.roomWithin(windows, allowedIn(windows))),
      spans.roomInEach(allowedIn),
    );
  }
  if (promise.alignment === 'any') return spans.roomInEach();
  if (promise.alignment === 'first')
    return Math.min(spans.roomWithin(1, limit, spans.isUnopened), spans.roomInEach());
  const aligned = alignedWindows(promise, clock);
  if (aligned !== undefined) return spans.roomInAlignedWindows(aligned);
  const context = phaseContext(promise, clock, spans);
  const room = context.allowance - leastAtAnyPhase(bucket.table, spans.rows, context);
  return Math.min(room, spans.roomInEach());
}

/**
 * The most that a sliding counter can admit in a span shorter than L = `windows` * W: N (1 + L / W) + 1.
 *
 * Two cells, the older one weighted (Cloudflare's): in the cell i, at the share f of it, c_i <= N - c_(i-1) (1 - f). So
 * every cell holds at most N, and the last cell of a span, cut at f, at most N - c (1 - f), with c of the cell before. A
 * span that meets the end of a cell, m whole ones and f of the last holds at most
 *   N + (m - 1) N + c + N - c (1 - f) = N + m N + c f <= N (1 + m + f), and is at least (m + f) W long.
 * Counters that round the weighted part, or check before they count, admit less than one token more.
 *
 * n cells of W / n, n >= 2, that hold at most N in any n of them: a span shorter than j W / 16 <= W / 2 meets at most n
 * of them; one shorter than k W / 2 meets at most ceil(k n / 2) + 1, which hold at most
 *   N ceil((ceil(k n / 2) + 1) / n) <= N (1 + k / 2).
 * At other lengths such counters may admit more at once, so only these lengths are checked.
 */
export function counterAllowance({ limit }: WindowPromise, windows: number): number {
  return Math.floor(limit * (1 + windows)) + 1;
}

/** Of one window. */
const SHORT_COUNTER_LENGTHS = Array.from({ length: 8 }, (_, at) => (at + 1) / 16);
const COUNTER_LENGTHS = [...SHORT_COUNTER_LENGTHS, ...Array.from({ length: 127 }, (_, at) => (at + 2) / 2)];

function firstFound(lengths: readonly number[], find: (length: number) => BrokenWindows): BrokenWindows {
  for (const length of lengths) {
    const found = find(length);
    if (found.length > 0) return found;
  }
  return new BrokenWindows();
}

/** A refund at any time makes room in every window, since its window is unknown. */
function phaseContext({ limit, windowUs }: WindowPromise, { wanderUs, offset }: WindowClock, spans: Spans) {
  const refunded = spans.refundedWithin(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  return { windowUs, wanderUs, allowance: limit + refunded, ...(offset && { offset }) };
}

function brokenAtEveryPhase(
  bucket: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  spans: Spans,
): BrokenWindow | undefined {
  const { table } = bucket;
  const context = phaseContext(promise, clock, spans);
  const pieces = provePhases(table, spans.rows, context);
  if (pieces === undefined) return undefined;
  const rows = pieces.flatMap((piece) => piece.rows);
  return {
    row: rows.reduce((last, row) => (table.lastUs(row) > table.lastUs(last) ? row : last)),
    startUs: rows.reduce(
      (first, row) => Math.min(first, table.invokedUs[row] as number),
      Number.POSITIVE_INFINITY,
    ),
    endUs: rows.reduce((last, row) => Math.max(last, table.lastUs(row)), 0),
    allowance: context.allowance,
    admitted: pieces.reduce((least, { admitted }) => Math.min(least, admitted), Number.POSITIVE_INFINITY),
    pieces,
  };
}

/** A smallest proof that a span exceeds its allowance: without any one of its operations, the rest does not. */
export function proveBrokenWindow(bucket: BucketRows, window: BrokenWindow): number[] {
  const { table } = bucket;
  if (window.together !== undefined) return window.together.windows.flatMap((one) => rowsWithin(bucket, one));
  if (window.pieces !== undefined)
    return [...new Set(window.pieces.flatMap(({ rows }) => rows))].sort(
      (a, b) => table.lastUs(a) - table.lastUs(b),
    );
  const cost = (row: number) => table.costTokens[row] as number;
  const inside = rowsWithin(bucket, window);
  let left = inside.reduce((sum, row) => sum + cost(row), 0);
  const leftOut = new Set<number>();
  for (const row of inside.toSorted((a, b) => cost(a) - cost(b))) {
    if (left - cost(row) <= window.allowance) break;
    left -= cost(row);
    leftOut.add(row);
  }
  return inside.filter((row) => !leftOut.has(row));
}

/** The admissions wholly inside, in the order of completion. */
function rowsWithin(bucket: BucketRows, { startUs, endUs }: BrokenWindow): number[] {
  const { table } = bucket;
  return [
    ...rowsWhere(
      admissionsOf(bucket),
      (row) => (table.invokedUs[row] as number) >= startUs && table.lastUs(row) <= endUs,
    ),
  ];
}

/** Admissions in the order of completion. */
function admissionsOf(bucket: BucketRows): Uint32Array {
  bucket.loadByLast();
  const { kinds } = bucket.table;
  return rowsWhere(
    bucket.byLast.subarray(0, bucket.lastCount),
    (row) => ((kinds[row] as number) & KIND.outcome) === KIND.allowed,
  );
}
