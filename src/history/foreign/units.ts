/** The units that a field of a foreign log can be in, as powers of ten of a microsecond. */
export const UNITS = { ns: -3, us: 0, ms: 3, s: 6 } as const;
export type Unit = keyof typeof UNITS;

/** A time or a duration as a log has it: the truth lies within `errorUs` of `us`, both whole microseconds. */
export interface Widened {
  readonly us: number;
  /** One of its last digit: logs round either way. */
  readonly errorUs: number;
}

export interface TimeOptions {
  readonly field: string;
  /** Of numbers that name none themselves. */
  readonly unit: Unit | undefined;
  /** Of dates that name none themselves: `Z`, `+01:00`. */
  readonly zone?: string | undefined;
}

/** Decimal digits, times that power of ten, without floating point: 1795559409.216 s is 1795559409216000 us, within 1000. */
export function scaled(whole: string, fraction: string, power: number): Widened {
  const shift = power - fraction.length;
  const errorUs = shift > 0 ? 10 ** shift : 1;
  const quick = Number(whole + fraction) * (shift > 0 ? 10 ** shift : 1);
  // Of whole numbers below 2^53 a product is exact, and so is one that would be above it not below.
  if (shift >= 0 && quick <= Number.MAX_SAFE_INTEGER) return { us: quick, errorUs };
  const digits = BigInt(whole + fraction);
  const us = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  return { us: Number(us), errorUs };
}
