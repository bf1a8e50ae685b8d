import type { Policy } from '../../core/policy.ts';
import { DeadlineHeap } from '../proofs/deadline-heap.ts';
import { BusyBucket, type BusyPeriod } from './busy-bucket.ts';
import { type Attempt, type Demands, type Gain, ROLE, type Sink } from './demands.ts';
import { type Pending, UnknownCharges } from './unknown-charges.ts';

/** A denial that has found too many tokens so far. `neededUs`: how much later the period must begin, at least. */
interface Waiting extends Pending {
  neededUs: number;
  period: BusyPeriod;
}

/** The scans of waiting denials for each operation, at most. */
const SCANS = 64;

/**
 * Orders the operations of one bucket so that an ideal bucket gives the recorded answers. Every admission takes its tokens
 * as early as its interval and the level allow, the earliest deadline first. A denial is placed at the first moment at which
 * the level is below its cost.
 *
 * Taking early makes the level low at once; beginning a busy period late makes it low from then on. So where a
 * denial finds tokens, its busy period must begin later: `misses` says by how much, and by how much the admissions of the
 * period allow.
 */
export class Schedule {
  readonly #heap = new DeadlineHeap();
  #demands!: Demands;
  #attempt!: Attempt;
  #sink: Sink | undefined;
  #bucket!: BusyBucket;
  #isFailed = false;
  #nextGain = 0;
  #scans = 0;
  #unknown!: UnknownCharges;
  #waiting: Waiting[] = [];
  /** After a run: the busy periods with denials that found too many tokens. */
  misses = new Set<BusyPeriod>();
  /** After a run: the level before the first operation. */
  firstQuanta = 0;
  #hasPlaced = false;

  /** Whether all admissions found a place; `misses` has the denials that did not. */
  run(demands: Demands, policy: Policy, attempt: Attempt, sink?: Sink): boolean {
    this.#reset(demands, policy, attempt, sink);
    const { order } = demands;
    for (let at = 0; at < order.length && !this.#isFailed; at++) this.#meet(order[at] as number);
    if (!this.#isFailed) this.#advance(Number.POSITIVE_INFINITY);
    if (!this.#isFailed) this.#finish();
    this.#heap.release();
    return !this.#isFailed;
  }

  #reset(demands: Demands, policy: Policy, attempt: Attempt, sink: Sink | undefined): void {
    this.#demands = demands;
    this.#attempt = attempt;
    this.#sink = sink;
    this.#heap.clear(demands.order.length);
    const startUs = demands.order.length > 0 ? demands.fromUs(demands.order[0] as number) : 0;
    this.#bucket = new BusyBucket(policy, startUs, attempt);
    this.#isFailed = false;
    this.#nextGain = 0;
    this.#scans = SCANS * demands.order.length + 1_000;
    this.#unknown = new UnknownCharges(demands, policy, {
      bucket: this.#bucket,
      take: (row, quanta) => this.#take(row, quanta, demands.untilUs(row)),
    });
    this.#waiting = [];
    this.misses = new Set();
    this.firstQuanta = attempt.startQuanta;
    this.#hasPlaced = false;
  }

  /** Takes up an operation at its first moment. */
  #meet(row: number): void {
    const demands = this.#demands;
    const fromUs = demands.fromUs(row);
    if (this.#heap.size + this.#waiting.length + this.#unknown.late.length + demands.gains.length > 0)
      this.#advance(fromUs);
    if (this.#isFailed) return;
    this.#unknown.explain(row, fromUs);
    this.#bucket.refill(fromUs);
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
    const quanta = this.#demands.quantaOf(row);
    const untilUs = this.#demands.untilUs(row);
    if (
      this.#heap.size === 0 &&
      this.#bucket.quanta >= quanta &&
      this.#bucket.nowUs <= untilUs &&
      !this.#isHeld(row)
    ) {
      this.#take(row, quanta, untilUs);
      return;
    }
    this.#heap.push(untilUs, quanta, row);
    this.#advance(this.#bucket.nowUs);
  }

  #meetDenial(row: number): void {
    const quanta = this.#demands.quantaOf(row);
    if (this.#bucket.quanta < quanta) this.#placeDenial(row);
    else this.#waiting.push({ row, neededUs: this.#bucket.neededUs(quanta), period: this.#bucket.period });
  }

  #isHeld(row: number): boolean {
    const { holds } = this.#attempt;
    return holds.size > 0 && this.#bucket.isFull && (holds.get(row) ?? 0) > this.#bucket.nowUs;
  }

