import type { Policy } from '../../core/policy.ts';
import type { ClockSlack } from '../clocks/bounds.ts';

/** The most that a bucket or a window can hold at a moment, from the admissions that had certainly been charged. */
export interface HighestLevel {
  /** An admission begins: the place that `finish` needs. Times must not decrease. */
  begin(us: number): number;
  /** The admission that began at this place has ended: it was charged in between. */
  finish(place: number, charge: Charge): void;
  /** The highest level at `us`. */
  at(us: number): number;
  /** The highest level at any moment between, given the highest at every `finish` in between and at the end. */
  within(fromUs: number, untilUs: number, highest: number): number;
  /** The highest level from then until `untilUs`, if it was at most `level` at `fromUs` and nothing was charged since. */
  later(level: number, fromUs: number, untilUs: number): number;
}

/** The charge of an admission that has ended. */
export interface Charge {
  readonly row: number;
  readonly lastUs: number;
  readonly quanta: number;
}

/** Beyond this, the refill since the last corner is no longer counted from there. */
const FAR = 2 ** 51;
const EXACT = 2 ** 53;

/**
 * The highest level of an ideal bucket over all placements of its operations. An early charge leaves the most room for
 * refill, so each admission that has ended is charged at its invocation, and one in flight is not charged. With W(s, t)
 * the admissions wholly within [s, t],
 *   highest(t) = min(C, r * epsilon + min over s <= t of  C + r (1 + rho)(t - s) - W(s, t)).
 *
 * Admissions end in another order than they begin. A charge that is inserted at an earlier moment lowers the level from
 * then on, until refill that had found no room makes up for it. So the refill that found no room is kept, by its time,
 * and a charge uses up the earliest of it after its invocation; only the rest lowers the level.
 *
 * A bucket that admitted more than an ideal one counts as empty: its excess is a finding of its own.
 *
 * Levels in quanta, refill rounded up. O(log n) for each operation on average.
 */
export class HighestBucketLevel implements HighestLevel {
  readonly #capacity: number;
  readonly #speed: number;
  readonly #guard: number;
  readonly #slackQuanta: number;
  #level: number;
  /** The level is that at `#cornerUs`; refill since then is added. */
  #cornerUs = Number.NaN;
  /** Refill that found no room, by time. */
  #spilled = new Float64Array(256);
  /** The first place from here on that may have some left. */
  #next = new Uint32Array(256);
  #places = 0;
  #open = 0;

  constructor({ capacityQuanta, quantaPerUs }: Policy, { rhoPpm, epsilonUs }: ClockSlack) {
    this.#capacity = capacityQuanta;
    this.#level = capacityQuanta;
    this.#speed = quantaPerUs * Math.max(0, 1 + rhoPpm / 1_000_000);
    this.#guard = rhoPpm === 0 ? 0 : 1;
    this.#slackQuanta = Math.ceil(epsilonUs * quantaPerUs);
  }

  /** The most refill in a time, rounded up. */
  refillIn(us: number): number {
    return Math.ceil(Math.max(0, us) * this.#speed) + this.#guard;
  }

  begin(us: number): number {
    this.#refillTo(us);
    if (this.#open++ === 0) this.#places = 0;
    return this.#places;
  }

  finish(place: number, { lastUs, quanta }: Charge): void {
    this.#refillTo(lastUs);
    let left = quanta;
    for (let at = this.#find(place); at < this.#places && left > 0; at = this.#find(at + 1)) {
      const used = Math.min(left, this.#spilled[at] as number);
      this.#spilled[at] = (this.#spilled[at] as number) - used;
      left -= used;
      if (this.#spilled[at] === 0) this.#next[at] = at + 1;
    }
    this.#level -= left;
    const level = this.#levelAt(lastUs);
    if (level < 0) this.#level -= level;
    this.#open--;
  }

  at(us: number): number {
    this.#refillTo(us);
    return Math.min(this.#capacity, this.#levelAt(us) + this.#slackQuanta);
  }

  within(_fromUs: number, _untilUs: number, highest: number): number {
    return highest; // between the ends of admissions it only rises
  }

  later(level: number, fromUs: number, untilUs: number): number {
    return Math.min(this.#capacity, level + this.#slackQuanta + this.refillIn(untilUs - fromUs));
  }

  #levelAt(us: number): number {
    return this.#level + (us > this.#cornerUs ? this.refillIn(us - this.#cornerUs) : 0);
  }

  #refillTo(us: number): void {
    if (Number.isNaN(this.#cornerUs)) this.#cornerUs = us;
    if (us <= this.#cornerUs) return;
    const refill = this.refillIn(us - this.#cornerUs);
    const level = this.#level + refill;
    if (level >= this.#capacity) {
      if (this.#open > 0) this.#spill(refill < EXACT ? level - this.#capacity : Number.POSITIVE_INFINITY);
      this.#level = this.#capacity;
      this.#cornerUs = us;
    } else if (refill >= FAR) {
      this.#level = level;
      this.#cornerUs = us;
    }
  }

  #spill(quanta: number): void {
    if (quanta === 0) return;
    if (this.#places === this.#spilled.length) this.#grow();
    this.#spilled[this.#places] = quanta;
    this.#next[this.#places] = this.#places;
    this.#places++;
  }

  /** The first place from `place` on with refill left. */
  #find(place: number): number {
    let at = place;
    while (at < this.#places && this.#next[at] !== at) at = this.#next[at] as number;
    for (let one = place; one < this.#places && this.#next[one] !== one; ) {
      const next = this.#next[one] as number;
      this.#next[one] = at;
      one = next;
    }
    return at;
  }

  #grow(): void {
    const [spilled, next] = [this.#spilled, this.#next];
    this.#spilled = new Float64Array(2 * spilled.length);
    this.#next = new Uint32Array(2 * next.length);
    this.#spilled.set(spilled);
    this.#next.set(next);
  }
}
