import { DeadlineHeap } from '../proofs/deadline-heap.ts';
import { sortRows } from '../rows/sort-rows.ts';
import { type Attempt, type Demands, ROLE, startOf } from './demands.ts';
import type { Ideal } from './ideal.ts';
import { Later } from './later.ts';
import { WindowLevel, type WindowMiss, type WindowShape } from './window-level.ts';

/** An ideal limiter of windows. `isFixed`: its windows do not slide. */
export function idealWindow(
  shape: WindowShape,
  { isFixed }: { readonly isFixed: boolean },
): Ideal<WindowMiss> {
  return {
    begin: (demands, attempt) => new WindowLevel(shape, demands, attempt),
    arrange(demands, { holds }) {
      const held = holds.size === 0 ? demands : new Later(demands, holds);
      return isFixed && demands.gains.length === 0 ? new Later(held, givePlaces(held, shape)) : held;
    },
    reorder: () => undefined,
    later: (attempt, misses) => later(attempt, misses, shape),
  };
}

/** An attempt in which takes are held back until they count at the misses. */
function later(attempt: Attempt, misses: Iterable<WindowMiss>, shape: WindowShape): Attempt | undefined {
  const holds = new Map(attempt.holds);
  let { startQuanta } = attempt;
  for (const { atUs, needed, level } of misses) {
    const { rows, lacking } = level.spare(atUs, needed);
    for (const row of rows)
      holds.set(row, Math.max(holds.get(row) ?? Number.NEGATIVE_INFINITY, shape.countsFromUs(atUs)));
    if (lacking === 0) continue;
    if (!attempt.isStartFree || !level.isFirst(atUs)) return undefined;
    startQuanta = Math.min(startQuanta, attempt.startQuanta - lacking);
  }
  return startQuanta < 0 ? undefined : { ...attempt, startQuanta, holds };
}

const heap = new DeadlineHeap();

/** The first moment of each take in its window, if every window admits those with the earliest deadlines. */
function givePlaces(demands: Demands, { limit, returnUs, countsFromUs }: WindowShape): Map<number, number> {
  const takes = demands.order.filter(
    (row) => demands.roleOf(row) !== ROLE.denial && demands.roleOf(row) !== ROLE.maybe,
  );
  sortRows(takes, takes.length, (row) => demands.fromUs(row));
  const momentsUs = new Map<number, number>();
  let windowUs = countsFromUs(startOf(demands));
  heap.clear(takes.length);
  for (let next = 0; heap.size > 0 || next < takes.length; ) {
    if (heap.size === 0) windowUs = Math.max(windowUs, countsFromUs(demands.fromUs(takes[next] as number)));
    const endUs = returnUs(windowUs);
    for (; next < takes.length && demands.fromUs(takes[next] as number) < endUs; next++) {
      const row = takes[next] as number;
      if (demands.quantaOf(row) <= limit) heap.push(demands.untilUs(row), demands.quantaOf(row), row);
    }
    for (let room = limit; heap.size > 0 && (heap.works[0] as number) <= room; heap.pop()) {
      const row = heap.rows[0] as number;
      momentsUs.set(row, Math.max(demands.fromUs(row), windowUs));
      room -= heap.works[0] as number;
    }
    windowUs = endUs;
  }
  heap.release();
  return momentsUs;
}