  /** Places what has its turn up to this moment. */
  #advance(limitUs: number): void {
    while (!this.#isFailed) {
      const takeUs = this.#heap.size > 0 ? this.#availableUs() : Number.POSITIVE_INFINITY;
      if (takeUs !== Number.POSITIVE_INFINITY && takeUs > (this.#heap.deadlines[0] as number)) {
        if (!this.#gain(this.#heap.deadlines[0] as number)) this.#isFailed = true;
        continue;
      }
      const denialUs = this.#firstEnd(this.#waiting);
      const lateUs = this.#firstEnd(this.#unknown.late);
      const gainUs = this.#demands.gains[this.#nextGain]?.untilUs ?? Number.POSITIVE_INFINITY;
      const nextUs = Math.min(takeUs, denialUs, lateUs, gainUs);
      if (nextUs === Number.POSITIVE_INFINITY || nextUs > limitUs) return;
      this.#bucket.refill(nextUs);
      if (nextUs === takeUs) this.#takeFirst();
      else if (nextUs === lateUs) this.#takeLate(lateUs);
      else if (nextUs === denialUs) this.#lastChance(denialUs);
      else this.#applyGain(this.#demands.gains[this.#nextGain] as Gain);
    }
  }

  #takeFirst(): void {
    const row = this.#heap.rows[0] as number;
    const quanta = this.#heap.works[0] as number;
    const untilUs = this.#heap.deadlines[0] as number;
    this.#heap.pop();
    this.#take(row, quanta, untilUs);
  }

  #takeLate(untilUs: number): void {
    const at = this.#unknown.late.findIndex(({ row }) => this.#demands.untilUs(row) === untilUs);
    for (const { row } of this.#unknown.late.splice(at, 1))
      this.#heap.push(untilUs, this.#demands.quantaOf(row), row);
  }

  /** When the first of the heap has its tokens, and its hold is over. */
  #availableUs(): number {
    const us = this.#bucket.availableUs(this.#heap.works[0] as number);
    const { holds } = this.#attempt;
    if (holds.size === 0 || !this.#bucket.isFull) return us;
    return Math.max(us, holds.get(this.#heap.rows[0] as number) ?? us);
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
    const quanta = Math.min(...failing.map(({ row }) => this.#demands.quantaOf(row)));
    if (this.#attempt.usesMaybes)
      for (let at = 0; at < this.#unknown.maybes.length && this.#bucket.quanta >= quanta; )
        if (!this.#unknown.take(this.#unknown.maybes, at, this.#bucket.nowUs)) at++;
    for (const one of failing) {
      const at = this.#waiting.indexOf(one);
      if (at < 0) continue; // a charge placed it
      this.#waiting.splice(at, 1);
      one.period.neededUs = Math.max(one.period.neededUs, one.neededUs);
      this.misses.add(one.period);
    }
  }

  #gain(untilUs: number): boolean {
    const gain = this.#demands.gains[this.#nextGain];
    if (gain === undefined || gain.fromUs > untilUs) return false;
    this.#bucket.refill(Math.max(this.#bucket.nowUs, gain.fromUs));
    this.#applyGain(gain);
    return !this.#isFailed;
  }

  #applyGain(gain: Gain): void {
    this.#nextGain++;
    if (this.#bucket.nowUs > gain.untilUs) this.#isFailed = true;
    this.#place(gain.row);
    this.#bucket.gain(gain.quanta);
  }

  #take(row: number, quanta: number, untilUs: number): void {
    this.#place(row);
    this.#bucket.take(row, quanta, untilUs);
    if (this.#waiting.length > 0) this.#placeWaiting();
  }

  #placeWaiting(): void {
    this.#scan(this.#waiting.length);
    let kept = 0;
    for (const one of this.#waiting) {
      const quanta = this.#demands.quantaOf(one.row);
      if (this.#bucket.quanta < quanta) this.#placeDenial(one.row);
      else {
        const neededUs = this.#bucket.neededUs(quanta);
        if (neededUs < one.neededUs) Object.assign(one, { neededUs, period: this.#bucket.period });
        this.#waiting[kept++] = one;
      }
    }
    this.#waiting.length = kept;
  }

  #placeDenial(row: number): void {
    if (this.#bucket.nowUs > this.#demands.untilUs(row)) this.#isFailed = true;
    this.#place(row);
  }

  #place(row: number): void {
    if (!this.#hasPlaced) this.firstQuanta = this.#bucket.quanta;
    this.#hasPlaced = true;
    this.#sink?.place(row, this.#bucket.nowUs);
  }

  /** Places what has no deadline. */
  #finish(): void {
    for (const { row } of this.#unknown.late.splice(0))
      this.#heap.push(this.#demands.untilUs(row), this.#demands.quantaOf(row), row);
    this.#advance(Number.POSITIVE_INFINITY);
    for (let at = this.#nextGain; at < this.#demands.gains.length; at++) {
      const gain = this.#demands.gains[at] as Gain;
      this.#bucket.refill(gain.fromUs);
      this.#applyGain(gain);
    }
  }
}
