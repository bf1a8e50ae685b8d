/** The binary places of a fraction that count: those of a number's mantissa. */
const PLACES = 53;
const SCALE = Number.MAX_SAFE_INTEGER + 1;

/**
 * Gives `base ** exponent` for an exponent of at least 0, within a few units in the last place, where it is finite. Unlike
 * `**`, it gives the same number on every engine: IEEE 754 rounds products and square roots correctly.
 *
 * Of the exponent n + 0.b1 b2 ... in binary, base^n is n products, and the rest is, from the last place to the first,
 *   base^(0.b1 b2 ...) = sqrt(base^b1 * base^(0.b2 b3 ...))
 */
export function makePower(exponent: number): (base: number) => number {
  const whole = Math.floor(exponent);
  const bits: boolean[] = [];
  let rest = Math.floor((exponent - whole) * SCALE);
  for (let place = PLACES; place > 0; place--) {
    const bit = rest % 2 === 1;
    if (bit || bits.length > 0) bits.push(bit); // the root of 1 is 1
    rest = Math.floor(rest / 2);
  }
  return (base) => {
    let power = 1;
    for (const bit of bits) power = Math.sqrt(bit ? power * base : power);
    for (let nth = 0; nth < whole; nth++) power *= base;
    return power;
  };
}
