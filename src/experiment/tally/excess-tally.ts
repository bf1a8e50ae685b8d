import type { Policy } from '../../core/policy.ts';
import type { Operation } from '../../history/records/operation.ts';
import type { ExcessSoFar } from '../progress.ts';

/** One window of a bucket: the quanta admitted wholly inside it. */
interface Window {
  startUs: number;
  endUs: number;
  quanta: number;
}

/** Parts per million by which the deciding clock may run faster than this one; it is not read here. */
const DRIFT_PPM = 1_000;
/** More than the error of the checker's clock readings, by which a window may gain, too. */
const CLOCK_ERROR_US = 5_000;
/** The checker rounds both ends of a window to whole quanta in favour of the limiter, by less than this in all. */
const ROUNDED_QUANTA = 4;

/**
 * The worst excess of a run in progress, as a lower bound, in constant time for each operation.
 *
 * A bucket of capacity C and refill r admits at most C + r(e - s) wholly inside a window [s, e]; more than that is
 * excess. One window is kept for each bucket: an admission extends it, or starts a new one if that leaves more over, in
 * quanta + r * start. Other windows may be worse, which the check at the end finds, but the excess of this one is real.
 * Operations with a decision id or with several charges are left out: they may be charged elsewhere, and fewer
 * admissions can only lower the bound.
 */
export class ExcessTally {
  readonly #policy: Policy;
  readonly #quantaPerUs: number;
  readonly #windows = new Map<string, Window>();
  #worstQuanta = 0;
  #worstBucket: string | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#quantaPerUs = policy.quantaPerUs * (1 + DRIFT_PPM / 1_000_000);
  }

  add({ outcome, bucket, cost, invokedUs, completedUs, decisionId, charges }: Operation): void {
    if (outcome !== 'allowed' || completedUs === null) return;
    if (decisionId !== undefined || charges !== undefined) return;
    const quanta = cost * this.#policy.quantaPerToken;
    const window = this.#windows.get(bucket);
    if (window === undefined) {
      this.#windows.set(bucket, { startUs: invokedUs, endUs: completedUs, quanta });
      return;
    }
    const startUs = Math.min(window.startUs, invokedUs);
    if (window.quanta + this.#quantaPerUs * (startUs - invokedUs) > 0) {
      window.startUs = startUs;
      window.endUs = Math.max(window.endUs, completedUs);
      window.quanta += quanta;
    } else {
      window.startUs = invokedUs;
      window.endUs = completedUs;
      window.quanta = quanta;
    }
    const { capacityQuanta } = this.#policy;
    const lengthUs = window.endUs - window.startUs;
    const excess =
      window.quanta - capacityQuanta - this.#quantaPerUs * (lengthUs + CLOCK_ERROR_US) - ROUNDED_QUANTA;
    if (excess <= this.#worstQuanta) return;
    this.#worstQuanta = excess;
    this.#worstBucket = bucket;
  }

  get worst(): ExcessSoFar {
    const tokens = Math.floor((1_000 * this.#worstQuanta) / this.#policy.quantaPerToken) / 1_000;
    return tokens === 0 || this.#worstBucket === undefined
      ? { tokens: 0 }
      : { tokens, bucket: this.#worstBucket };
  }
}
