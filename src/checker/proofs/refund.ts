import { countWhile } from '../rows/sort-rows.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { Drop } from './drops.ts';

/**
 * Tokens that came back at some time between `fromUs` and `lastUs`; that is Infinity if unknown. One refund is worth at
 * most one capacity, since a bucket holds no more.
 */
export interface Refund {
  readonly fromUs: number;
  readonly lastUs: number;
  readonly quanta: number;
  /** Whether it certainly came back within these times; else it may never have. */
  readonly isCertain?: boolean;
}

/** Sums of refunds by time, in quanta. Where they are too large to be exact, they are rounded to give more. */
export class RefundSums {
  readonly all: readonly Refund[];
  readonly #begins: Steps;
  readonly #ends: Steps;
  /** More than the rounding of all additions. */
  readonly #margin: number;

  private constructor(refunds: readonly Refund[]) {
    this.all = refunds;
    this.#begins = new Steps(refunds.map(({ fromUs, quanta }) => [fromUs, quanta]));
    this.#ends = new Steps(refunds.map(({ lastUs, quanta }) => [lastUs, quanta]));
    const total = this.#begins.sum(() => true);
    this.#margin = total < 2 ** 52 ? 0 : total * 2 ** -52 * (refunds.length + 8);
  }

  /** undefined: there are none. `refunds` in the order of `fromUs`. */
  static of(refunds: readonly Refund[]): RefundSums | undefined {
    return refunds.length === 0 ? undefined : new RefundSums(refunds);
  }

  /** What can have been refunded by then. */
  until(us: number): number {
    return this.#begins.sum((fromUs) => fromUs <= us) + this.#margin;
  }

  /** What can only have been refunded earlier. */
  before(us: number): number {
    return this.#ends.sum((lastUs) => lastUs < us) - this.#margin;
  }

  /** The most that can have been refunded within [startUs, endUs]. */
  within(startUs: number, endUs: number): number {
    return this.until(endUs) - this.before(startUs);
  }
}

/** Prefix sums of amounts by time. */
class Steps {
  readonly #times: readonly number[];
  readonly #sums: readonly number[];

  constructor(steps: readonly (readonly [us: number, quanta: number])[]) {
    const sorted = steps.toSorted(([a], [b]) => (a === b ? 0 : a - b)); // Infinity - Infinity is NaN
    let sum = 0;
    this.#times = sorted.map(([us]) => us);
    this.#sums = [0, ...sorted.map(([, quanta]) => (sum += quanta))];
  }

  sum(holds: (us: number) => boolean): number {
    return this.#sums[countWhile(this.#times, this.#times.length, holds)] ?? 0;
  }
}

const heap = new DeadlineHeap();

/**
 * The part of the drops that refunds cannot pay for. `drops` in the order of their deadlines, `refunds` in the order of
 * `fromUs`.
 *
 * A busy period of EDF begins with the invocation x of its first job, when no work is left. No job of it took effect
 * before x, and whatever was refunded before, the bucket held at most C at x. So with undone(t) the work of the period
 * that EDF has dropped by the deadline t,
 *   undone(t) <= minted in [x, t] + refunded in [x, t],
 * since EDF leaves the least of every prefix of deadlines undone. A period ends before the next begins, and so do its
 * missed deadlines, so no minted or refunded token counts in two periods. A refund that can have happened in [fromUs,
 * lastUs] can therefore pay exactly for the drops with fromUs <= deadline and lastUs >= x. Both bounds rise from drop to
 * drop, so paying with the refund that expires first covers the most, and the rest is the least that was minted.
 */
export function* coverByRefunds<D extends Pick<Drop, 'quanta' | 'busyFromUs'>>(
  drops: Iterable<D>,
  refunds: readonly Refund[],
  deadlineOf: (drop: D) => number,
): Generator<D> {
  let next = 0;
  heap.size = 0;
  for (const drop of drops) {
    const { quanta, busyFromUs } = drop;
    const deadlineUs = deadlineOf(drop);
    for (let refund = refunds[next]; refund !== undefined; refund = refunds[++next]) {
      if (refund.fromUs > deadlineUs) break;
      heap.push(refund.lastUs, refund.quanta, 0);
    }
    let left = quanta;
    while (heap.size > 0 && left > 0) {
      const worth = heap.works[0] as number;
      if ((heap.deadlines[0] as number) < busyFromUs || worth <= left) {
        if ((heap.deadlines[0] as number) >= busyFromUs) left -= worth;
        heap.pop();
      } else {
        heap.works[0] = worth - left;
        left = 0;
      }
    }
    if (left > 0) yield { ...drop, quanta: left };
  }
}
