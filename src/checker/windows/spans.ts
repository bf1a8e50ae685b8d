import { given } from '../../core/given.ts';
import type { WindowPromise } from '../../core/promise.ts';
import { collectRefunds } from '../proofs/collect-refunds.ts';
import { type Refund, RefundSums } from '../proofs/refund.ts';
import { Sums } from '../proofs/sums.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Reset } from '../rows/resets.ts';
import { type AlignedWindows, insideOf, windowNumber } from './aligned.ts';
import { type BrokenWindow, BrokenWindows } from './broken-windows.ts';
import type { WindowClock } from './clock.ts';
import { Openers } from './openers.ts';
import { brokenTogether, type Excused } from './together.ts';

interface SpansOf {
  readonly promise: WindowPromise;
  readonly clock: WindowClock;
  /** Admissions, in the order of completion. */
  readonly rows: Uint32Array;
  readonly resets: readonly Reset[];
  /** Only spans that start then or later are judged. */
  readonly judgedFromUs: number;
}

/** The spans of one bucket that hold more than the windows allow. */
export class Spans {
  readonly rows: Uint32Array;
  readonly #bucket: BucketRows;
  readonly #promise: WindowPromise;
  readonly #clock: WindowClock;
  readonly #judgedFromUs: number;
  /** In tokens. */
  readonly #refunds: readonly Refund[];
  readonly #refundSums: RefundSums | undefined;
  /** Costs of all rows. */
  readonly #total: number;
  #openers: Openers | undefined;

  constructor(bucket: BucketRows, { promise, clock, rows, resets, judgedFromUs }: SpansOf) {
    this.#bucket = bucket;
    this.#promise = promise;
    this.#clock = clock;
    this.rows = rows;
    this.#judgedFromUs = judgedFromUs;
    const full = { capacityTokens: promise.limit, quantaPerToken: 1 };
    this.#refunds = collectRefunds(bucket, { full, clock, resets });
    this.#refundSums = RefundSums.of(this.#refunds);
    this.#total = rows.reduce((sum, row) => sum + (bucket.table.costTokens[row] as number), 0);
  }

