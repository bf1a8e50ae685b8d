import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '../../regions/network/exchange.ts';
import type { Sight } from './probe.ts';

/** What one look saw. Undefined if a stall of this program, or a lost connection, hides whether the fault was in force. */
export interface Glimpse {
  readonly bit: boolean | undefined;
  readonly saw: string;
}

const LOOKS = 3;
/** What hides it may be over then. */
const BETWEEN_MS = 200;

/** Looks again where that is undefined. A fault that stays hidden is not proved. */
export async function pastStalls(look: () => Promise<Glimpse>): Promise<Sight> {
  for (let left = LOOKS; ; left--) {
    const { bit, saw } = await look();
    if (bit !== undefined) return { bit, saw };
    if (left === 1)
      return { bit: false, saw: `${saw}, which may be a stall of this program or a lost connection` };
    await sleep(BETWEEN_MS);
  }
}

/** The least and the most that something can have taken, in milliseconds; at most Infinity if it did not end. */
export interface Range {
  readonly leastMs: number;
  readonly mostMs: number;
}

export type Answer = Omit<Exchange, 'isConnected'>;

/** A connection needs up to two round trips for TLS 1.2, and its login one. */
const SETUP_TRIPS = 3;

/** The limits of a command that is timed: of a connection that is not ready in time, a round trip took `withinMs`. */
export function limitsOf(withinMs: number) {
  return { withinMs, setupMs: SETUP_TRIPS * withinMs };
}

/**
 * What an answer took, by the limits above: a stall of this program may have been a part of it. Without an answer, a
 * round trip took at least what it was awaited.
 */
export function rangeOf({ isSent, isAnswered, ms, stalledMs }: Answer): Range {
  const ranMs = ms - stalledMs;
  return {
    leastMs: isSent ? ranMs : ranMs / SETUP_TRIPS,
    mostMs: isAnswered ? ms : Number.POSITIVE_INFINITY,
  };
}

/** The range of what is typical of all; `typical` grows with each of them. */
export function typicalOf(ranges: readonly Range[], typical: (times: readonly number[]) => number): Range {
  return {
    leastMs: typical(ranges.map(({ leastMs }) => leastMs)),
    mostMs: typical(ranges.map(({ mostMs }) => mostMs)),
  };
}

/** Undefined if only a part of the range is. */
export function isAtLeast({ leastMs, mostMs }: Range, ms: number): boolean | undefined {
  if (leastMs >= ms) return true;
  return mostMs < ms ? false : undefined;
}

export function rangeText({ leastMs, mostMs }: Range, digits = 1): string {
  return Number.isFinite(mostMs) ? `${mostMs.toFixed(digits)} ms` : `more than ${leastMs.toFixed(0)} ms`;
}

/** Whether one of two is; undefined if that depends on what is. */
export function isEither(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  if (one === true || other === true) return true;
  return one === false && other === false ? false : undefined;
}
