import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockSlack } from './clock.ts';
import { Fillers } from './fillers.ts';
import { countWhile } from './order.ts';
import type { Promised } from './promise.ts';
import { Sums } from './sums.ts';

/**
 * Fixed and sliding windows, from intervals. An operation counts for a window only when its whole interval lies
 * inside: then it was admitted in there whenever it took effect. W is the length, N the limit.
 *
 * Sliding (the exact log): no span shorter than W may hold more than N.
 * Fixed, aligned to the epoch: no window [kW, (k+1)W) may hold more than N.
 * Fixed, alignment not said: windows do not overlap, so a span [s, e] meets at most floor((e - s)/W) + 2 of them
 *   and may hold at most N times as many. Convicting beyond that accuses no sequence of disjoint windows.
 * Fixed, starting with an operation: a span shorter than W that holds more than N meets two windows, and the
 *   first of them opened in [s - W, e - W] with an operation. Where none can have been there, it is guilty.
 *
 * Refunds that can have been made within the span make room for as much again, and so does a reset for N.
 *
 * Sound, not complete: two windows that share a burst are given the benefit of every placement.
 */
export type WindowPromise = Exclude<Promised, { type: 'token-bucket' }>;

/** A span that holds more than is promised. Tokens. */
export interface BrokenWindow {
  /** The admission that was one too many. */
  readonly row: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly allowance: number;
  readonly admitted: number;
}

/** How the clock that the limiter's windows run on relates to the recorder's. */
export interface WindowClock extends ClockSlack {
  /** Server minus recorder, within `offsetErrorUs`; only windows aligned to the epoch need it. */
  readonly offsetUs: number;
  readonly offsetErrorUs: number;
  /** Nothing is known of what was admitted before. */
  readonly knownFromUs: number;
}

/** The spans of one bucket that break the promise, one for each end at which one does. O(n log n). */
export function findBrokenWindows(
  bucket: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  resets: readonly number[] = [],
): BrokenWindow[] {
  const spans = new Spans(bucket, promise, clock, resets);
  if (promise.type === 'sliding-window') return spans.shorterThan(1, 1);
  if (promise.alignment === 'epoch') return spans.inAlignedWindows();
  const unopened = promise.alignment === 'first' ? spans.withoutOpening() : [];
  return unopened.length > 0 ? unopened : spans.meetingWindows();
}

/**
 * How many more tokens each window could have admitted without being seen: the least, over the spans that are judged, of
 * what is allowed in one less what was admitted wholly inside, shared by the windows that it is sure to hold.
 */
export function windowHeadroom(
  bucket: BucketRows,
  promise: WindowPromise,
  clock: WindowClock,
  resets: readonly number[] = [],
): number {
  return Math.max(0, new Spans(bucket, promise, clock, resets).headroom());
}

/** A smallest proof that a span is above its allowance: leave one out, and the rest is within. */
export function proveBrokenWindow(bucket: BucketRows, window: BrokenWindow): number[] {
  const { table } = bucket;
  const cost = (row: number) => table.costTokens[row] as number;
  const inside = [...admissionsOf(bucket)].filter(
    (row) => (table.invokedUs[row] as number) >= window.startUs && table.lastUs(row) <= window.endUs,
  );
  let left = inside.reduce((sum, row) => sum + cost(row), 0);
  const leftOut = new Set<number>();
  for (const row of inside.toSorted((a, b) => cost(a) - cost(b))) {
    if (left - cost(row) <= window.allowance) break;
    left -= cost(row);
    leftOut.add(row);
  }
  return inside.filter((row) => !leftOut.has(row));
}

/** Admissions in the order of completion. */
function admissionsOf(bucket: BucketRows): Uint32Array {
  bucket.loadByLast();
  const { kinds } = bucket.table;
  return bucket.byLast
    .subarray(0, bucket.lastCount)
    .filter((row) => ((kinds[row] as number) & KIND.outcome) === KIND.allowed);
}

