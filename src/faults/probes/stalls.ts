import type { Exchange } from '../../regions/network/exchange.ts';
import type { Sight } from './probe.ts';

/** What one look saw. Undefined if a stall of this program, or a lost connection, hides whether the fault was in force. */
export interface Glimpse {
  readonly bit: boolean | undefined;
  readonly saw: string;
}

const LOOKS = 3;

/** Looks again where that is undefined. A fault that stays hidden is not proved. */
export async function pastStalls(look: () => Promise<Glimpse>): Promise<Sight> {
  for (let left = LOOKS; ; left--) {
    const { bit, saw } = await look();
    if (bit !== undefined) return { bit, saw };
    if (left === 1)
      return { bit: false, saw: `${saw}, which may be a stall of this program or a lost connection` };
  }
}

/** The least and the most that something can have taken, in milliseconds; at most Infinity if it did not end. */
export interface Range {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** What an answer took: a stall of this program may have been a part of it. Without an answer, it took at least that. */
export function rangeOf({ isAnswered, ms, stalledMs }: Answer): Range {
  return { leastMs: ms - stalledMs, mostMs: isAnswered ? ms : Number.POSITIVE_INFINITY };
}

export type Answer = Pick<Exchange, 'isAnswered' | 'ms' | 'stalledMs'>;

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
