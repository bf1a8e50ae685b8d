import { OpenclawError } from '../../core/errors.ts';
import { MOST_QUANTA, type Policy } from '../../core/policy.ts';
import type { ClockSlack } from '../clocks/bounds.ts';
import type { RefundSums } from './refund.ts';

/** Products below this are exact. */
const EXACT = 2 ** 53;

/** More than three roundings of numbers below 2^54. */
const ROUNDING = 4;

/** Quanta after which the anchor moves forward: few against 2^53, and so many that it rarely moves. */
const FAR = 2 ** 51;

/** Converts times to quanta: by the number minted in a microsecond, and by the burst that is ready at once. */
export class EdfTimeline {
  readonly speed: number;
  readonly burst: number;
  /** The capacity. */
  readonly full: number;
  readonly quantaPerToken: number;
  /** With drift or a factor, the products themselves are rounded. */
  readonly guard: number;
  /** Its quanta in one of the policy; a power of two. */
  readonly unit: number;

  /**
   * A machine `factor` times as large and fast as the policy. Unless that is 1, it counts in parts of a quantum, so small
   * that rounding to whole ones does not matter. Throws INVALID_HISTORY if the clock bounds allow more quanta than can be
   * counted exactly.
   */
  constructor(policy: Policy, { rhoPpm, epsilonUs }: ClockSlack, factor = 1) {
    // A clock that stood still or ran backwards gained nothing; the minimum makes division by the speed possible.
    const speed = Math.max(policy.quantaPerUs * (1 + rhoPpm / 1_000_000), Number.MIN_VALUE);
    const burst = policy.capacityQuanta + epsilonUs * policy.quantaPerUs;
    this.unit = factor === 1 ? 1 : 2 ** (50 - Math.ceil(Math.log2(Math.max(speed, burst) * factor)));
    this.speed = speed * factor * this.unit;
    this.full = policy.capacityQuanta * factor * this.unit;
    this.burst = factor === 1 ? burst : Math.round(burst * factor * this.unit);
    this.quantaPerToken = policy.quantaPerToken * this.unit;
    this.guard = rhoPpm === 0 && factor === 1 ? 0 : 1;
    if (this.speed <= MOST_QUANTA && this.burst <= 2 * MOST_QUANTA) return;
    throw new OpenclawError(
      'INVALID_HISTORY',
      `the clock readings leave ${epsilonUs} us and ${rhoPpm} ppm open, which at this rate is more than 2^53 quanta (parts of a token): nothing can be judged exactly`,
      { hint: 'look at the clock records: errorUs and serverUs are microseconds' },
    );
  }

  /** capacity + refill * length, clock slack included: the most that a window of this length can admit, rounded up. */
  allowance(lengthUs: number): number {
    return this.burst + Math.ceil(lengthUs * this.speed) + 2 * this.guard;
  }
}

/**
 * The machine's progress: `#quanta` after the moment `#anchorUs`. A release is a moment less the burst, a deadline is a
 * moment. Releases are rounded down and deadlines up, which only widens an interval.
 *
 * Every number is exact. Works are at most 2^52 quanta, bursts 2^53, and the anchor follows the machine, so that
 * `#quanta` stays below 2^52. A distance above the remaining work is only compared with it, so its rounding does not
 * matter. A smaller distance is a difference of numbers below 2^54, and is widened by more than their rounding.
 *
 * A refund is tokens minted at once: releases and deadlines after it come so much later. A release is moved by the
 * refunds that were certainly over, a deadline by all that can have been made, so a span holds all that are possible in
 * it. A refund whose time is uncertain counts in every span that it can be in.
 */
export class MachineTime {
  readonly #machine: EdfTimeline;
  #anchorUs = 0;
  #quanta = 0;
  readonly #refunds: RefundSums | undefined;
  #refundedBefore = 0;

  constructor(machine: EdfTimeline, refunds?: RefundSums) {
    this.#machine = machine;
    this.#refunds = refunds;
  }

  get quantaPerToken(): number {
    return this.#machine.quantaPerToken;
  }

  /** An idle machine waits for the release of the operation that was invoked then. */
  waitFor(invokedUs: number): void {
    this.#anchorUs = invokedUs;
    this.#quanta = -this.#machine.guard - this.#machine.burst;
    this.#refundedBefore = this.#refunds?.before(invokedUs) ?? 0;
  }

  advance(quanta: number): void {
    this.#quanta += quanta;
    if (this.#quanta >= FAR) this.#follow();
  }

  /** Quanta until the release of an operation that was invoked then. */
  untilRelease(invokedUs: number): number {
    const { speed, guard, burst } = this.#machine;
    const product = (invokedUs - this.#anchorUs) * speed;
    const rounded = product < EXACT ? Math.floor(product) - guard : product - ROUNDING;
    const distance = rounded - burst - this.#quanta;
    if (this.#refunds === undefined) return distance;
    return distance + (this.#refunds.before(invokedUs) - this.#refundedBefore) * this.#machine.unit;
  }

  /** Quanta until this deadline; negative after it. */
  untilDeadline(lastUs: number): number {
    const { speed, guard } = this.#machine;
    const product = (lastUs - this.#anchorUs) * speed;
    const distance = (product < EXACT ? Math.ceil(product) + guard : product + ROUNDING) - this.#quanta;
    if (this.#refunds === undefined) return distance;
    return distance + (this.#refunds.until(lastUs) - this.#refundedBefore) * this.#machine.unit;
  }

  /** Moves the anchor forward by whole microseconds; rounding never makes the machine later. */
  #follow(): void {
    const { speed, guard } = this.#machine;
    const us = Math.floor(this.#quanta / speed);
    if (us < 1) return; // more than 2^51 quanta in a microsecond
    this.#anchorUs += us;
    this.#quanta -= Math.ceil(us * speed) + guard;
  }
}
