/** The units that a field of a foreign log can be in, as powers of ten of a microsecond. */
export const UNITS = { ns: -3, us: 0, ms: 3, s: 6 } as const;
export type Unit = keyof typeof UNITS;

/** A time or a duration of a log: the true value is within `errorUs` of `us`, both whole microseconds. */
export interface Widened {
  readonly us: number;
  /** One unit of its last digit: logs round up or down. */
  readonly errorUs: number;
}

export interface TimeOptions {
  readonly field: string;
  /** For numbers without their own unit. */
  readonly unit: Unit | undefined;
  /** For dates without their own zone: `Z`, `+01:00`. */
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
