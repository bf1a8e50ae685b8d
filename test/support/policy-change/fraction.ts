/** An exact number of tokens: `n / d`. */
export class Fraction {
  readonly #n: bigint;
  readonly #d: bigint;

  private constructor(n: bigint, d: bigint) {
    this.#n = n;
    this.#d = d;
  }

  static of(n: number | bigint, d: number | bigint = 1): Fraction {
    const [above, below] = [BigInt(n), BigInt(d)];
    const divisor = gcd(above < 0n ? -above : above, below) || 1n;
    return new Fraction(above / divisor, below / divisor);
  }

  static least(one: Fraction, other: Fraction): Fraction {
    return one.isBelow(other) ? one : other;
  }

  plus(other: Fraction): Fraction {
    return Fraction.of(this.#n * other.#d + other.#n * this.#d, this.#d * other.#d);
  }

  minus(other: Fraction): Fraction {
    return this.plus(new Fraction(-other.#n, other.#d));
  }

  isBelow(other: Fraction): boolean {
    return this.#n * other.#d < other.#n * this.#d;
  }

  /** The whole quanta of this unit. */
  quanta(unit: number): bigint {
    return (this.#n * BigInt(unit)) / this.#d;
  }

  toNumber(): number {
    return Number(this.#n) / Number(this.#d);
  }
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
