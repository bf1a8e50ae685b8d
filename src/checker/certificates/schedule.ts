import { DeadlineHeap } from '../proofs/deadline-heap.ts';
import { type Attempt, type Demands, type Gain, ROLE, type Sink } from './demands.ts';
import type { Ideal, Level, Miss } from './ideal.ts';
import { type Pending, UnknownCharges } from './unknown-charges.ts';

/** A denial that has found too many tokens so far. `needed`: how many too many, at least. */
interface Waiting<M extends Miss> extends Pending {
  needed: number;
  miss: M;
}

/** The scans of waiting denials for each operation, at most. */
const SCANS = 64;

const heap = new DeadlineHeap();

/**
 * Orders the operations of one bucket so that an ideal limiter gives the recorded answers. Every admission takes its tokens
 * as early as its interval and the level allow, the earliest deadline first. A denial is placed at the first moment at which
 * the level is below its cost.
 *
 * Taking early makes the level low at once; beginning a busy period late makes it low from then on. So where a
 * denial finds tokens, its busy period must begin later: `misses` says by how much, and by how much the admissions of the
 * period allow.
 */
export class Schedule<M extends Miss> {
  readonly #ideal: Ideal<M>;
  #demands!: Demands;
  #usesMaybes = false;
  #sink: Sink | undefined;
  #level!: Level<M>;
  #isFailed = false;
  #nextGain = 0;
  #scans = 0;
  #unknown!: UnknownCharges;
  #waiting: Waiting<M>[] = [];
  /** After a run: where denials found too many tokens. */
  misses = new Set<M>();
  /** After a run: the level before the first operation. */
  firstQuanta = 0;
  #hasPlaced = false;

  constructor(ideal: Ideal<M>) {
    this.#ideal = ideal;
  }