  /** The spans shorter than `windows` windows of the limiter's clock that satisfy `isSuch` and hold more than `allowed`. */
  shorterThan(
    windows: number,
    allowed: number,
    {
      isSuch = () => true,
      openedWithin,
      touches,
    }: {
      touches?: number;
      isSuch?: (startUs: number, endUs: number) => boolean;
      openedWithin?: (startUs: number, endUs: number) => { fromUs: number; toUs: number };
    } = {},
  ): BrokenWindows {
    const { table } = this.#bucket;
    const lengthUs = this.#leastOnRecorder(windows * this.#promise.windowUs);
    const mostUs = this.#mostOnRecorder(this.#promise.windowUs); // a window that meets the span began at most so much earlier
    const found = new BrokenWindows();
    if (this.#total <= allowed || !this.#mayHold(lengthUs, allowed)) return found;
    const sums = new Sums(this.#bucket, this.rows);
    const excused: Excused[] = [];
    for (const row of this.rows) {
      const endUs = table.lastUs(row);
      const startUs = endUs - lengthUs + 1;
      sums.add(row, table.costTokens[row] as number);
      if ((table.invokedUs[row] as number) < startUs) continue;
      const admitted = sums.since(startUs);
      if (admitted <= allowed || startUs < this.#judgedFromUs || !isSuch(startUs, endUs)) continue;
      const opened = openedWithin?.(startUs, endUs);
      const window = { row, startUs, endUs, allowance: allowed, admitted, ...given({ touches }) };
      const returned = this.refundedWithin(startUs - mostUs, endUs);
      found.add({ ...window, allowance: allowed + returned }, opened);
      if (returned > 0) excused.push({ window, fromUs: startUs - mostUs, untilUs: endUs, opened });
    }
    return this.#orTogether(found, excused);
  }

  /** What is broken on its own; if nothing is, all that refunds cannot excuse together. */
  #orTogether(found: BrokenWindows, excused: readonly Excused[]): BrokenWindows {
    if (found.length > 0 || excused.length < 2) return found;
    return brokenTogether(excused, this.#refunds);
  }

  /**
   * The broken spans of one window, else of two, and so on. Beyond MOST_COUNTS windows each length is twice the one
   * before. Ends once all tokens are allowed.
   */
  meetingWindows(): BrokenWindows {
    const spanUs = this.#spanUs();
    const { windowUs } = this.#promise;
    for (let windows = 1; ; windows = countAfter(windows, MOST_COUNTS)) {
      const allowed = this.#meeting(windows);
      const found = this.shorterThan(windows, allowed, { touches: windows + 1 });
      if (found.length > 0 || this.#total <= allowed || windows * windowUs > spanUs) return found;
    }
  }

  /** The spans shorter than a window that exceed the limit and in which no second window can have begun. */
  withoutOpening(): BrokenWindows {
    return this.shorterThan(1, this.#promise.limit, {
      isSuch: this.isUnopened,
      openedWithin: this.#openedWithin,
    });
  }

  /** Whether no operation can have opened a window that ended within this span. */
  readonly isUnopened = (startUs: number, endUs: number): boolean => {
    const { fromUs, toUs } = this.#openedWithin(startUs, endUs);
    if (fromUs <= this.#clock.knownFromUs) return false;
    this.#openers ??= new Openers(this.#bucket);
    return !this.#openers.anyWithin(fromUs, toUs);
  };

  readonly #openedWithin = (startUs: number, endUs: number): { fromUs: number; toUs: number } => {
    const { windowUs } = this.#promise;
    return {
      fromUs: startUs - this.#mostOnRecorder(windowUs),
      toUs: endUs - this.#leastOnRecorder(windowUs),
    };
  };

  /** The least room in spans shorter than `windows` windows that satisfy `isSuch`. */
  roomWithin(
    windows: number,
    allowed: number,
    isSuch: (startUs: number, endUs: number) => boolean = () => true,
  ): number {
    const { table } = this.#bucket;
    const { windowUs } = this.#promise;
    const lengthUs = this.#leastOnRecorder(windows * windowUs);
    const sums = new Sums(this.#bucket, this.rows);
    let least = allowed;
    for (const row of this.rows) {
      const endUs = table.lastUs(row);
      const startUs = endUs - lengthUs + 1;
      sums.add(row, table.costTokens[row] as number);
      const room = allowed - sums.since(startUs);
      if (room < least && isSuch(startUs, endUs))
        least = Math.min(least, room + this.refundedWithin(startUs - this.#mostOnRecorder(windowUs), endUs));
    }
    return least;
  }

  /**
   * The least room for each window in spans as long as several windows; `allowedIn` is the allowance of a span. Beyond
   * MOST_ROOMS windows each length is twice the one before.
   */
  roomInEach(allowedIn: (windows: number) => number = (windows) => this.#meeting(windows)): number {
    const { limit, windowUs } = this.#promise;
    const spanUs = this.#spanUs();
    let least = limit;
    for (let windows = 1; windows * windowUs <= spanUs; windows = countAfter(windows, MOST_ROOMS))
      least = Math.min(least, this.roomWithin(windows, allowedIn(windows)) / windows);
    return least;
  }

  /** The least room in a window of the epoch. */
  roomInAlignedWindows(aligned: AlignedWindows): number {
    const { limit } = this.#promise;
    return this.#inEach(aligned).reduce(
      (least, { admitted, allowance }) => Math.min(least, allowance - admitted),
      limit,
    );
  }

  /** The broken windows of the epoch: the operations that lie in one for certain were admitted in it. */
  inAlignedWindows(aligned: AlignedWindows): BrokenWindows {
    const found = new BrokenWindows();
    const excused: Excused[] = [];
    const { limit } = this.#promise;
    const aroundUs = aroundOf(aligned);
    for (const window of this.#inEach(aligned)) {
      const { startUs, endUs, allowance, admitted } = window;
      if (startUs < this.#judgedFromUs) continue;
      found.add(window);
      if (admitted > limit && allowance > limit)
        excused.push({
          window: { ...window, allowance: limit },
          fromUs: startUs - aroundUs,
          untilUs: endUs + aroundUs,
        });
    }
    return this.#orTogether(found, excused);
  }

  /** Each window with the operations that lie in it for certain. */
  #inEach(aligned: AlignedWindows): BrokenWindow[] {
    const { table } = this.#bucket;
    const sums = new Map<number, { admitted: number; row: number }>();
    for (const row of this.rows) {
      const us = table.invokedUs[row] as number;
      const number = windowNumber(aligned, us);
      const { startUs, endUs } = insideOf(aligned, number);
      if (us < startUs || table.lastUs(row) > endUs) continue;
      const admitted = (sums.get(number)?.admitted ?? 0) + (table.costTokens[row] as number);
      sums.set(number, { admitted, row });
    }
    const aroundUs = aroundOf(aligned);
    return [...sums].map(([number, { admitted, row }]) => {
      const { startUs, endUs } = insideOf(aligned, number);
      const returned = this.refundedWithin(startUs - aroundUs, endUs + aroundUs);
      return { row, startUs, endUs, allowance: this.#promise.limit + returned, admitted };
    });
  }

  /** The most that refunds and resets can have returned in [startUs, endUs]. */
  refundedWithin(startUs: number, endUs: number): number {
    return this.#refundSums?.within(startUs, endUs) ?? 0;
  }

  /** Whether some span of the length completed more than is allowed. Its operations include all that lie inside. */
  #mayHold(lengthUs: number, allowed: number): boolean {
    const { table } = this.#bucket;
    const cost = (at: number) => table.costTokens[this.rows[at] as number] as number;
    let [first, tokens] = [0, 0];
    for (let at = 0; at < this.rows.length; at++) {
      const startUs = table.lastUs(this.rows[at] as number) - lengthUs + 1;
      tokens += cost(at);
      for (; first < at && table.lastUs(this.rows[first] as number) < startUs; first++) tokens -= cost(first);
      if (tokens > allowed) return true;
    }
    return false;
  }

  #leastOnRecorder(lengthUs: number): number {
    return leastOnRecorder(lengthUs, this.#clock);
  }

  /** The greatest such length, for a clock that ran behind, or back. */
  #mostOnRecorder(lengthUs: number): number {
    return mostOnRecorder(lengthUs, this.#clock);
  }

  /** The allowance of a span shorter than so many windows: it meets them and one more. */
  #meeting(windows: number): number {
    return (windows + 1) * this.#promise.limit;
  }

  #spanUs(): number {
    const { table } = this.#bucket;
    const last = this.rows.at(-1);
    if (last === undefined) return 0;
    const firstUs = this.rows.reduce(
      (least, row) => Math.min(least, table.invokedUs[row] as number),
      Number.POSITIVE_INFINITY,
    );
    return table.lastUs(last) - firstUs;
  }
}

/** The window of an operation that lies in it for certain can begin so much earlier, or end so much later. */
function aroundOf({ wanderUs }: AlignedWindows): number {
  return Math.ceil(2 * wanderUs) + 1;
}

/** The next count of windows: one more up to `most`, then twice as many. */
function countAfter(windows: number, most: number): number {
  return windows < most ? windows + 1 : 2 * windows;
}

/** Every count of windows up to this is checked. */
const MOST_COUNTS = 64;
/** The same of headroom. */
const MOST_ROOMS = 8;

/** The least length on the recorder's clock of a length on the limiter's, which may have run ahead. */
export function leastOnRecorder(lengthUs: number, { rhoPpm, epsilonUs }: WindowClock): number {
  return Math.max(0, Math.floor(lengthUs / (1 + Math.max(0, rhoPpm) / 1_000_000)) - epsilonUs);
}

/** The greatest length on the recorder's clock of a length on the limiter's; Infinity if that clock may stand still. */
export function mostOnRecorder(
  lengthUs: number,
  { slowPpm, epsilonUs, backwardUs, spreadUs }: WindowClock,
): number {
  const rate = Math.max(0, 1 + Math.min(0, slowPpm) / 1_000_000);
  return Math.ceil(lengthUs / rate) + epsilonUs + backwardUs + spreadUs;
}
