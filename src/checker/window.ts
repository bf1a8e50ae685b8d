import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { Drop, Machine } from './over-admission.ts';

/** Operations that were admitted wholly inside one window [start, end], and what that window allows. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
  /** In the order of invocation. */
  readonly rows: readonly number[];
  readonly admittedQuanta: number;
  /** capacity + refill * length, clock slack included. */
  readonly allowanceQuanta: number;
}

const heap = new DeadlineHeap();

/**
 * The window that is exceeded most, or undefined when none is. EDF that never drops is latest by exactly the
 * largest excess; the window ends at that deadline and starts at the release that makes the excess largest.
 */
export function findWorstWindow(bucket: BucketRows, machine: Machine): Window | undefined {
  const late = runLateEdf(bucket, machine);
  if (late.lateness === 0) return undefined;
  let most = Number.NEGATIVE_INFINITY;
  let found: Window | undefined;
  let rows = 0;
  scanBack(bucket, machine, { ...late, endUs: bucket.table.lastUs(late.row) }, (window, excess) => {
    if (excess > most) {
      most = excess;
      found = window;
      rows = window.rows.length;
    }
    return true;
  });
  return found && { ...found, rows: found.rows.slice(0, rows).reverse() };
}

/**
 * A smallest proof: operations of one window that exceed it together, and stop doing so when any one is taken
 * away. At the first deadline that is missed, d, every window that is exceeded ends at d. Of these the one that
 * starts last is taken, so that none inside it is exceeded, and of its operations the cheapest are left out as
 * long as the rest still exceed it.
 */
export function findWitness(bucket: BucketRows, machine: Machine, drop: Drop): Window | undefined {
  const endUs = bucket.table.lastUs(drop.row);
  let found: Window | undefined;
  scanBack(bucket, machine, { endUs, originUs: drop.originUs }, (window, excess) => {
    if (excess <= 0) return true;
    found = { ...window, rows: [...window.rows].reverse() };
    return false;
  });
  return found && leaveOutCheapest(bucket.table, machine, found);
}

function leaveOutCheapest({ costTokens }: OperationTable, machine: Machine, window: Window): Window {
  let admittedQuanta = window.admittedQuanta;
  const kept = new Set(window.rows);
  const cost = (row: number) => (costTokens[row] as number) * machine.quantaPerToken;
  for (const row of window.rows.toSorted((a, b) => cost(a) - cost(b))) {
    if (admittedQuanta - cost(row) <= window.allowanceQuanta) break;
    admittedQuanta -= cost(row);
    kept.delete(row);
  }
  return { ...window, admittedQuanta, rows: window.rows.filter((row) => kept.has(row)) };
}

interface Late {
  /** Quanta: the time of the machine is the time in which one is born. */
  readonly lateness: number;
  readonly row: number;
  readonly originUs: number;
}

function runLateEdf({ table, byInvoked, count }: BucketRows, machine: Machine): Late {
  const { invokedUs, kinds, costTokens } = table;
  let late: Late = { lateness: 0, row: -1, originUs: 0 };
  let originUs = 0;
  let now = Number.NEGATIVE_INFINITY;
  heap.size = 0;
  const serveUntil = (until: number) => {
    while (heap.size > 0 && now < until) {
      const stop = Math.min(until, now + (heap.works[0] as number));
      heap.works[0] = (heap.works[0] as number) - (stop - now);
      now = stop;
      if (heap.works[0] !== 0) continue;
      const lateness = now - (heap.deadlines[0] as number);
      if (lateness > late.lateness) late = { lateness, row: heap.rows[0] as number, originUs };
      heap.pop();
    }
  };
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    if (((kinds[row] as number) & KIND.outcome) !== KIND.allowed) continue;
    serveUntil(machine.release((invokedUs[row] as number) - originUs));
    if (heap.size === 0) {
      originUs = invokedUs[row] as number;
      now = machine.release(0);
    }
    const deadline = machine.deadline(table.lastUs(row) - originUs);
    heap.push(deadline, (costTokens[row] as number) * machine.quantaPerToken, row);
  }
  serveUntil(Number.POSITIVE_INFINITY);
  return late;
}

/**
 * Walks the windows that end at `endUs`, from the latest start backwards to the origin, and shows each with its
 * excess until told to stop. The `rows` shown are one growing list, latest invocation first.
 */
function scanBack(
  { table, byInvoked, count }: BucketRows,
  machine: Machine,
  { endUs, originUs }: { endUs: number; originUs: number },
  show: (window: Window, excessQuanta: number) => boolean,
): void {
  const { invokedUs, kinds, costTokens } = table;
  const deadline = machine.deadline(endUs - originUs);
  const rows: number[] = [];
  let admittedQuanta = 0;
  for (let at = countUpTo(byInvoked, count, invokedUs, endUs) - 1; at >= 0; at--) {
    const row = byInvoked[at] as number;
    const startUs = invokedUs[row] as number;
    if (startUs < originUs) return;
    if (((kinds[row] as number) & KIND.outcome) !== KIND.allowed || table.lastUs(row) > endUs) continue;
    rows.push(row);
    admittedQuanta += (costTokens[row] as number) * machine.quantaPerToken;
    const allowanceQuanta = deadline - machine.release(startUs - originUs);
    const goOn = show(
      { startUs, endUs, rows, admittedQuanta, allowanceQuanta },
      admittedQuanta - allowanceQuanta,
    );
    if (!goOn) return;
  }
}

/** How many of the rows, sorted by invocation, were invoked by `us`. */
function countUpTo(byInvoked: Uint32Array, count: number, invokedUs: Float64Array, us: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((invokedUs[byInvoked[middle] as number] as number) <= us) low = middle + 1;
    else high = middle;
  }
  return low;
}
