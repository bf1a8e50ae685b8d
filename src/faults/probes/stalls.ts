import type { Sight } from './probe.ts';

/** What one look saw. Undefined if a stall of this program hides whether the fault was in force. */
export interface Glimpse {
  readonly bit: boolean | undefined;
  readonly saw: string;
}

const LOOKS = 3;

/** Looks again after a stall that hides it. One that is always hidden is not proved. */
export async function pastStalls(look: () => Promise<Glimpse>): Promise<Sight> {
  for (let left = LOOKS; ; left--) {
    const { bit, saw } = await look();
    if (bit !== undefined) return { bit, saw };
    if (left === 1) return { bit: false, saw: `${saw}, but this program stood still meanwhile` };
  }
}

/** What something took: up to `ms`, of which up to `stalledMs` were a stall of this program. */
export interface Took {
  readonly ms: number;
  readonly stalledMs: number;
}

/** The least and the most that something can have taken. */
export interface Range {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** The range of what is typical of times; `typical` grows with each of them. */
export function rangeOf(took: readonly Took[], typical: (times: readonly number[]) => number): Range {
  return {
    leastMs: typical(took.map(({ ms, stalledMs }) => ms - stalledMs)),
    mostMs: typical(took.map(({ ms }) => ms)),
  };
}

/** Undefined if only a part of the range is. */
export function isAtLeast({ leastMs, mostMs }: Range, ms: number): boolean | undefined {
  if (leastMs >= ms) return true;
  return mostMs < ms ? false : undefined;
}
