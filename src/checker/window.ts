import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { Drop } from './drops.ts';
import { type Machine, MachineTime } from './machine.ts';
import { countWhile, rowsWhere } from './order.ts';

/** Operations that were admitted wholly inside one window [start, end], and what that window allows. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
  /** In the order of invocation. */
  readonly rows: Uint32Array;
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
  let found: Start | undefined;
  const ending = { endUs: bucket.table.lastUs(late.row), busyFromUs: late.busyFromUs };
  scanBack(bucket, machine, ending, (excess, at, admittedTokens) => {
    if (excess > most) {
      most = excess;
      found = { at, admittedTokens };
    }
    return true;
  });
  return found && windowFrom(bucket, machine, found, ending.endUs);
}

/**
 * A smallest proof: operations of one window that exceed it together, and stop doing so when any one is taken
 * away. At the first deadline that is missed, d, every window that is exceeded ends at d. Of these the one that
 * starts last is taken, so that none inside it is exceeded, and of its operations the cheapest are left out as
 * long as the rest still exceed it.
 */
export function findWitness(bucket: BucketRows, machine: Machine, drop: Drop): Window | undefined {
  const endUs = bucket.table.lastUs(drop.row);
  let found: Start | undefined;
  scanBack(bucket, machine, { endUs, busyFromUs: drop.busyFromUs }, (excess, at, admittedTokens) => {
    if (excess > 0) found = { at, admittedTokens };
    return excess <= 0;
  });
  return found && leaveOutCheapest(bucket.table, machine, windowFrom(bucket, machine, found, endUs));
}

function leaveOutCheapest({ costTokens }: OperationTable, machine: Machine, window: Window): Window {
  const kept = new Set(window.rows);
  const cost = (row: number) => costTokens[row] as number;
  let admittedTokens = window.rows.reduce((sum, row) => sum + cost(row), 0);
  for (const row of window.rows.toSorted((a, b) => cost(a) - cost(b))) {
    if ((admittedTokens - cost(row)) * machine.quantaPerToken <= window.allowanceQuanta) break;
    admittedTokens -= cost(row);
    kept.delete(row);
  }
  const admittedQuanta = admittedTokens * machine.quantaPerToken;
  return { ...window, admittedQuanta, rows: window.rows.filter((row) => kept.has(row)) };
}

interface Late {
  /** Quanta: the time of the machine is the time in which one is born. */
  readonly lateness: number;
  readonly row: number;
  readonly busyFromUs: number;
}

function runLateEdf({ table, byInvoked, count }: BucketRows, machine: Machine): Late {
  const { invokedUs, kinds, costTokens } = table;
  const run = new LateRun(machine, count);
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    if (((kinds[row] as number) & KIND.outcome) !== KIND.allowed) continue;
    run.add(row, {
      invokedUs: invokedUs[row] as number,
      lastUs: table.lastUs(row),
      quanta: (costTokens[row] as number) * machine.quantaPerToken,
    });
  }
  return run.finish();
}

/**
 * EDF that never drops. Each step ends a job or is the last, so this ends. Until the last release the machine is behind
 * it, so its time is exact. What is left then may be more than 2^53 quanta: it is added up with what the sums round
 * off. The lateness itself is only compared; what is shown of the window is measured afterwards.
 */
class LateRun {
  readonly #time: MachineTime;
  #late: Late = { lateness: 0, row: -1, busyFromUs: 0 };
  #busyFromUs = 0;

  constructor(machine: Machine, jobs: number) {
    this.#time = new MachineTime(machine);
    heap.clear(jobs);
  }

  add(
    row: number,
    { invokedUs, lastUs, quanta }: { invokedUs: number; lastUs: number; quanta: number },
  ): void {
    this.#serveUntil(invokedUs);
    if (heap.size === 0) {
      this.#time.waitFor(invokedUs);
      this.#busyFromUs = invokedUs;
    }
    heap.push(lastUs, quanta, row);
  }

  finish(): Late {
    let [served, roundedOff] = [0, 0];
    while (heap.size > 0) {
      const work = heap.works[0] as number;
      const sum = served + work;
      const added = sum - served;
      roundedOff += served - (sum - added) + (work - added);
      served = sum;
      this.#note(served - this.#time.untilDeadline(heap.deadlines[0] as number) + roundedOff);
      heap.pop();
    }
    heap.release();
    return this.#late;
  }

  #serveUntil(us: number): void {
    while (heap.size > 0) {
      const toRelease = this.#time.untilRelease(us);
      if (toRelease <= 0) return;
      const work = heap.works[0] as number;
      const step = Math.min(toRelease, work);
      this.#time.advance(step);
      if (step < work) {
        heap.works[0] = work - step;
        return;
      }
      this.#note(-this.#time.untilDeadline(heap.deadlines[0] as number));
      heap.pop();
    }
  }

  #note(lateness: number): void {
    if (lateness <= this.#late.lateness) return;
    this.#late = { lateness, row: heap.rows[0] as number, busyFromUs: this.#busyFromUs };
  }
}

/**
 * Walks the windows that end at `endUs`, from the latest start backwards to where the machine got busy, and shows each with its
 * excess, the place of its first row in the order of invocation and its tokens, until told to stop.
 */
function scanBack(
  { table, byInvoked, count }: BucketRows,
  machine: Machine,
  { endUs, busyFromUs }: { endUs: number; busyFromUs: number },
  show: (excessQuanta: number, at: number, admittedTokens: number) => boolean,
): void {
  const { invokedUs, kinds, costTokens } = table;
  let admittedTokens = 0;
  const begun = countBegun(invokedUs, { byInvoked, count }, endUs);
  for (let at = begun - 1; at >= 0; at--) {
    const row = byInvoked[at] as number;
    const startUs = invokedUs[row] as number;
    if (startUs < busyFromUs) return;
    if (((kinds[row] as number) & KIND.outcome) !== KIND.allowed || table.lastUs(row) > endUs) continue;
    admittedTokens += costTokens[row] as number; // tokens add up exactly where quanta pass 2^53
    const excess = admittedTokens * machine.quantaPerToken - machine.allowance(endUs - startUs);
    if (!show(excess, at, admittedTokens)) return;
  }
}

/** Where a window begins among the rows by invocation, and what it holds. */
interface Start {
  readonly at: number;
  readonly admittedTokens: number;
}

function windowFrom(
  { table, byInvoked, count }: BucketRows,
  machine: Machine,
  { at, admittedTokens }: Start,
  endUs: number,
): Window {
  const { invokedUs, kinds } = table;
  const startUs = invokedUs[byInvoked[at] as number] as number;
  const isIn = (row: number) =>
    ((kinds[row] as number) & KIND.outcome) === KIND.allowed && table.lastUs(row) <= endUs;
  return {
    startUs,
    endUs,
    rows: rowsWhere(byInvoked.subarray(at, countBegun(invokedUs, { byInvoked, count }, endUs)), isIn),
    admittedQuanta: admittedTokens * machine.quantaPerToken,
    allowanceQuanta: machine.allowance(endUs - startUs),
  };
}

function countBegun(
  invokedUs: Float64Array,
  { byInvoked, count }: Pick<BucketRows, 'byInvoked' | 'count'>,
  untilUs: number,
): number {
  return countWhile(byInvoked, count, (row) => (invokedUs[row] as number) <= untilUs);
}
