import type { Policy } from '../core/policy.ts';

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
 * The unit of time here is 1/r': the time in which one quantum is born. Work and time are then both integers.
 */
export interface OverAdmission {
  /** Quanta admitted beyond any ideal bucket, the least possible. */
  readonly totalExcessQuanta: number;
  /** Quanta; 0 when no window is exceeded. */
  readonly worstWindowQuanta: number;
  /** The window that is exceeded most: times of the recorder in microseconds. Absent when none is. */
  readonly window?: ExceededWindow;
}

export interface ExceededWindow {
  readonly startUs: number;
  readonly endUs: number;
  readonly operations: number;
  readonly admittedQuanta: number;
  readonly allowanceQuanta: number;
}

/** One admission: it took effect once, somewhere in [invokedUs, completedUs]. */
export interface Admission {
  readonly invokedUs: number;
  readonly completedUs: number;
  readonly costQuanta: number;
}

/** How much the server's clock may have gained: see `ClockBounds`. */
export interface ClockSlack {
  readonly epsilonUs: number;
  readonly rhoPpm: number;
}

interface Job {
  readonly release: number;
  readonly deadline: number;
  readonly work: number;
  readonly admission: Admission;
}

/** Judges the admissions of one bucket. O(n log n). Times must keep time * quantaPerUs below 2^53. */
export function checkOverAdmission(
  admissions: readonly Admission[],
  policy: Policy,
  slack: ClockSlack = { epsilonUs: 0, rhoPpm: 0 },
): OverAdmission {
  const jobs = toJobs(admissions, policy, slack);
  const totalExcessQuanta = runEdf(jobs, { drop: true }).undone;
  if (totalExcessQuanta === 0) return { totalExcessQuanta: 0, worstWindowQuanta: 0 };
  const late = runEdf(jobs, { drop: false });
  return {
    totalExcessQuanta,
    worstWindowQuanta: late.lateness,
    window: describeWindow(jobs, late.lateDeadline),
  };
}

/** Releases are rounded down and deadlines up, which only widens an interval; `guard` is for rounded products. */
function toJobs(admissions: readonly Admission[], policy: Policy, slack: ClockSlack): Job[] {
  const speed = policy.quantaPerUs * (1 + slack.rhoPpm / 1_000_000);
  const guard = slack.rhoPpm === 0 ? 0 : 1;
  const burst = policy.capacityQuanta + slack.epsilonUs * policy.quantaPerUs;
  const jobs = admissions.map((admission) => ({
    release: Math.floor(admission.invokedUs * speed) - guard - burst,
    deadline: Math.ceil(admission.completedUs * speed) + guard,
    work: admission.costQuanta,
    admission,
  }));
  return jobs.sort((a, b) => a.release - b.release);
}

/** Preemptive EDF at one quantum per unit of time over jobs sorted by release. */
function runEdf(jobs: readonly Job[], { drop }: { drop: boolean }) {
  const ready = new DeadlineHeap();
  let undone = 0;
  let lateness = 0;
  let lateDeadline = Number.NEGATIVE_INFINITY;
  let now = Number.NEGATIVE_INFINITY;
  let next = 0;

  while (next < jobs.length || ready.size > 0) {
    const released = jobs[next];
    if (ready.size === 0 && released !== undefined) now = Math.max(now, released.release);
    if (released !== undefined && released.release <= now) {
      ready.push(released.deadline, released.work);
      next++;
      continue;
    }
    const { deadline, work } = ready.first();
    const until = Math.min(
      released?.release ?? Number.POSITIVE_INFINITY,
      now + work,
      drop ? Math.max(deadline, now) : Number.POSITIVE_INFINITY,
    );
    const left = work - (until - now);
    now = until;
    if (left === 0) {
      ready.pop();
      if (now - deadline > lateness) {
        lateness = now - deadline;
        lateDeadline = deadline;
      }
    } else if (drop && now >= deadline) {
      ready.pop();
      undone += left;
    } else {
      ready.replaceFirstWork(left);
    }
  }
  return { undone, lateness, lateDeadline };
}

/** Among windows that end at `end`, the one exceeded most, scanned from the latest start backwards. */
function describeWindow(jobs: readonly Job[], end: number): ExceededWindow {
  const inside = jobs.filter((job) => job.deadline <= end);
  let admitted = 0;
  let most = { excess: Number.NEGATIVE_INFINITY, start: end, admitted: 0, operations: 0 };
  for (let index = inside.length - 1; index >= 0; index--) {
    const job = inside[index];
    if (job === undefined) continue;
    admitted += job.work;
    const excess = admitted - (end - job.release);
    if (excess > most.excess)
      most = { excess, start: job.release, admitted, operations: inside.length - index };
  }
  const chosen = inside.slice(inside.length - most.operations);
  return {
    startUs: chosen.reduce(
      (least, { admission }) => Math.min(least, admission.invokedUs),
      Number.POSITIVE_INFINITY,
    ),
    endUs: chosen.reduce(
      (last, { admission }) => Math.max(last, admission.completedUs),
      Number.NEGATIVE_INFINITY,
    ),
    operations: most.operations,
    admittedQuanta: most.admitted,
    allowanceQuanta: most.admitted - most.excess,
  };
}

/** A binary heap of (deadline, work) with the earliest deadline first. */
class DeadlineHeap {
  readonly #deadlines: number[] = [];
  readonly #works: number[] = [];

  get size(): number {
    return this.#deadlines.length;
  }

  first(): { deadline: number; work: number } {
    return { deadline: this.#deadlines[0] ?? Number.NaN, work: this.#works[0] ?? Number.NaN };
  }

  replaceFirstWork(work: number): void {
    this.#works[0] = work;
  }

  push(deadline: number, work: number): void {
    let at = this.size;
    this.#deadlines.push(deadline);
    this.#works.push(work);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#deadline(parent) <= this.#deadline(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): void {
    this.#swap(0, this.size - 1);
    this.#deadlines.pop();
    this.#works.pop();
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const smaller = this.#deadline(left + 1) < this.#deadline(left) ? left + 1 : left;
      if (this.#deadline(smaller) >= this.#deadline(at)) break;
      this.#swap(at, smaller);
      at = smaller;
    }
  }

  #deadline(index: number): number {
    return this.#deadlines[index] ?? Number.POSITIVE_INFINITY;
  }

  #swap(i: number, j: number): void {
    const [deadline, work] = [this.#deadline(i), this.#works[i] ?? 0];
    this.#deadlines[i] = this.#deadline(j);
    this.#works[i] = this.#works[j] ?? 0;
    this.#deadlines[j] = deadline;
    this.#works[j] = work;
  }
}
