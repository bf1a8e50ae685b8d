import type { CheckReport } from '../checker/check.ts';
import { parsePolicies } from '../core/policies.ts';
import type { Verdict } from '../core/verdict.ts';
import { findExcess } from '../report/matrix.ts';
import type { Plan } from '../scenario/plan.ts';
import { type Ground, isWindowed } from './ground.ts';

/** How bad a schedule was. Tokens, of the bucket that was worst. */
export interface Outcome {
  /** In the measure that the strategy declares: the total, or the worst window. */
  readonly excess: number;
  /** What a finding is above; null if the strategy declares no bound for what happened. */
  readonly bound: number | null;
  /** How much more a contested bucket could have admitted without an excess; the capacity if no bucket was contested. */
  readonly lacking: number;
  readonly verdict: Verdict;
  readonly requests: number;
  /** Why the run failed; absent if it was judged. */
  readonly failure?: string;
}

/** The outcome of a run that failed. */
export function failedOutcome(plan: Plan, { message }: Error): Outcome {
  const nothing = { excess: 0, bound: null, verdict: 'unknown', requests: 0 } as const;
  return { ...nothing, lacking: capacityOf(plan), failure: message };
}

/** The outcome of a run that was judged. */
export function outcomeOf(ground: Ground, plan: Plan, check: CheckReport): Outcome {
  const { headroom, verdict, sent, overAdmission } = check;
  const { measured, declared } =
    ground.above === 'bound' ? findExcess(check) : { measured: largestOf(ground, check), declared: 0 };
  return {
    ...{ excess: measured, bound: declared, verdict, requests: sent },
    lacking: overAdmission.total > 0 ? 0 : (headroom?.median.tokens ?? capacityOf(plan)),
  };
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

/**
 * Below 0 if `one` is worse than `other`; a total order. Findings are first, by tokens beyond the bound. Others are ordered
 * by the share of the bound that they reached, then by how little a bucket lacked.
 */
export function compareOutcomes(one: Outcome, other: Outcome): number {
  const found = (outcome: Outcome) => (isFound(outcome) ? beyondOf(outcome) : 0);
  return (
    found(other) - found(one) ||
    shareOfBound(other) - shareOfBound(one) ||
    one.lacking - other.lacking ||
    other.excess - one.excess
  );
}

export function isWorse(one: Outcome, other: Outcome): boolean {
  return compareOutcomes(one, other) < 0;
}

function shareOfBound({ excess, bound }: Outcome): number {
  return bound === null || bound === 0 ? 0 : Math.min(1, excess / bound);
}
