import type { Policy } from '../../core/policy.ts';
import { type Attempt, type Demands, type Gain, START } from './demands.ts';
import { type Charge, explainingMoment, type FoundLevel } from './found-level.ts';
import type { Level, Miss } from './ideal.ts';

/** The time from an admission that found a full bucket to the next such admission. */
export interface BusyPeriod extends Miss {
  /** Its first operation; START for the time before the bucket was full. */
  readonly first: number;
  readonly firstUs: number;
  /** How much later it must begin, by the denials that found too many tokens. Microseconds. */
  needed: number;
  /** How much later it can begin, by its admissions. */
  possibleUs: number;
  /** How much lower its level may be, as a time of refill, by all admissions. */
  sparedUs: number;
  /** The period before; absent further back than two. */
  previous: BusyPeriod | undefined;
  /** How long the bucket had been full when it began. */
  readonly fullForUs: number;
}

/**
 * An ideal bucket and its busy periods. A full bucket wastes its refill, so the level after a busy period began depends
 * only on when it began: at time t it is C + r(t - begin) - taken.
 */
export class BusyBucket implements Level<BusyPeriod> {
  readonly #policy: Policy;
  readonly #demands: Pick<Demands, 'quantaOf'>;
  readonly #holds: Attempt['holds'];
  nowUs: number;
  quanta: number;
  #period: BusyPeriod;
  /** The last moment at which tokens were taken or gained, and the level after it. */
  #afterUs: number;
  #afterQuanta: number;
  /** Whether the next admission that finds a full bucket begins a period. */
  #isBegun: boolean;

  constructor(
    policy: Policy,
    demands: Pick<Demands, 'quantaOf'>,
    { startUs, startQuanta, isStartFree, holds }: Omit<Attempt, 'usesMaybes'> & { readonly startUs: number },
  ) {
    this.#policy = policy;
    this.#demands = demands;
    this.#holds = holds;
    this.nowUs = startUs;
    this.quanta = startQuanta;
    this.#period = {
      ...{ first: START, firstUs: startUs, needed: 0, previous: undefined, fullForUs: 0 },
      ...{ possibleUs: Number.POSITIVE_INFINITY, sparedUs: Number.POSITIVE_INFINITY },
    };
    this.#afterUs = startUs;
    this.#afterQuanta = startQuanta;
    this.#isBegun = !isStartFree;
  }

  get #isFull(): boolean {
    return this.quanta === this.#policy.capacityQuanta;
  }

  has(row: number): boolean {
    return this.quanta >= this.#demands.quantaOf(row) && !this.#isHeld(row);
  }

  #isHeld(row: number): boolean {
    return (
      this.#holds.size > 0 && this.#isFull && (this.#holds.get(row) ?? Number.NEGATIVE_INFINITY) > this.nowUs
    );
  }

  levelAt(us: number): number {
    const { capacityQuanta, quantaPerUs } = this.#policy;
    const elapsedUs = Math.max(0, us - this.nowUs);
    const isFull = elapsedUs >= Math.ceil((capacityQuanta - this.quanta) / quantaPerUs); // compare before multiplying: 2^53
    return isFull ? capacityQuanta : this.quanta + elapsedUs * quantaPerUs;
  }

  /** When it holds the tokens of a row, and the hold of the row is over. */
  availableUs(row: number): number {
    const missing = this.#demands.quantaOf(row) - this.quanta;
    if (this.#isHeld(row)) return this.#holds.get(row) as number;
    return missing <= 0 ? this.nowUs : this.nowUs + Math.ceil(missing / this.#policy.quantaPerUs);
  }

  refill(us: number): void {
    if (us <= this.nowUs) return;
    this.quanta = this.levelAt(us);
    this.nowUs = us;
  }

  take(row: number, untilUs: number): void {
    const quanta = this.#demands.quantaOf(row);
    const slackUs = untilUs - this.nowUs;
    // the refill of a full bucket counts: a lower level would have kept it
    const sinceUs = this.nowUs - this.#afterUs;
    const sparedUs = slackUs + sinceUs + Math.floor((this.#afterQuanta - quanta) / this.#policy.quantaPerUs);
    if (this.#isFull && this.#isBegun) this.#beginPeriod(row, { possibleUs: slackUs, sparedUs });
    else {
      this.#period.possibleUs = Math.min(this.#period.possibleUs, sparedUs);
      this.#period.sparedUs = Math.min(this.#period.sparedUs, sparedUs);
    }
    this.#isBegun = true;
    this.#change(-quanta);
  }

  gain({ quanta }: Gain): void {
    this.#change(quanta);
  }

  /** How much later the period must begin, so that a denial of this cost is right now. The refill of a full bucket counts. */
  needed(row: number): number {
    const tooMany = this.#afterQuanta - this.#demands.quantaOf(row) + 1;
    return Math.ceil(tooMany / this.#policy.quantaPerUs) + this.nowUs - this.#afterUs;
  }

  missOf(): BusyPeriod {
    return this.#period;
  }

  mayExplain(): boolean {
    return true;
  }

  explainingMoment(found: FoundLevel, charge: Charge): number | undefined {
    return explainingMoment(this, this.#policy, found, charge);
  }

  #change(quanta: number): void {
    this.quanta = Math.min(this.#policy.capacityQuanta, this.quanta + quanta);
    this.#afterUs = this.nowUs;
    this.#afterQuanta = this.quanta;
  }

  #beginPeriod(first: number, can: Pick<BusyPeriod, 'possibleUs' | 'sparedUs'>): void {
    const { capacityQuanta, quantaPerUs } = this.#policy;
    const fullUs = this.#afterUs + Math.ceil((capacityQuanta - this.#afterQuanta) / quantaPerUs);
    const period = this.#period;
    const { nowUs } = this;
    if (period.previous !== undefined) period.previous.previous = undefined; // not all periods stay in memory
    this.#period = { first, firstUs: nowUs, needed: 0, previous: period, fullForUs: nowUs - fullUs, ...can };
  }
}
