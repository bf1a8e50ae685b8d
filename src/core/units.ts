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

/** A size in the unit in which it has fewest digits: `21.3 MB`. A kB is 1,000 bytes. */
export function bytesText(bytes: number): string {
  const unit = UNITS.findLast(([, size]) => bytes >= 0.99995 * size); // 999,999 bytes are 1 MB, not 1000 kB
  return unit === undefined ? count(bytes, 'byte') : `${rounded(bytes / unit[1], 1)} ${unit[0]}`;
}

const UNITS = [
  ['kB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
] as const;
