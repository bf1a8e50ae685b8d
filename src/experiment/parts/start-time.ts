import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';

/** A time of day like 12:30 or 12:30:05. */
const TIME_OF_DAY = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
/** As ISO 8601; without a zone it is UTC. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?$/;

const DAY_MS = 86_400_000;
const MOST_AHEAD_MS = DAY_MS;

/** Throws INVALID_OPTION for a text that `startTime` cannot read. */
export function checkStartText(text: string): string {
  if (TIME_OF_DAY.test(text) || !Number.isNaN(isoTime(text))) return text;
  throw invalidOption(
    `a start is a time in UTC like 12:30, 12:30:05 or 2026-03-01T12:30:00Z; found ${quoted(text)}`,
  );
}

/**
 * Milliseconds since 1970 of a start that is `leastMs` ahead of `nowMs` or more. A time of day is the nearest one, of
 * today, yesterday or tomorrow. Throws INVALID_OPTION.
 */
export function startTime(text: string, { nowMs, leastMs }: { nowMs: number; leastMs: number }): number {
  const startMs = TIME_OF_DAY.test(text) ? nearest(text, nowMs) : isoTime(checkStartText(text));
  const aheadMs = startMs - nowMs;
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z by the clock of the run`;
  const hint = 'choose one that all parts can keep, for example a minute ahead';
  if (aheadMs < 0) throw invalidOption(`--start-at ${text} is past: it is ${now}`, hint);
  if (aheadMs < leastMs)
    throw invalidOption(
      `--start-at ${text} is ${(aheadMs / 1_000).toFixed(1)} s ahead, and a part needs ${leastMs / 1_000} s to get ready: it is ${now}`,
      hint,
    );
  if (aheadMs > MOST_AHEAD_MS)
    throw invalidOption(`--start-at ${text} is more than a day ahead: it is ${now}`, hint);
  return startMs;
}

function nearest(text: string, nowMs: number): number {
  const [, hours, minutes, seconds = '0'] = TIME_OF_DAY.exec(text) ?? [];
  const inDayMs = 1_000 * (3_600 * Number(hours) + 60 * Number(minutes) + Number(seconds));
  const days = Math.round((nowMs - inDayMs) / DAY_MS);
  return days * DAY_MS + inDayMs;
}

/** NaN for other text. */
function isoTime(text: string): number {
  const [, zone] = ISO.exec(text) ?? [text];
  if (!ISO.test(text)) return Number.NaN;
  return Date.parse(zone === undefined ? `${text}Z` : text);
}
