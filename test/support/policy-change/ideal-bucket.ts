import type { Policy } from '../../../src/core/policy.ts';
import { Fraction } from './fraction.ts';

/** A bucket of the largest capacity and the largest rate of these policies, in exact tokens. */
export class IdealBucket {
  readonly #capacity: Fraction;
  readonly #rate: Policy['refill'];
  #tokens: Fraction;
  #atUs: number | undefined;

  constructor(policies: readonly Policy[]) {
    this.#capacity = Fraction.of(Math.max(...policies.map(({ capacityTokens }) => capacityTokens)));
    this.#rate = policies
      .map(({ refill }) => refill)
      .reduce((most, rate) =>
        BigInt(rate.tokens) * BigInt(most.perUs) > BigInt(most.tokens) * BigInt(rate.perUs) ? rate : most,
      );
    this.#tokens = this.#capacity;
  }

  /** Takes these tokens at a time that is not before the last; a negative number gives tokens back. */
  take(tokens: Fraction, nowUs: number): void {
    const elapsedUs = nowUs - (this.#atUs ?? nowUs);
    const gained = Fraction.of(BigInt(elapsedUs) * BigInt(this.#rate.tokens), this.#rate.perUs);
    const filled = Fraction.least(this.#tokens.plus(gained), this.#capacity);
    this.#tokens = Fraction.least(filled.minus(tokens), this.#capacity);
    this.#atUs = nowUs;
  }

  /** Whether it has less than this. */
  isBelow(tokens: Fraction): boolean {
    return this.#tokens.isBelow(tokens);
  }
}
