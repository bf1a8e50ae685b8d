import type { History } from '../history/history.ts';
import type { ClockReading } from '../history/operation.ts';
import type { ClockBounds, ClockSpan } from './clock.ts';
import type { ClockGrant, ClockSlackRule } from './clock-grant.ts';
import type { Horizon } from './horizon.ts';
import type { WindowPromise } from './promise.ts';

/** How the clock that the limiter's windows run on relates to the recorder's. */
export interface WindowClock extends ClockBounds {
  /** Where windows of the epoch lie; absent where the time of day of the limiter's clock is not known. */
  readonly offset?: WindowOffset;
  /** How far its offset may be, at any moment of the history, from one that stays the same. */
  readonly wanderUs: number;
  /** Nothing is known of what was admitted before. */
  readonly knownFromUs: number;
}

/** Limiter's clock minus recorder's: one offset in this range, from which it wanders. Microseconds. */
export interface WindowOffset {
  readonly lowestUs: number;
  readonly highestUs: number;
  /** Who says so: readings of that clock, the `Date` of replies, or the history or the user, that it is the recorder's. */
  readonly from: 'readings' | 'dates' | 'history' | 'user';
}

interface Known {
  readonly clock: ClockBounds;
  readonly grant: ClockGrant;
  readonly typed: ClockSlackRule | undefined;
  readonly horizon: Horizon;
  /** Of the limiter's clock. */
  readonly readings: readonly ClockReading[];
  /** Of what a server says in the header `Date`: too blunt to tell how fast its clock runs. */
  readonly dates: readonly ClockReading[];
}

/**
 * The time of day of the limiter's clock is known
 *   where it was read: the offset is that of the sharpest reading, from which it wanders as far as any reading
 *   leaves open;
 *   where the limiter decides on the recorder's clock (`clocks: one`), or the user says how far it is from it at most,
 *   and the times of the history are dates;
 *   where replies were dated: each date D was shown at t within its error, so D - t - error - wander <= offset
 *   <= D - t + error + wander, for all of them.
 * A clock that was not read and drifts by r over a span T, in steps of g, has offsets in a range of g + r * T: from the
 * middle of it, it wanders by half as much.
 */
export function windowClockOf({ header }: History, known: Known): WindowClock {
  const { clock, horizon } = known;
  const knownFromUs = header.initial === 'full' ? Number.NEGATIVE_INFINITY : horizon.knownFromUs;
  if (known.readings.length > 0) return { ...clock, ...read(known.readings, clock), knownFromUs };
  const { fromUs, untilUs } = horizon.span;
  const driftUs = (known.grant.driftPpm * Math.max(0, untilUs - fromUs)) / 1_000_000;
  const wanderUs = Math.ceil((known.grant.slackUs + driftUs) / 2);
  const unread = { ...clock, wanderUs, knownFromUs };
  if (known.dates.length > 0) return { ...unread, offset: dated(known.dates, wanderUs) };
  const isSaid = header.clocks === 'one' || known.typed !== undefined;
  if (!isSaid || header.clocks === 'apart' || !areDates(horizon.span)) return unread;
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
  const beyondUs = ({ errorUs }: ClockReading) => Math.max(0, errorUs - 2 * sharpest.errorUs); // epsilon has that much
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
  return hullOf(dates, wanderUs); // the servers' clocks differ: each may be the limiter's
}

function hullOf(dates: readonly ClockReading[], wanderUs: number): WindowOffset {
  let [lowestUs, highestUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { serverUs, atUs, errorUs } of dates) {
    lowestUs = Math.min(lowestUs, serverUs - atUs - errorUs - wanderUs);
    highestUs = Math.max(highestUs, serverUs - atUs + errorUs + wanderUs);
  }
  return { lowestUs, highestUs, from: 'dates' };
}

/** The year 2001: a monotonic clock that counts from a start does not get there. */
const FIRST_DATE_US = 1e15;

function areDates({ fromUs }: ClockSpan): boolean {
  return fromUs >= FIRST_DATE_US;
}

interface Windows {
  readonly promise: WindowPromise;
  readonly clock: WindowClock;
}

/** Whether it can be told what the window of a moment holds at most: of an exact log, and where windows are placed. */
export function judgesDenials({ promise, clock }: Windows): boolean {
  return (
    promise.type === 'sliding-window' ||
    (promise.type === 'fixed-window' && promise.alignment === 'epoch' && clock.offset !== undefined)
  );
}

/** A sentence without its subject: no denial could be judged. */
export function whyDenialsAreNotJudged({ promise }: Windows): string {
  if (promise.type === 'sliding-counter')
    return 'a sliding counter may deny more than an exact log, and how much more is not said';
  if (promise.type === 'fixed-window' && promise.alignment === 'epoch')
    return "the time of day of the limiter's clock was not read, so it is not known when a window ends";
  return 'it is not known when a window ends';
}

/** What the verdict rests on as far as the place of windows is concerned. */
export function assumedOfWindows({ promise, clock }: Windows): string[] {
  if (promise.type !== 'fixed-window' || promise.alignment !== 'epoch') return [];
  return ASSUMED[clock.offset?.from ?? 'nothing'](clock);
}

const ASSUMED = {
  readings: () => [],
  history: () => [],
  dates: () => ["the Date of replies is taken for the limiter's clock, 2 s off at most"],
  user: ({ wanderUs }: WindowClock) => [
    wanderUs === 0
      ? "the time of day of the history is taken for the limiter's, within what --clock-slack widens"
      : `the time of day of the history is taken for the limiter's, ${wanderUs / 1_000} ms off at most (--clock-slack)`,
  ],
  nothing: () => [
    "the time of day of the limiter's clock was not read: what proves a window of the epoch broken proves it wherever windows start",
  ],
} as const;
