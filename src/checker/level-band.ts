import type { Policy } from '../core/policy.ts';
import type { ClockLag, ClockSlack } from './clock.ts';
import type { Known } from './known.ts';
import { type Lag, lagOf } from './lag.ts';
import { LatestSpender } from './latest-spender.ts';
import type { Refund } from './refund.ts';

/**
 * Between which levels an ideal bucket can have been, at every moment. What the two checkers prove, as a picture:
 *   highest(t) < 0     exactly where what was admitted by t exceeds some window that ends at t: an over-admission;
 *   lowest(t) >= cost  at every moment of a denial: a false one.
 *
 * highest: what was finished by t is charged at its invocation, since what is spent early leaves room for refill; what
 * is open is not charged. Without a floor at zero such a level is
 *   min over s <= t of  C + r (t - s) + what can have been refunded within [s, t] - what was admitted wholly within it,
 * which is below zero where the window [s, t] of the worst s is exceeded. Clock slack is on top.
 * lowest: see `false-denial.ts` and `lag.ts`; nothing is drawn below zero.
 */
export interface LevelBand {
  /** Rising; twice the same where a level jumps. Microseconds. */
  readonly timesUs: readonly number[];
  /** Tokens. */
  readonly lowest: readonly number[];
  readonly highest: readonly number[];
}

/** An operation of one bucket as far as its level is concerned. `lastUs` is Infinity where nobody knows it. */
export interface LevelOperation {
  readonly invokedUs: number;
  readonly lastUs: number;
  readonly costTokens: number;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'info';
}

export interface BandRules {
  readonly policy: Policy;
  readonly clock: ClockSlack & ClockLag;
  readonly known: Known;
  readonly refunds: readonly Refund[];
  /** Whether the clock's lag fades while the bucket is full. */
  readonly fades: boolean;
}

/** The levels from the first operation to `untilUs`. O(n log n), and n times what is open at once. */
export function levelBand(
  operations: readonly LevelOperation[],
  rules: BandRules,
  untilUs: number,
): LevelBand {
  const band = new Band(rules);
  for (const moment of momentsOf(operations)) {
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
function momentsOf(operations: readonly LevelOperation[]): Moment[] {
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

  constructor({ policy, clock, known, refunds, fades }: BandRules) {
    this.#policy = policy;
    this.#spender = new LatestSpender(policy, clock.slowPpm, known);
    this.#lag = lagOf(this.#spender, policy, { clock, fades });
    this.#early = new EarlySpender(policy, clock, refunds);
  }

  /** Draws what refill alone does until then, with a corner where a level meets its ceiling. */
  moveTo(us: number): void {
    this.#early.giveBackUntil(us);
    if (us <= this.#atUs) return;
    if (this.#atUs !== Number.NEGATIVE_INFINITY) {
      const [early, late] = [this.#early, this.#spender];
      const corners = [early.fullAtUs(), late.fullAtUs(), late.fullAtUs(this.#lag.left())].filter(
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
    const lowestQuanta = levelQuanta - (this.#flightQuanta === 0 ? this.#lag.left() : this.#lag.quanta);
    this.timesUs.push(us);
    this.lowest.push(Math.max(0, lowestQuanta) / this.#policy.quantaPerToken);
    this.highest.push(this.#early.levelAt(us) / this.#policy.quantaPerToken);
  }
}

/** A bucket that is charged at invocations, in any order of telling, and may owe. */
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
   * Gives back what was refunded by `us` for certain. A refund is in every window that begins at its last moment or before,
   * so it comes after what is spent at that microsecond.
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

  /** When refill alone fills it. */
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
