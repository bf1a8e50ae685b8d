import type { DeclaredBound, Episodes } from '../../../core/bound.ts';
import type { Policy } from '../../../core/policy.ts';
import {
  clockStepTerm,
  emptyRestartTerms,
  show,
  type Term,
  takeoverStepTerms,
  takeoverTerms,
  totalBound,
} from '../bound-terms.ts';

/** The settings of a lease limiter that its bound depends on. */
export interface LeaseBoundTerms {
  /** Whether a grant counts only once every promotable replica has it. */
  readonly grants: 'acked' | 'unacked';
  /** The margin minus the drift of the holders' clocks in a lease. Microseconds. */
  readonly clockMarginUs: number;
}

/**
 * The total excess that leases may reach for one bucket. With capacity b and refill r:
 * - b for each restart that lost state, since tokens still lent then come on top of a full bucket;
 * - for each forward step of home's clock min(b, r * step) if it is within the margin, otherwise b: home then also takes
 *   back and lends again tokens that holders still spend, at most b above the ideal bucket together with the level;
 * - for a failover 0 if grants are acked, otherwise the same as `central`. A new primary whose clock was ahead counts as
 *   a step.
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
  return totalBound(terms, 'no state lost, no step of the clock');
}

function passedMargin({ capacityTokens }: Policy, stepUs: number): Term {
  return {
    tokens: capacityTokens,
    text: `(${capacityTokens}, a clock step of ${show(stepUs / 1_000_000)} s, above the margin)`,
  };
}