  /** Whether all admissions found a place; `misses` has the denials that did not. */
  run(all: Demands, attempt: Attempt, sink?: Sink): boolean {
    const demands = this.#ideal.arrange(all, attempt);
    this.#reset(demands, attempt, sink);
    const { order } = demands;
    for (let at = 0; at < order.length && !this.#isFailed; at++) this.#meet(order[at] as number);
    if (!this.#isFailed) this.#advance(Number.POSITIVE_INFINITY);
    if (!this.#isFailed) this.#finish();
    heap.release();
    return !this.#isFailed;
  }

  #reset(demands: Demands, attempt: Attempt, sink: Sink | undefined): void {
    this.#demands = demands;
    this.#usesMaybes = attempt.usesMaybes;
    this.#sink = sink;
    heap.clear(demands.order.length);
    this.#level = this.#ideal.begin(demands, attempt);
    this.#isFailed = false;
    this.#nextGain = 0;
    this.#scans = SCANS * demands.order.length + 1_000;
    this.#unknown = new UnknownCharges(demands, this.#level, (row) => this.#take(row, demands.untilUs(row)));
    this.#waiting = [];
    this.misses = new Set();
    this.firstQuanta = attempt.startQuanta;
    this.#hasPlaced = false;
  }

  /** Takes up an operation at its first moment. */
  #meet(row: number): void {
    const demands = this.#demands;
    const fromUs = demands.fromUs(row);
    if (heap.size + this.#waiting.length + this.#unknown.late.length + demands.gains.length > 0)
      this.#advance(fromUs);
    if (this.#isFailed) return;
    this.#unknown.explain(row, fromUs);
    this.#level.refill(fromUs);
    switch (demands.roleOf(row)) {
      case ROLE.take:
        this.#meetTake(row);
        break;
      case ROLE.denial:
        this.#meetDenial(row);
        break;
      case ROLE.maybe:
        this.#unknown.maybes.push({ row });
        break;
      default:
        this.#unknown.late.push({ row });
    }
  }

  #meetTake(row: number): void {
    const untilUs = this.#demands.untilUs(row);
    if (heap.size === 0 && this.#level.nowUs <= untilUs && this.#level.has(row)) {
      this.#take(row, untilUs);
      return;
    }
    heap.push(untilUs, 0, row);
    this.#advance(this.#level.nowUs);
  }

  #meetDenial(row: number): void {
    if (!this.#level.has(row)) this.#placeDenial(row);
    else this.#waiting.push({ row, needed: this.#level.needed(row), miss: this.#level.missOf(row) });
  }

  /** Places what has its turn up to this moment. */
  #advance(limitUs: number): void {
    while (!this.#isFailed) {
      const takeUs =
        heap.size > 0 ? this.#level.availableUs(heap.rows[0] as number) : Number.POSITIVE_INFINITY;
      if (takeUs !== Number.POSITIVE_INFINITY && takeUs > (heap.deadlines[0] as number)) {
        if (!this.#gain(heap.deadlines[0] as number)) this.#isFailed = true;
        continue;
      }
      const denialUs = this.#firstEnd(this.#waiting);
      const lateUs = this.#firstEnd(this.#unknown.late);
      const gainUs = this.#demands.gains[this.#nextGain]?.untilUs ?? Number.POSITIVE_INFINITY;
      const nextUs = Math.min(takeUs, denialUs, lateUs, gainUs);
      if (nextUs === Number.POSITIVE_INFINITY || nextUs > limitUs) return;
      this.#level.refill(nextUs);
      if (nextUs === takeUs) this.#takeFirst();
      else if (nextUs === lateUs) this.#takeLate(lateUs);
      else if (nextUs === denialUs) this.#lastChance(denialUs);
      else this.#applyGain(this.#demands.gains[this.#nextGain] as Gain);
    }
  }

  #takeFirst(): void {
    const row = heap.rows[0] as number;
    const untilUs = heap.deadlines[0] as number;
    heap.pop();
    this.#take(row, untilUs);
  }

  #takeLate(untilUs: number): void {
    const at = this.#unknown.late.findIndex(({ row }) => this.#demands.untilUs(row) === untilUs);
    for (const { row } of this.#unknown.late.splice(at, 1)) heap.push(untilUs, 0, row);
  }

  #firstEnd(rows: readonly { readonly row: number }[]): number {
    if (rows.length === 0) return Number.POSITIVE_INFINITY;
    this.#scan(rows.length);
    let us = Number.POSITIVE_INFINITY;
    for (const { row } of rows) us = Math.min(us, this.#demands.untilUs(row));
    return us;
  }

  #scan(length: number): void {
    this.#scans -= length;
    if (this.#scans < 0) this.#isFailed = true;
  }

  /** A denial has found too many tokens until the end of its interval: operations of unknown charge may have taken them. */
  #lastChance(atUs: number): void {
    const failing = this.#waiting.filter(({ row }) => this.#demands.untilUs(row) <= atUs);
    const isTooMuch = () => failing.some(({ row }) => this.#level.has(row));
    if (this.#usesMaybes)
      for (let at = 0; at < this.#unknown.maybes.length && isTooMuch(); )
        if (!this.#takeMaybe(at, failing)) at++;
    for (const one of failing) {
      const at = this.#waiting.indexOf(one);
      if (at < 0) continue; // a charge placed it
      this.#waiting.splice(at, 1);
      one.miss.needed = Math.max(one.miss.needed, one.needed);
      this.misses.add(one.miss);
    }
  }

  #takeMaybe(at: number, denials: readonly Pending[]): boolean {
    const { maybes } = this.#unknown;
    const { row } = maybes[at] as Pending;
    const helps = denials.some((one) => this.#level.mayExplain(row, one.row) && this.#level.has(one.row));
    return helps && this.#level.has(row) && this.#unknown.take(maybes, at, this.#level.nowUs);
  }

  #gain(untilUs: number): boolean {
    const gain = this.#demands.gains[this.#nextGain];
    if (gain === undefined || gain.fromUs > untilUs) return false;
    this.#level.refill(Math.max(this.#level.nowUs, gain.fromUs));
    this.#applyGain(gain);
    return !this.#isFailed;
  }

  #applyGain(gain: Gain): void {
    this.#nextGain++;
    if (this.#level.nowUs > gain.untilUs) this.#isFailed = true;
    this.#place(gain.row);
    this.#level.gain(gain);
  }

  #take(row: number, untilUs: number): void {
    this.#place(row);
    this.#level.take(row, untilUs);
    if (this.#waiting.length > 0) this.#placeWaiting();
  }

  #placeWaiting(): void {
    this.#scan(this.#waiting.length);
    let kept = 0;
    for (const one of this.#waiting) {
      if (!this.#level.has(one.row)) this.#placeDenial(one.row);
      else {
        const needed = this.#level.needed(one.row);
        if (needed < one.needed) Object.assign(one, { needed, miss: this.#level.missOf(one.row) });
        this.#waiting[kept++] = one;
      }
    }
    this.#waiting.length = kept;
  }

  #placeDenial(row: number): void {
    if (this.#level.nowUs > this.#demands.untilUs(row)) this.#isFailed = true;
    this.#place(row);
  }

  #place(row: number): void {
    if (!this.#hasPlaced) this.firstQuanta = this.#level.quanta;
    this.#hasPlaced = true;
    this.#sink?.place(row, this.#level.nowUs);
  }

  /** Places what has no deadline. */
  #finish(): void {
    for (const { row } of this.#unknown.late.splice(0)) heap.push(this.#demands.untilUs(row), 0, row);
    this.#advance(Number.POSITIVE_INFINITY);
    for (let at = this.#nextGain; at < this.#demands.gains.length; at++) {
      const gain = this.#demands.gains[at] as Gain;
      this.#level.refill(gain.fromUs);
      this.#applyGain(gain);
    }
  }
}
