import type { CheckReport } from '../checker/check.ts';
import { parsePolicies } from '../core/policies.ts';
import type { Verdict } from '../core/verdict.ts';
import { findExcess } from '../report/matrix.ts';
import type { Plan } from '../scenario/plan.ts';
import { cutOffRegions } from './cut-off.ts';
import { type Ground, isWindowed } from './ground.ts';

/** How bad a schedule was. Tokens, of the bucket that was worst. */
export interface Outcome {
  /** In the measure that the strategy declares: the total, or the worst window. */
  readonly excess: number;
  /** What a finding is above; null if the strategy declares no bound for what happened. */
  readonly bound: number | null;
  /** How much more the bucket that was nearest to an excess could have admitted without one; Infinity if none took anything. */
  readonly lacking: number;
  /**
   * Stated values that no ideal limiter can have meant, and levels that do not follow from the one before: what was minted or
   * lost shows there first, before it is spent. Absent: none.
   */
  readonly misstated?: number;
  readonly verdict: Verdict;
  readonly requests: number;
  /**
   * Requests without a decision a second of fault, of the regions that no fault cuts off from a majority of the primaries.
   * Of less than a second of fault, their number.
   */
  readonly lostPerSecond: number;
  /** Why the run failed; absent if it was judged. */
  readonly failure?: string;
}

/** The outcome of a run that failed. */
export function failedOutcome(plan: Plan, { message }: Error): Outcome {
  const nothing = {
    excess: 0,
    bound: null,
    verdict: 'unknown',
    requests: 0,
    lostPerSecond: 0,
    misstated: 0,
  } as const;
  return { ...nothing, lacking: capacityOf(plan), failure: message };
}

/** The outcome of a run that was judged. `leastHeadroom`: of all buckets, in tokens; absent of a run that was read from its file. */
export function outcomeOf(ground: Ground, plan: Plan, check: CheckReport, leastHeadroom?: number): Outcome {
  const { headroom, verdict, sent, overAdmission, dishonest, replay } = check;
  const misstated = dishonest.total + replay.total;
  const { measured, declared } =
    ground.above === 'bound' ? findExcess(check) : { measured: largestOf(ground, check), declared: 0 };
  return {
    ...{ excess: measured, bound: declared, verdict, requests: sent },
    lostPerSecond: lostOf(plan, check),
    ...(misstated > 0 && { misstated }),
    lacking: overAdmission.total > 0 ? 0 : (leastHeadroom ?? headroom?.median.tokens ?? capacityOf(plan)),
  };
}

function lostOf(plan: Plan, { regions }: CheckReport): number {
  const cutOff = cutOffRegions(plan);
  const lost = regions
    .filter(({ name }) => !cutOff.has(name))
    .reduce((sum, { outcomes }) => sum + outcomes.failed + outcomes.info, 0);
  return lost / Math.max(1, faultMsOf(plan) / 1_000);
}

/** How long any fault was in force. `faults` are in the order of their times. */
function faultMsOf({ faults }: Plan): number {
  let [sumMs, untilMs] = [0, 0];
  for (const { atMs, forMs } of faults) {
    sumMs += Math.max(0, atMs + forMs - Math.max(atMs, untilMs));
    untilMs = Math.max(untilMs, atMs + forMs);
  }
  return sumMs;
}

function capacityOf({ policy }: Plan): number {
  return Math.max(...parsePolicies(policy).map((each) => each.policy.capacityTokens));
}

function largestOf(ground: Ground, { shards, overAdmission }: CheckReport): number {
  if (!isWindowed(ground)) return overAdmission.largestExcess;
  return Math.max(0, ...shards.map(({ worstWindow }) => worstWindow.tokens));
}

/** Tokens above what is allowed; 0 or less is no finding. Minus infinity without a bound. */
export function beyondOf({ excess, bound }: Pick<Outcome, 'excess' | 'bound'>): number {
  return bound === null ? Number.NEGATIVE_INFINITY : excess - bound;
}

/** Whether the run broke its claim: more than is allowed, by a history that proves it. */
export function isFound(outcome: Outcome): boolean {
  return beyondOf(outcome) > 0 && outcome.verdict === 'fail';
}

/** What a hunt looks for: admissions above the bound, or decisions that were lost. */
export type Aim = 'excess' | 'availability';

/**
 * Below 0 if `one` is worse than `other`; a total order. For excess: by tokens beyond the bound, so that a bound of which
 * less was used is better; then by values that are wrong; then by the share of the bound that was reached; then by how little a bucket lacked. For
 * availability: by decisions lost a second.
 */
export function compareOutcomes(one: Outcome, other: Outcome, aim: Aim = 'excess'): number {
  const failed = Number(one.failure !== undefined) - Number(other.failure !== undefined);
  if (failed !== 0) return failed;
  if (aim === 'availability') return other.lostPerSecond - one.lostPerSecond;
  return (
    Number(isFound(other)) - Number(isFound(one)) ||
    compare(beyondOf(other), beyondOf(one)) ||
    compare(misstatedOf(other), misstatedOf(one)) ||
    shareOfBound(other) - shareOfBound(one) ||
    compare(one.lacking, other.lacking)
  );
}

/** Many of them are not nearer to an excess than some. */
function misstatedOf({ misstated = 0 }: Outcome): number {
  return Math.min(misstated, SOME);
}

const SOME = 3;

/** Also of infinities. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one - other;
}

export function isWorse(one: Outcome, other: Outcome, aim?: Aim): boolean {
  return compareOutcomes(one, other, aim) < 0;
}

/** The share of a bound above 0 that was reached. */
export function shareOfBound({ excess, bound }: Outcome): number {
  return bound === null || bound === 0 ? 0 : excess / bound;
}
