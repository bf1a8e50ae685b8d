import { formatPromise, type WindowPromise } from '../../core/promise.ts';
import type { History } from '../../history/history.ts';
import type { ClockReading } from '../../history/records/operation.ts';
import type { ClockBounds, ClockSpan } from '../clocks/bounds.ts';
import type { ClockGrant, ClockSlackRule } from '../clocks/grant.ts';
import type { Coverage } from '../rows/coverage.ts';

/** How the clock of the limiter's windows relates to the recorder's. */
export interface WindowClock extends ClockBounds {
  /** The offset of the epoch's windows; absent if the time of day of the limiter's clock is unknown. */
  readonly offset?: WindowOffset;
  /** How far the clock may be, at any moment of the history, from a constant offset. */
  readonly wanderUs: number;
  /** Earlier admissions are unknown. */
  readonly knownFromUs: number;
}

/** Limiter's clock minus recorder's: one offset in this range, from which it wanders. Microseconds. */
export interface WindowOffset {
  readonly lowestUs: number;
  readonly highestUs: number;
  /**
   * The source: readings of that clock, the `Date` of replies, or the statement of the history or the user that it is the
   * recorder's.
   */
  readonly from: 'readings' | 'dates' | 'history' | 'user';
}

interface Known {
  readonly clock: ClockBounds;
  readonly grant: ClockGrant;
  readonly typed: ClockSlackRule | undefined;
  readonly coverage: Coverage;
  /** Of the limiter's clock. */
  readonly readings: readonly ClockReading[];
  /** From `Date` headers: too coarse to show how fast the clock runs. */
  readonly dates: readonly ClockReading[];
}

/**
 * The time of day of the limiter's clock is known
 *   if it was read: the offset is that of the sharpest reading, and it wanders as far as any reading allows;
 *   if the limiter decides on the recorder's clock (`clocks: one`), or the user says how far it is from it at most, and
 *   the times of the history are dates;
 *   if replies have dates: each date D was shown at t within its error, so for all of them
 *   D - t - error - wander <= offset <= D - t + error + wander.
 * A clock that was not read and drifts by r over a span T, in steps of g, has offsets in a range of g + r * T. From the
 * middle of that range it wanders by half of it.
 */
export function computeWindowClock({ header }: History, known: Known): WindowClock {
  const { clock, coverage } = known;
  const knownFromUs = header.initial === 'full' ? Number.NEGATIVE_INFINITY : coverage.knownFromUs;
  if (known.readings.length > 0) return { ...clock, ...read(known.readings, clock), knownFromUs };
  const { fromUs, untilUs } = coverage.span;
  const driftUs = (known.grant.driftPpm * Math.max(0, untilUs - fromUs)) / 1_000_000;
  const wanderUs = Math.ceil((known.grant.slackUs + driftUs) / 2);
  const unread = { ...clock, wanderUs, knownFromUs };
  if (known.dates.length > 0) return { ...unread, offset: dated(known.dates, wanderUs) };
  const isSaid = header.clocks === 'one' || known.typed !== undefined;
  if (!isSaid || header.clocks === 'apart' || !areDates(coverage.span)) return unread;
  const from = header.clocks === 'one' ? 'history' : 'user';
  return { ...unread, wanderUs: known.grant.slackUs, offset: { lowestUs: 0, highestUs: 0, from } };
}

function read(
  readings: readonly ClockReading[],
  { epsilonUs }: ClockBounds,
): Pick<WindowClock, 'offset' | 'wanderUs'> {
  const offsetOf = ({ serverUs, atUs }: ClockReading) => serverUs - atUs;
  const sharpest = readings.reduce((best, next) => (next.errorUs < best.errorUs ? next : best));
  const offsetUs = offsetOf(sharpest);
  const beyondUs = ({ errorUs }: ClockReading) => Math.max(0, errorUs - 2 * sharpest.errorUs); // epsilon has the rest
  const farthestUs = readings.reduce(
    (most, one) => Math.max(most, Math.abs(offsetOf(one) - offsetUs) + beyondUs(one)),
    0,
  );
  return {
    offset: { lowestUs: offsetUs, highestUs: offsetUs, from: 'readings' },
    wanderUs: Math.ceil(farthestUs + epsilonUs),
  };
}

