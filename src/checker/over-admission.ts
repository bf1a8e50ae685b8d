import { OpenclawError } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockSlack } from './clock.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { Headroom } from './headroom.ts';
import type { Refund } from './refund.ts';

/**
 * Over-admission of one bucket, exact.
 *
 * A token born at time u can be spent during [u, u + C/r]: oldest first, and a full bucket overflows. An
 * operation admitted during [a, b] can therefore only spend tokens born in [a - C/r, b]. So admissions are
 * jobs of work `cost` on a machine that makes r tokens a unit of time, with release a - C/r and deadline b,
 * and divisible operations can be explained exactly when preemptive earliest-deadline-first (EDF) meets every
 * deadline. Two lower bounds follow, so a correct limiter is never accused:
 *   total excess  the work EDF leaves undone when it drops a job at its deadline;
 *   worst window  r times the largest lateness of EDF without dropping: the largest excess over C + r(e - s)
 *                 of what was admitted wholly inside one window [s, e].
 *
 * The unit of time is 1/r: the time in which one quantum is born. Work and time are then both integers. Times
 * are counted from the last moment at which nothing was left to do, so that no product passes 2^53.
 *
 * Refunds add tokens. EDF does the most work possible for the jobs of every deadline t, so what is undone by t
 * exceeds what was minted by at most the refunds that can have happened by t: total excess is the largest of
 * undone(t) - refunds(t), again a lower bound. A reset is a refund of one capacity.
 */
export interface OverAdmission {
  /** Quanta admitted beyond any ideal bucket, the least possible. */
  readonly totalExcessQuanta: number;
  /** Which operations EDF could not serve in full, in the order of their deadlines. */
  readonly drops: readonly Drop[];
  /** How many more could have been admitted without being seen; 0 where some were seen. */
  readonly headroomQuanta: number;
}

export interface Drop {
  readonly row: number;
  readonly quanta: number;
  /** From where the machine counted its time then. */
  readonly originUs: number;
}

const heap = new DeadlineHeap();

/** Judges the admissions of one bucket. O(n log n). `refunds` in the order of time. */
export function findOverAdmission(
  bucket: BucketRows,
  policy: Policy,
  slack: ClockSlack,
  refunds: readonly Refund[] = [],
): OverAdmission {
  const machine = new Machine(policy, slack);
  const headroom = new Headroom(bucket.table, machine.burst, refunds);
  const uncovered = uncoveredDrops(bucket, machine, refunds, headroom);
  return {
    totalExcessQuanta: uncovered.reduce((sum, { quanta }) => sum + quanta, 0),
    drops: uncovered,
    headroomQuanta: uncovered.length > 0 ? 0 : headroom.leastQuanta,
  };
}

/** Whether more was admitted than any ideal bucket could have. */
export function isOverAdmitted(
  bucket: BucketRows,
  policy: Policy,
  slack: ClockSlack,
  refunds: readonly Refund[],
): boolean {
  return uncoveredDrops(bucket, new Machine(policy, slack), refunds).length > 0;
}

function uncoveredDrops(
  bucket: BucketRows,
  machine: Machine,
  refunds: readonly Refund[],
  headroom?: Headroom,
): Drop[] {
  const drops = runDroppingEdf(bucket, machine, headroom);
  return refunds.length === 0 ? drops : coverByRefunds(bucket.table, drops, refunds);
}

/**
 * Turns times into integers of the machine. Releases are rounded down and deadlines up, which only widens an
 * interval; with drift `guard` makes up for products that are rounded themselves.
 */
export class Machine {
  readonly speed: number;
  readonly burst: number;
  readonly quantaPerToken: number;
  readonly #guard: number;

  constructor(policy: Policy, { rhoPpm, epsilonUs }: ClockSlack) {
    this.speed = policy.quantaPerUs * (1 + rhoPpm / 1_000_000);
    this.#guard = rhoPpm === 0 ? 0 : 1;
    this.burst = policy.capacityQuanta + epsilonUs * policy.quantaPerUs;
    this.quantaPerToken = policy.quantaPerToken;
  }

  release(sinceOriginUs: number): number {
    return Math.floor(sinceOriginUs * this.speed) - this.#guard - this.burst;
  }

  /** LATEST for one that no machine gets to that is ever idle. */
  deadline(sinceOriginUs: number): number {
    return Math.min(Math.ceil(sinceOriginUs * this.speed) + this.#guard, LATEST);
  }
}

/** Beyond this, times and works do not add up exactly. Half of 2^53, since a burst is added to it. */
const LATEST = 2 ** 52;

/** Throws INVALID_HISTORY for a machine that has worked until LATEST without being idle. */
function checkTime(machineTime: number): void {
  if (machineTime < LATEST) return;
  throw new OpenclawError(
    'INVALID_HISTORY',
    'a bucket that is busy for so long at such a rate cannot be judged exactly: time * rate passes 2^52',
    { hint: 'judge a shorter run, or a rate with fewer digits' },
  );
}

function runDroppingEdf(
  { table, byInvoked, count }: BucketRows,
  machine: Machine,
  headroom: Headroom | undefined,
): Drop[] {
  const { invokedUs, kinds, costTokens } = table;
  const drops: Drop[] = [];
  let originUs = 0;
  let now = Number.NEGATIVE_INFINITY;
  heap.size = 0;
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    if (((kinds[row] as number) & KIND.outcome) !== KIND.allowed) continue;
    const us = invokedUs[row] as number;
    let release = machine.release(us - originUs);
    now = serveUntil(release, { now, originUs, drops, headroom });
    if (heap.size === 0 && now <= release) {
      originUs = us;
      release = machine.release(0);
      now = release;
    } else checkTime(release);
    heap.push(
      machine.deadline(table.lastUs(row) - originUs),
      (costTokens[row] as number) * machine.quantaPerToken,
      row,
    );
  }
  serveUntil(Number.POSITIVE_INFINITY, { now, originUs, drops, headroom });
  return drops;
}

/** Serves the ready jobs by deadline until `until` or until none is left; gives the time at which it stops. */
function serveUntil(
  until: number,
  {
    now: from,
    originUs,
    drops,
    headroom,
  }: { now: number; originUs: number; drops: Drop[]; headroom: Headroom | undefined },
): number {
  const { deadlines, works, rows } = heap;
  let now = from;
  while (heap.size > 0 && now < until) {
    const deadline = deadlines[0] as number;
    const work = works[0] as number;
    const stop = Math.min(until, now + work, Math.max(deadline, now));
    const left = work - (stop - now);
    now = stop;
    if (left === 0) {
      headroom?.served(deadline - now, rows[0] as number, originUs);
      heap.pop();
    } else if (now >= deadline) {
      checkTime(deadline);
      drops.push({ row: rows[0] as number, quanta: left, originUs });
      headroom?.dropped(left, rows[0] as number, originUs);
      heap.pop();
    } else works[0] = left;
  }
  return now;
}

/** What is left of the drops when every refund that can have happened by then pays for them. */
function coverByRefunds(table: OperationTable, drops: readonly Drop[], refunds: readonly Refund[]): Drop[] {
  let next = 0;
  let balance = 0;
  return drops.flatMap((drop) => {
    const { row, quanta } = drop;
    for (let refund = refunds[next]; refund !== undefined; refund = refunds[++next]) {
      if (refund.fromUs > table.lastUs(row)) break;
      balance += refund.quanta;
    }
    const covered = Math.min(balance, quanta);
    balance -= covered;
    return covered === quanta ? [] : [{ ...drop, quanta: quanta - covered }];
  });
}
