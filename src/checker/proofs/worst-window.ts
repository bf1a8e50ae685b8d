import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { countWhile, rowsWhere } from '../rows/sort-rows.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { Drop } from './drops.ts';
import { type EdfTimeline, MachineTime } from './edf-timeline.ts';
import type { RefundSums } from './refund.ts';

/** The operations admitted wholly inside one window [start, end], and its allowance. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
  /** In the order of invocation. */
  readonly rows: Uint32Array;
  readonly admittedQuanta: number;
  /** capacity + refill * length, clock slack included. */
  readonly allowanceQuanta: number;
  /** The most that refunds can have returned in the window. */
  readonly refundedQuanta: number;
}

/** What was admitted in a window beyond its allowance and refunds. */
export function excessOf({ admittedQuanta, allowanceQuanta, refundedQuanta }: Window): number {
  return admittedQuanta - allowanceQuanta - refundedQuanta;
}

const heap = new DeadlineHeap();

/**
 * The window with the largest excess, or undefined if none is exceeded. What refunds can have returned in a window is no
 * excess. EDF that never drops is late by exactly the largest excess; the window ends at that deadline and starts at the
 * release that makes the excess largest.
 */
export function findWorstWindow(
  bucket: BucketRows,
  machine: EdfTimeline,
  refunds?: RefundSums,
): Window | undefined {
  const late = runLateEdf(bucket, machine, refunds);
  if (late.lateness === 0) return undefined;
  let most = Number.NEGATIVE_INFINITY;
  let found: Start | undefined;
  const ending = { endUs: bucket.table.lastUs(late.row), busyFromUs: late.busyFromUs };
  const { unit } = machine;
  const refundedBy = refunds?.until(ending.endUs) ?? 0;
  scanBack(bucket, machine, ending, (tooMany, at, admittedTokens) => {
    const startUs = bucket.table.invokedUs[bucket.byInvoked[at] as number] as number;
    const excess = refunds === undefined ? tooMany : tooMany - (refundedBy - refunds.before(startUs)) * unit;
    if (excess > most) {
      most = excess;
      found = { at, admittedTokens };
    }
    return true;
  });
  if (found === undefined) return undefined;
  const window = windowFrom(bucket, machine, found, ending.endUs);
  if (refunds === undefined) return window;
  return { ...window, refundedQuanta: refunds.within(window.startUs, window.endUs) * unit };
}

/**
 * A smallest proof: operations of one window that exceed it together, but not without any one of them. At the first
 * missed deadline d, every exceeded window ends at d. The proof takes the one that starts last, so that none inside it is
 * exceeded, and leaves out its cheapest operations as long as the rest still exceeds it.
 */
export function findWitness(bucket: BucketRows, machine: EdfTimeline, drop: Drop): Window | undefined {
  const endUs = bucket.table.lastUs(drop.row);
  let found: Start | undefined;
  scanBack(bucket, machine, { endUs, busyFromUs: drop.busyFromUs }, (excess, at, admittedTokens) => {
    if (excess > 0) found = { at, admittedTokens };
    return excess <= 0;
  });
  return found && leaveOutCheapest(bucket.table, machine, windowFrom(bucket, machine, found, endUs));
}

function leaveOutCheapest({ costTokens }: OperationTable, machine: EdfTimeline, window: Window): Window {
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
  /** In quanta: the machine's unit of time is the time in which one is minted. */
  readonly lateness: number;
  readonly row: number;
  readonly busyFromUs: number;
}

function runLateEdf(
  { table, byInvoked, count }: BucketRows,
  machine: EdfTimeline,
  refunds: RefundSums | undefined,
): Late {
  const { invokedUs, kinds, costTokens } = table;
  const run = new LateRun(new MachineTime(machine, refunds), count);
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
 * it, so its time is exact. The rest may be more than 2^53 quanta, so the rounding errors of its sum are added up too.
 * The lateness itself is only compared; the reported amounts are computed from the window.
 */
class LateRun {
  readonly #time: MachineTime;
  #late: Late = { lateness: 0, row: -1, busyFromUs: 0 };
  #busyFromUs = 0;

  constructor(time: MachineTime, jobs: number) {
    this.#time = time;
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
 * Calls `show` for the windows that end at `endUs`, from the latest start back to the start of the busy period, with the
 * excess, the place of the first row in the order of invocation, and the tokens. Stops when `show` returns false.
 */
function scanBack(
  { table, byInvoked, count }: BucketRows,
  machine: EdfTimeline,
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
    admittedTokens += costTokens[row] as number; // tokens are exact where quanta pass 2^53
    const excess = admittedTokens * machine.quantaPerToken - machine.allowance(endUs - startUs);
    if (!show(excess, at, admittedTokens)) return;
  }
}

/** The first row of a window, by its place in the order of invocation, and the tokens of the window. */
interface Start {
  readonly at: number;
  readonly admittedTokens: number;
}

function windowFrom(
  { table, byInvoked, count }: BucketRows,
  machine: EdfTimeline,
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
    refundedQuanta: 0,
  };
}

function countBegun(
  invokedUs: Float64Array,
  { byInvoked, count }: Pick<BucketRows, 'byInvoked' | 'count'>,
  untilUs: number,
): number {
  return countWhile(byInvoked, count, (row) => (invokedUs[row] as number) <= untilUs);
}
