import { rounded } from '../core/units.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

const TIME = String.raw`(\d+(?:\.\d+)?)(ms|s|m|min|h)`;
export const DURATION = new RegExp(`^${TIME}$`);
export const SIGNED_DURATION = new RegExp(`^-?${TIME}$`);
export const DURATION_RANGE = new RegExp(`^${TIME}(\\.\\.${TIME})?$`);
export const BYTE_RATE = /^\d+(\.\d+)?KB\/s$/;

/** A time to draw: any whole millisecond from `least` to `most`. */
export interface MsRange {
  readonly least: number;
  readonly most: number;
}

/** Reads `500ms`, `10s`, `2m` or `1h`; gives milliseconds, exact to a microsecond, or undefined for other text. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = ''] = DURATION.exec(text) ?? [];
  const ms = rounded(Number(number) * (UNIT_MS[unit] ?? 1), 3);
  return Number.isFinite(ms) ? ms : undefined;
}

/** The shortest and the longest duration allowed, in milliseconds. */
export interface MsLimits {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Like `parseDuration`; also undefined outside these limits. */
export function parseDurationIn({ leastMs, mostMs }: MsLimits, text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
}

export const TIME_EXAMPLE = 'a time like 500ms, 10s or 2m';

/** The form that `parseDurationIn` reads, in words. */
export function durationForm({ leastMs, mostMs }: MsLimits): string {
  return `${TIME_EXAMPLE}, from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`;
}

/** Writes milliseconds as `parseSignedDuration` reads them, in the largest unit that gives a whole number. */
export function formatDuration(ms: number): string {
  const units = ['h', 'm', 's'] as const;
  const unit = units.find((one) => ms !== 0 && ms % (UNIT_MS[one] ?? 1) === 0) ?? 'ms';
  return `${ms / (UNIT_MS[unit] ?? 1)}${unit}`;
}

/** Reads a duration that may begin with a minus; gives milliseconds, or undefined for other text. */
export function parseSignedDuration(text: string): number | undefined {
  if (!text.startsWith('-')) return parseDuration(text);
  const ms = parseDuration(text.slice(1));
  return ms === undefined ? undefined : -ms;
}

/** Reads `3s..6s`, or a single time as a range; undefined if the end is before the start. */
export function parseDurationRange(text: string): MsRange | undefined {
  const [first = '', last = first, more] = text.split('..');
  const [least, most] = [parseDuration(first), parseDuration(last)];
  const isRange = more === undefined && least !== undefined && most !== undefined && least <= most;
  return isRange ? { least, most } : undefined;
}

/** Reads `20KB/s`; gives kilobytes (1,000 bytes) a second. */
export function parseByteRate(text: string): number | undefined {
  return BYTE_RATE.test(text) ? Number.parseFloat(text) : undefined;
}
