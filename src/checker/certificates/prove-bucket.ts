import { type Attempt, type Demands, ROLE, type Sink, type StartLevel } from './demands.ts';
import type { Ideal, Miss } from './ideal.ts';
import { Schedule } from './schedule.ts';

/** An order of operations to which an ideal limiter gives the recorded answers. */
export interface Proof {
  /** The level before the first operation; absent: full. */
  readonly firstQuanta?: number;
  /** Hands the operations to `sink`, in their order. */
  replay(sink: Sink): void;
}

/** The attempts that mend misses, for each use of unknown charges. */
const ATTEMPTS = 4;

/** Searches for a proof; undefined if none was found, though there may be one. */
export function findOrder<M extends Miss>(
  demands: Demands,
  ideal: Ideal<M>,
  start: StartLevel,
): Proof | undefined {
  const schedule = new Schedule(ideal);
  for (const usesMaybes of [false, true]) {
    if (usesMaybes && !demands.order.some((row) => demands.roleOf(row) === ROLE.maybe)) break;
    const attempt = { ...start, holds: new Map(), usesMaybes };
    const early = search(schedule, { demands, ideal, attempt });
    if (early !== 'no place') {
      if (early !== undefined) return early;
      continue;
    }
    const reordered = ideal.reorder(demands);
    if (reordered === undefined) continue;
    const ordered = search(schedule, { demands: reordered, ideal, attempt });
    if (ordered !== undefined && ordered !== 'no place') return ordered;
  }
  return undefined;
}

/** Mends misses until all denials are right. `no place`: some admission finds no room from the start. */
function search<M extends Miss>(
  schedule: Schedule<M>,
  { demands, ideal, attempt: from }: { demands: Demands; ideal: Ideal<M>; attempt: Attempt },
): Proof | 'no place' | undefined {
  let attempt = from;
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const isPlaced = schedule.run(demands, attempt);
    const { misses, firstQuanta } = schedule;
    if (isPlaced && misses.size === 0) {
      const found = attempt;
      return { firstQuanta, replay: (sink) => schedule.run(demands, found, sink) };
    }
    if (!isPlaced && tries === 0) return 'no place';
    const next = isPlaced ? ideal.later(attempt, misses, tries / (ATTEMPTS - 2)) : undefined;
    if (next === undefined) return undefined;
    attempt = next;
  }
  return undefined;
}
