/** Rounds to at most `digits` decimal places. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** Microseconds as seconds. */
export function secondsText(us: number, digits = 3): string {
  return (us / 1_000_000).toFixed(digits);
}

/** A number without an exponent, as people and parsers of options write it. */
export function plain(value: number): string {
  const [digits = '', exponent] = String(value).split('e-');
  return exponent === undefined ? digits : `0.${'0'.repeat(Number(exponent) - 1)}${digits.replace('.', '')}`;
}

/** `1 request`, `2 requests`. */
export function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? '' : 's'}`;
}
