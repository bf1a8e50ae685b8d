import type { Policy } from '../../core/policy.ts';
import type { ClockLag, ClockSlack } from '../clocks/bounds.ts';
import type { Known } from '../rows/coverage.ts';
import { type Lag, lagOf } from './lag.ts';
import { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/**
 * The range of possible levels of an ideal bucket at every moment. It shows the two proofs as a picture:
 *   highest(t) < 0     exactly if the admissions by t exceed some window that ends at t: an over-admission;
 *   lowest(t) >= cost  at every moment of a denial: a false denial.
 *
 * highest: operations finished by t are charged at their invocation, since an early spend leaves room for refill; open
 * ones are not charged. Without a floor at zero such a level is
 *   min over s <= t of  C + r (t - s) + refunds possible within [s, t] - admissions wholly within [s, t],
 * which is negative if the window [s, t] of the worst s is exceeded. Clock slack is added. lowest: see `false-denial.ts`
 * and `lag.ts`; the picture ends at zero.
 */
export interface LevelBand {
  /** Ascending; a time occurs twice if a level jumps. Microseconds. */
  readonly timesUs: readonly number[];
  /** Tokens. */
  readonly lowest: readonly number[];
  readonly highest: readonly number[];
}

/** The part of an operation on which levels depend. `lastUs` is Infinity if unknown. */
export interface LevelOperation {
  readonly invokedUs: number;
  readonly lastUs: number;
  readonly costTokens: number;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'info';
}

export interface BandContext {
  readonly policy: Policy;
  readonly clock: ClockSlack & ClockLag;
  readonly known: Known;
  readonly refunds: readonly Refund[];
  /** Whether the clock's lag fades while the bucket is full. */
  readonly fades: boolean;
}

/** The levels from the first operation to `untilUs`. O(n log n), plus O(n) for each operation that is open at once. */
export function levelBand(
  operations: readonly LevelOperation[],
  context: BandContext,
  untilUs: number,
): LevelBand {
  const band = new Band(context);
  for (const moment of sortMoments(operations)) {
    if (moment.atUs > untilUs) break;
    band.moveTo(moment.atUs);
    band.apply(moment);
  }
  band.moveTo(untilUs);
  return band;
}

interface Moment {
  readonly atUs: number;
  readonly isEnd: boolean;
  readonly operation: LevelOperation;
}

/** At equal times invocations come first, since intervals are closed. */
function sortMoments(operations: readonly LevelOperation[]): Moment[] {
  return operations
    .filter(({ outcome, costTokens }) => (outcome === 'allowed' || outcome === 'info') && costTokens > 0)
    .flatMap((operation): Moment[] => [
      { atUs: operation.invokedUs, isEnd: false, operation },
      ...(operation.lastUs === Number.POSITIVE_INFINITY
        ? []
        : [{ atUs: operation.lastUs, isEnd: true, operation }]),
    ])
    .sort((a, b) => a.atUs - b.atUs || Number(a.isEnd) - Number(b.isEnd));
}

class Band implements LevelBand {
  readonly timesUs: number[] = [];
  readonly lowest: number[] = [];
  readonly highest: number[] = [];
  readonly #policy: Policy;
  readonly #spender: LatestSpender;
  readonly #lag: Lag;
  readonly #early: EarlySpender;
  #flightQuanta = 0;
  #atUs = Number.NEGATIVE_INFINITY;

  constructor({ policy, clock, known, refunds, fades }: BandContext) {
    this.#policy = policy;
    this.#spender = new LatestSpender(policy, clock.slowPpm, known);
    this.#lag = lagOf(this.#spender, policy, { clock, fades });
    this.#early = new EarlySpender(policy, clock, refunds);
  }

  /** Draws the refill until `us`, with a corner where a level reaches its ceiling. */
  moveTo(us: number): void {
    this.#early.giveBackUntil(us);
    if (us <= this.#atUs) return;
    if (this.#atUs !== Number.NEGATIVE_INFINITY) {
      const [early, late] = [this.#early, this.#spender];
      const corners = [early.fullAtUs(), late.fullAtUs(), late.fullAtUs(this.#lag.left(us))].filter(
        (corner) => corner > this.#atUs && corner < us,
      );
      for (const corner of corners.sort((a, b) => a - b)) this.#point(corner);
    }
    this.#point(us);
  }

  apply({ isEnd, operation }: Moment): void {
    const { invokedUs, lastUs, costTokens, outcome } = operation;
    const quanta = costTokens * this.#policy.quantaPerToken;
    if (isEnd) {
      this.#flightQuanta -= quanta;
      this.#spender.spend(lastUs, quanta);
      if (outcome === 'allowed') this.#early.spend(invokedUs, quanta);
    } else {
      this.#flightQuanta += quanta;
    }
    this.#point(this.#atUs);
  }

  #point(us: number): void {
    this.#atUs = us;
    const levelQuanta = this.#spender.levelAt(us) - this.#flightQuanta;
    const lowestQuanta = levelQuanta - (this.#flightQuanta === 0 ? this.#lag.left(us) : this.#lag.at(us));
    this.timesUs.push(us);
    this.lowest.push(Math.max(0, lowestQuanta) / this.#policy.quantaPerToken);
    this.highest.push(this.#early.levelAt(us) / this.#policy.quantaPerToken);
  }
}

/** A bucket that is charged at invocations, which may be added in any order. Its level may be negative. */
class EarlySpender {
  readonly #ceiling: number;
  readonly #speed: number;
  readonly #byLast: readonly Refund[];
  #given = 0;
  readonly #invokedUs: number[] = [];
  readonly #quanta: number[] = [];
  readonly #after: number[] = [];

  constructor(policy: Policy, { epsilonUs, rhoPpm }: ClockSlack, refunds: readonly Refund[]) {
    this.#ceiling = policy.capacityQuanta + epsilonUs * policy.quantaPerUs;
    this.#speed = policy.quantaPerUs * (1 + rhoPpm / 1_000_000);
    this.#byLast = refunds.toSorted((a, b) => (a.lastUs === b.lastUs ? 0 : a.lastUs - b.lastUs));
  }

  spend(us: number, quanta: number): void {
    let at = this.#invokedUs.length;
    while (at > 0 && (this.#invokedUs[at - 1] as number) > us) at--;
    this.#invokedUs.splice(at, 0, us);
    this.#quanta.splice(at, 0, quanta);
    this.#after.splice(at, 0, 0);
    for (; at < this.#after.length; at++) {
      const before = at === 0 ? this.#ceiling : this.#refilled(at - 1, this.#invokedUs[at] as number);
      this.#after[at] = before - (this.#quanta[at] as number);
    }
  }

  /**
   * Returns the refunds that are certainly made by `us`. A refund counts for every window that begins at its last moment
   * or before, so it comes after the spends of that microsecond.
   */
  giveBackUntil(us: number): void {
    for (let refund = this.#byLast[this.#given]; refund !== undefined; refund = this.#byLast[++this.#given]) {
      if (refund.lastUs >= us) return;
      this.spend(refund.lastUs + 0.5, -refund.quanta);
    }
  }

  levelAt(us: number): number {
    const last = this.#after.length - 1;
    const level = last < 0 ? this.#ceiling : this.#refilled(last, us);
    const refunded = this.#byLast
      .slice(this.#given)
      .reduce((sum, { fromUs, quanta }) => (fromUs <= us ? sum + quanta : sum), 0);
    return Math.min(this.#ceiling, level + refunded);
  }

  /** The time at which refill alone has filled it. */
  fullAtUs(): number {
    const last = this.#after.length - 1;
    if (last < 0) return Number.NEGATIVE_INFINITY;
    const missing = this.#ceiling - (this.#after[last] as number);
    return (this.#invokedUs[last] as number) + missing / this.#speed;
  }

  #refilled(spend: number, us: number): number {
    const elapsedUs = us - (this.#invokedUs[spend] as number);
    return Math.min(this.#ceiling, (this.#after[spend] as number) + elapsedUs * this.#speed);
  }
}
