import { OpenclawError } from '../core/errors.ts';
import { MOST_QUANTA, type Policy } from '../core/policy.ts';
import type { ClockSlack } from './clock.ts';

/** Products below this are exact. */
const EXACT = 2 ** 53;

/** More than three roundings of numbers below 2^54. */
const ROUNDING = 4;

/** Quanta after which the anchor follows: small beside 2^53, and so large that it rarely has to. */
const FAR = 2 ** 51;

/** What turns times into quanta: how many are born a microsecond, and how many lie ready. */
export class Machine {
  readonly speed: number;
  readonly burst: number;
  readonly quantaPerToken: number;
  /** With drift, products are rounded themselves. */
  readonly guard: number;

  /** Throws INVALID_HISTORY where the clock grants more than can be counted exactly. */
  constructor(policy: Policy, { rhoPpm, epsilonUs }: ClockSlack) {
    // A clock that stood still or ran backwards gained nothing; dividing by the speed stays possible.
    this.speed = Math.max(policy.quantaPerUs * (1 + rhoPpm / 1_000_000), Number.MIN_VALUE);
    this.guard = rhoPpm === 0 ? 0 : 1;
    this.burst = policy.capacityQuanta + epsilonUs * policy.quantaPerUs;
    this.quantaPerToken = policy.quantaPerToken;
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
 * Where a machine is in its work: `#quanta` after the moment `#anchorUs`. A release is a moment less the burst, a
 * deadline is a moment. Releases are rounded down and deadlines up, which only widens an interval.
 *
 * Every number is exact. Works are at most 2^52 quanta, bursts 2^53, and the anchor follows the machine, so that
 * `#quanta` stays below 2^52. A distance that exceeds the work in hand is only compared with it, so its own rounding
 * does not matter; one that does not is a difference of numbers below 2^54, and is widened by more than these round.
 */
export class MachineTime {
  readonly #machine: Machine;
  #anchorUs = 0;
  #quanta = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** An idle machine waits for the release of what was invoked then. */
  waitFor(invokedUs: number): void {
    this.#anchorUs = invokedUs;
    this.#quanta = -this.#machine.guard - this.#machine.burst;
  }

  advance(quanta: number): void {
    this.#quanta += quanta;
    if (this.#quanta >= FAR) this.#follow();
  }

  /** Quanta until the release of what is invoked then. */
  untilRelease(invokedUs: number): number {
    const { speed, guard, burst } = this.#machine;
    const product = (invokedUs - this.#anchorUs) * speed;
    const rounded = product < EXACT ? Math.floor(product) - guard : product - ROUNDING;
    return rounded - burst - this.#quanta;
  }

  /** Quanta until this deadline; below zero once it is past. */
  untilDeadline(lastUs: number): number {
    const { speed, guard } = this.#machine;
    const product = (lastUs - this.#anchorUs) * speed;
    return (product < EXACT ? Math.ceil(product) + guard : product + ROUNDING) - this.#quanta;
  }

  /** Moves the anchor forward by whole microseconds; the machine is never later for it. */
  #follow(): void {
    const { speed, guard } = this.#machine;
    const us = Math.floor(this.#quanta / speed);
    if (us < 1) return; // more than 2^51 quanta a microsecond
    this.#anchorUs += us;
    this.#quanta -= Math.ceil(us * speed) + guard;
  }
}
