import type { PlannedFault } from '../scenario/plan.ts';
import type { Dice } from './dice.ts';
import type { Schedule } from './schedule.ts';
import { drawMultiple } from './times.ts';

/** From when a fault is in force, and how long. */
export type When = Pick<PlannedFault, 'atMs' | 'forMs'>;

/** What a time of a fault is drawn by. */
export interface Around extends Pick<Schedule, 'load' | 'faults'> {
  /** By which the limiter lives. */
  readonly times: readonly number[];
}

const SHORTEST_MS = 50;

/**
 * What meets does what neither does alone. A fault begins or ends close to where another one or a peak does, and lasts for
 * one of the times by which the limiter lives, a little more or less; or it is anywhere.
 */
export function drawWhen(dice: Dice, around: Around): When {
  const { durationMs } = around.load;
  const latestMs = durationMs - SHORTEST_MS;
  const events = eventsOf(around);
  if (events.length === 0 || dice.chance(0.3)) {
    const atMs = dice.whole(0, latestMs);
    return { atMs, forMs: drawLength(dice, around, atMs) };
  }
  const eventMs = Math.max(0, Math.min(durationMs, closeTo(dice, dice.one(events))));
  if (dice.chance(0.5)) {
    const atMs = Math.min(latestMs, eventMs);
    return { atMs, forMs: drawLength(dice, around, atMs) };
  }
  const forMs = Math.max(
    SHORTEST_MS,
    Math.min(eventMs, drawMultiple(dice, around.times, { leastMs: SHORTEST_MS, mostMs: eventMs }) ?? eventMs),
  );
  return { atMs: Math.min(latestMs, Math.max(0, eventMs - forMs)), forMs };
}

/** How long a fault that begins then lasts: up to the end of the load at most. */
export function drawLength(dice: Dice, around: Around, atMs: number): number {
  const mostMs = Math.max(SHORTEST_MS, around.load.durationMs - atMs);
  const later = eventsOf(around).filter((event) => event.atMs + event.forMs > atMs + SHORTEST_MS);
  const toEvent = () => (later.length === 0 ? undefined : closeTo(dice, dice.one(later)) - atMs);
  const forMs = dice.one<() => number | undefined>([
    toEvent,
    toEvent,
    () => drawMultiple(dice, around.times, { leastMs: SHORTEST_MS, mostMs }),
    () => dice.whole(SHORTEST_MS, mostMs),
    () => dice.wide(SHORTEST_MS, mostMs),
  ])();
  return Math.max(SHORTEST_MS, Math.min(mostMs, forMs ?? mostMs));
}

/** Just before it, during it, or just after it. */
function closeTo(dice: Dice, { atMs, forMs }: When): number {
  return dice.one([
    () => atMs - dice.wide(1, MOST_APART_MS),
    () => dice.whole(atMs, atMs + forMs),
    () => dice.whole(atMs, atMs + forMs),
    () => atMs + forMs + dice.wide(1, MOST_APART_MS),
  ])();
}

const MOST_APART_MS = 1_000;

/** When faults and peaks are. */
function eventsOf({ load, faults }: Around): readonly When[] {
  return [...peaksOf(load), ...faults];
}

/** The peaks of a load; none if it is even. */
export function peaksOf({ peaks, durationMs }: Around['load']): readonly When[] {
  if (peaks === undefined) return [];
  const { everyMs, forMs } = peaks;
  const count = Math.floor(durationMs / everyMs);
  return Array.from({ length: count }, (_, nth) => ({ atMs: (nth + 1) * everyMs - forMs, forMs })); // a period ends with its peak
}