function dated(dates: readonly ClockReading[], wanderUs: number): WindowOffset {
  let [lowestUs, highestUs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { serverUs, atUs, errorUs } of dates) {
    lowestUs = Math.max(lowestUs, serverUs - atUs - errorUs - wanderUs);
    highestUs = Math.min(highestUs, serverUs - atUs + errorUs + wanderUs);
  }
  if (lowestUs <= highestUs) return { lowestUs, highestUs, from: 'dates' };
  return hullOf(dates, wanderUs); // different servers' clocks: each may be the limiter's
}

function hullOf(dates: readonly ClockReading[], wanderUs: number): WindowOffset {
  let [lowestUs, highestUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { serverUs, atUs, errorUs } of dates) {
    lowestUs = Math.min(lowestUs, serverUs - atUs - errorUs - wanderUs);
    highestUs = Math.max(highestUs, serverUs - atUs + errorUs + wanderUs);
  }
  return { lowestUs, highestUs, from: 'dates' };
}

/** The year 2001: a monotonic clock that counts from a start is always below. */
export const FIRST_DATE_US = 1e15;
/** The year 2100. */
export const LAST_DATE_US = 4.1e15;

/** Whether a time can be a date of this century. */
export function isDate(us: number): boolean {
  return us >= FIRST_DATE_US && us <= LAST_DATE_US;
}

function areDates({ fromUs }: ClockSpan): boolean {
  return fromUs >= FIRST_DATE_US;
}

interface Windows {
  readonly promise: WindowPromise;
  readonly clock: WindowClock;
}

/** Whether the most tokens that a window can hold are known: for an exact log, and for windows of known place. */
export function judgesDenials({ promise, clock }: Windows): boolean {
  return (
    promise.type === 'sliding-window' ||
    (promise.type === 'fixed-window' && promise.alignment === 'epoch' && clock.offset !== undefined)
  );
}

/** A sentence without its subject: no denial could be judged. */
export function whyDenialsAreNotJudged({ promise }: Windows): string {
  if (promise.type === 'sliding-counter')
    return 'a sliding counter may deny more than an exact log, by an amount that the promise does not limit';
  if (promise.type === 'fixed-window' && promise.alignment === 'epoch')
    return "the time of day of the limiter's clock was not read, so it is not known when a window ends";
  return `${formatPromise(promise)} does not say when its windows start`;
}

/** What a promise does not allow to judge, as sentences; absent if there is nothing. */
export function notJudged(windows: (Windows & { readonly areDenialsJudged: boolean }) | undefined): {
  readonly notJudged?: readonly string[];
} {
  if (windows?.areDenialsJudged !== false) return {};
  return { notJudged: [`denials: ${whyDenialsAreNotJudged(windows)}`] };
}

/** The assumptions about the place of windows, as sentences. */
export function assumedOfWindows({ promise, clock }: Windows): string[] {
  if (promise.type !== 'fixed-window' || promise.alignment !== 'epoch') return [];
  return ASSUMED[clock.offset?.from ?? 'nothing'](clock);
}

const ASSUMED = {
  readings: () => [],
  history: () => [],
  dates: () => ["the Date of replies is taken as the limiter's clock, with an error of at most 2 s"],
  user: ({ wanderUs }: WindowClock) => [
    wanderUs === 0
      ? "the history's time of day is taken as the limiter's, to within --clock-slack"
      : `the history's time of day is taken as the limiter's, with an error of at most ${wanderUs / 1_000} ms (--clock-slack)`,
  ],
  nothing: () => [
    "the time of day of the limiter's clock was not read, so a window of the epoch is found broken only if it is broken wherever windows start",
  ],
} as const;
