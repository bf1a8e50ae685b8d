import type { DeclaredBound, Episodes } from '../../core/bound.ts';
import type { Policy } from '../../core/policy.ts';
import {
  clockStepTerm,
  emptyRestartTerms,
  show,
  sumOf,
  type Term,
  takeoverStepTerms,
  takeoverTerms,
} from '../bound-terms.ts';

/** How a lease limiter was run, as far as its bound depends on it. */
export interface LeaseBoundTerms {
  /** Whether a grant counts only when every replica that can be promoted has it. */
  readonly grants: 'acked' | 'unacked';
  /** What is left of the margin after what the holders' clocks can lose in a lease. */
  readonly clockMarginUs: number;
}

/**
 * The total excess that leases may reach for one bucket. With b the capacity and r the refill: b for each restart that
 * lost state, since what is still lent by then comes on top of a full bucket; for each forward step of home's clock
 * min(b, r * step) where it is within the margin, and b where it is not, since home then also takes back, and lends
 * again, what its holders still spend: together with the level never more than b above the ideal bucket. A failover
 * costs nothing where grants are acked, else what it costs `central`; where the clock of the new primary was ahead, that
 * is a step.
 */
export function leaseBound(
  policy: Policy,
  episodes: Episodes,
  { grants, clockMarginUs }: LeaseBoundTerms,
): DeclaredBound {
  const termOfStep = (within: Term, stepUs: number) =>
    stepUs <= clockMarginUs ? within : passedMargin(policy, stepUs);
  const terms = [
    ...(grants === 'acked' ? [] : takeoverTerms(policy, episodes)),
    ...emptyRestartTerms(policy, episodes),
    ...takeoverStepTerms(policy, episodes, termOfStep),
    ...episodes.clockStepsUs.map((stepUs) => termOfStep(clockStepTerm(policy, stepUs), stepUs)),
  ];
  return sumOf(terms, 'no state lost, no step of the clock');
}

function passedMargin({ capacityTokens }: Policy, stepUs: number): Term {
  return {
    tokens: capacityTokens,
    text: `(${capacityTokens}, a clock step of ${show(stepUs / 1_000_000)} s, above the margin)`,
  };
}