class Spans {
  readonly #bucket: BucketRows;
  readonly #promise: WindowPromise;
  readonly #clock: WindowClock;
  readonly #rows: Uint32Array;
  readonly #resets: readonly number[];
  readonly #refunds: Fillers;
  #ends: Float64Array | undefined;

  constructor(bucket: BucketRows, promise: WindowPromise, clock: WindowClock, resets: readonly number[]) {
    this.#bucket = bucket;
    this.#promise = promise;
    this.#clock = clock;
    this.#rows = admissionsOf(bucket);
    this.#resets = resets.toSorted((a, b) => a - b);
    this.#refunds = Fillers.ofRows(bucket.table, bucket.refunds);
  }

  headroom(): number {
    const promise = this.#promise;
    if (promise.type === 'sliding-window') return this.#roomWithin(1, 1);
    if (promise.alignment === 'epoch') return this.#roomInAlignedWindows();
    const spanUs = this.#spanUs();
    let least = promise.alignment === 'first' ? this.#roomWithin(1, 1, this.#isUnopened) : promise.limit;
    for (let windows = 1; windows * promise.windowUs <= spanUs; windows *= 2)
      least = Math.min(least, this.#roomWithin(windows, windows + 1) / windows);
    return least;
  }

  /** The least room in spans shorter than `windows` windows, of those that are such. */
  #roomWithin(
    windows: number,
    limits: number,
    isSuch: (startUs: number, endUs: number) => boolean = () => true,
  ): number {
    const { table } = this.#bucket;
    const limit = this.#promise.limit * limits;
    const lengthUs = this.#onRecorder(windows * this.#promise.windowUs);
    const sums = new Sums(this.#bucket, this.#rows);
    let least = limit;
    for (const row of this.#rows) {
      const endUs = table.lastUs(row);
      const startUs = endUs - lengthUs + 1;
      sums.add(row, table.costTokens[row] as number);
      const room = limit - sums.since(startUs);
      if (room < least && isSuch(startUs, endUs))
        least = Math.min(least, room + this.#refundedWithin(startUs, endUs));
    }
    return least;
  }

  #roomInAlignedWindows(): number {
    const sums = [...this.#alignedSums()].map(([number, { admitted }]) => {
      const { startUs, endUs } = this.#alignedSpan(number);
      return this.#promise.limit + this.#refundedWithin(startUs, endUs) - admitted;
    });
    return sums.reduce((least, room) => Math.min(least, room), this.#promise.limit);
  }

  /** Spans shorter than `windows` windows of the limiter's clock that hold more than `limits` limits. */
  shorterThan(windows: number, limits: number): BrokenWindow[] {
    const { table } = this.#bucket;
    const limit = this.#promise.limit * limits;
    const lengthUs = this.#onRecorder(windows * this.#promise.windowUs);
    const sums = new Sums(this.#bucket, this.#rows);
    const found: BrokenWindow[] = [];
    for (const row of this.#rows) {
      const endUs = table.lastUs(row);
      const startUs = endUs - lengthUs + 1;
      sums.add(row, table.costTokens[row] as number);
      if ((table.invokedUs[row] as number) < startUs) continue;
      const admitted = sums.since(startUs);
      if (admitted <= limit) continue;
      const allowance = limit + this.#refundedWithin(startUs, endUs);
      if (admitted > allowance) found.push({ row, startUs, endUs, allowance, admitted });
    }
    return found;
  }

  /** Spans of one window, then of two, four ... up to the whole history: the first that show something. */
  meetingWindows(): BrokenWindow[] {
    const spanUs = this.#spanUs();
    for (let windows = 1; ; windows *= 2) {
      const found = this.shorterThan(windows, windows + 1);
      if (found.length > 0 || windows * this.#promise.windowUs > spanUs) return found;
    }
  }

  /** Short spans above the limit in which no second window can have begun. */
  withoutOpening(): BrokenWindow[] {
    return this.shorterThan(1, 1).filter(({ startUs, endUs }) => this.#isUnopened(startUs, endUs));
  }

  readonly #isUnopened = (startUs: number, endUs: number): boolean => {
    const { windowUs } = this.#promise;
    const sinceUs = startUs - windowUs - this.#clock.epsilonUs;
    return (
      sinceUs > this.#clock.knownFromUs && !this.#anyoneWithin(sinceUs, endUs - this.#onRecorder(windowUs))
    );
  };

  inAlignedWindows(): BrokenWindow[] {
    return [...this.#alignedSums()]
      .filter(([, { admitted }]) => admitted > this.#promise.limit)
      .map(([number, { admitted, row }]) => {
        const { startUs, endUs } = this.#alignedSpan(number);
        const allowance = this.#promise.limit + this.#refundedWithin(startUs, endUs);
        return { row, startUs, endUs, allowance, admitted };
      })
      .filter(({ admitted, allowance }) => admitted > allowance);
  }

  /** What was admitted wholly within each window aligned to the epoch, by its number. */
  #alignedSums(): Map<number, { admitted: number; row: number }> {
    const { table } = this.#bucket;
    const { offsetUs, offsetErrorUs } = this.#clock;
    const numberOf = (us: number) => Math.floor((us + offsetUs) / this.#promise.windowUs);
    const sums = new Map<number, { admitted: number; row: number }>();
    for (const row of this.#rows) {
      const number = numberOf((table.invokedUs[row] as number) - offsetErrorUs);
      if (numberOf(table.lastUs(row) + offsetErrorUs) !== number) continue;
      sums.set(number, {
        admitted: (sums.get(number)?.admitted ?? 0) + (table.costTokens[row] as number),
        row,
      });
    }
    return sums;
  }

  #alignedSpan(number: number): { startUs: number; endUs: number } {
    const { windowUs } = this.#promise;
    const { offsetUs, offsetErrorUs } = this.#clock;
    const startUs = number * windowUs - offsetUs + offsetErrorUs;
    return { startUs, endUs: startUs + windowUs - 1 - 2 * offsetErrorUs };
  }

  /** The most that refunds and resets can have given back in [startUs, endUs]; a reset may come long after it was asked for. */
  #refundedWithin(startUs: number, endUs: number): number {
    const resets = this.#resets.filter((us) => us <= endUs).length;
    return resets * this.#promise.limit - this.#refunds.costBetween(startUs, endUs);
  }

  /** A length on the limiter's clock, which may have run ahead, as the least it can be on the recorder's. */
  #onRecorder(lengthUs: number): number {
    const { rhoPpm, epsilonUs } = this.#clock;
    return Math.floor(lengthUs / (1 + Math.max(0, rhoPpm) / 1_000_000)) - epsilonUs;
  }

  #spanUs(): number {
    const { table } = this.#bucket;
    const last = this.#rows.at(-1);
    if (last === undefined) return 0;
    const firstUs = this.#rows.reduce(
      (least, row) => Math.min(least, table.invokedUs[row] as number),
      Number.POSITIVE_INFINITY,
    );
    return table.lastUs(last) - firstUs;
  }

  /** Whether any operation at all, denied ones included, can have taken effect in [fromUs, toUs]. */
  #anyoneWithin(fromUs: number, toUs: number): boolean {
    const { table, byInvoked, count } = this.#bucket;
    const started = countWhile(byInvoked, count, (row) => (table.invokedUs[row] as number) <= toUs);
    return started > 0 && (this.#latestEnds()[started - 1] as number) >= fromUs;
  }

  /** The latest end of all operations up to each place in the order of invocation. */
  #latestEnds(): Float64Array {
    if (this.#ends !== undefined) return this.#ends;
    const { table, byInvoked, count } = this.#bucket;
    const ends = new Float64Array(count);
    let latestUs = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) {
      latestUs = Math.max(latestUs, table.lastUs(byInvoked[at] as number));
      ends[at] = latestUs;
    }
    this.#ends = ends;
    return ends;
  }
}
