import type { DeclaredBound, Episodes, Fallback } from '../core/bound.ts';
import type { Policy } from '../core/policy.ts';
import { DEFAULT_MAX_AGE_MS } from './active-active/window.ts';
import {
  clockStepTerm,
  emptyRestartTerms,
  localShareTerms,
  perSecondOf,
  show,
  sumOf,
  type Term,
  takeoverStepTerms,
  takeoverTerms,
  windowOf,
} from './bound-terms.ts';
import type { FailurePolicy } from './failure-policy.ts';
import { leaseBound } from './lease/bound.ts';
import { DEFAULT_CLOCK_MARGIN_US } from './lease/terms.ts';

/**
 * The excess that a strategy declares it may reach for one bucket, from what happened to its shard; undefined for
 * a strategy that declares none. With b the capacity and r the refill:
 *   central  for each failover b + r * overlap, for each restart that lost state b, for each forward step of the
 *            deciding clock min(b, r * step). No window exceeds by more than the total, so both are declared alike.
 *   acked    for each restart that lost state b, for each forward step of the deciding clock min(b, r * step), also from
 *            node to node at a failover. A failover itself costs nothing: what was admitted, every replica that can be
 *            promoted has, and what a replaced primary still decides no replica acknowledges.
 *   article  in one window r * (1 s + spread of the services' clocks), plus what central declares. Every window can
 *            gain that much anew, so the total over a run is not declared.
 *   lease, lease-unacked
 *            see `leaseBound`; with the default margin.
 *   active-active, active-active-lww
 *            in one window, with N regions, (N - 1)(b + r * age) + r * spread of the regions' clocks; nothing where a
 *            region lost its state or its clock stepped (debts that it knew are gone, how large they were is not known,
 *            and after a step back the age is less than the truth), or where spends came later than they are kept. It holds for active-active: after its last admission in a
 *            window a region has a level of at least 0 by all that it knows, so what it knows of the window is at most
 *            b + r * length; what it does not know was spent during the age, by each other region at most b + r * age.
 *            active-active-lww is held against it to show that it does not keep it. The total is not declared.
 * Where a failure policy admitted in a region, `local-share` of N parts adds (b + r * length) / N for each episode, with
 * the length from its first such admission to its last; `open` declares nothing.
 */
export function boundOf(
  strategy: string,
  policy: Policy,
  episodes: Episodes,
  onFailure: FailurePolicy = 'closed',
): DeclaredBound | undefined {
  const own = strategyBound(strategy, policy, episodes);
  const { fallbacks } = episodes;
  if (own === undefined || fallbacks === undefined) return own;
  return typeof onFailure === 'object'
    ? withShares(own, policy, { fallbacks, parts: onFailure.localShare })
    : withAnything(fallbacks);
}

/** How many false denials a strategy declares: one that lends tokens denies also while they are at others, any number. */
export function falseDenialsOf(strategy: string): number {
  return strategy === 'lease' || strategy === 'lease-unacked' ? Number.POSITIVE_INFINITY : 0;
}

/** Where whoever could not be decided about was let through, nothing can be declared. */
function withAnything(fallbacks: readonly Fallback[]): DeclaredBound {
  const admissions = fallbacks.reduce((sum, fallback) => sum + fallback.admissions, 0);
  const formula = `nothing is declared for what the failure policy admitted: ${admissions} operations`;
  return { totalExcess: null, worstWindow: null, formula };
}

/**
 * What local shares admit comes on top, of a total as well as of a window: they are buckets of their own, of an Nth of
 * capacity and refill.
 */
function withShares(
  own: DeclaredBound,
  policy: Policy,
  { fallbacks, parts }: { readonly fallbacks: readonly Fallback[]; readonly parts: number },
): DeclaredBound {
  const terms = localShareTerms(policy, { fallbacks, parts });
  const more = terms.reduce((sum, { tokens }) => sum + tokens, 0);
  const plus = (tokens: number | null) => (tokens === null ? null : tokens + more);
  const shares = terms.map(({ text }) => text).join(' + ');
  return {
    totalExcess: plus(own.totalExcess),
    worstWindow: plus(own.worstWindow),
    formula: `${own.formula}; and local shares: ${shares} = ${show(more)}`,
  };
}

function strategyBound(strategy: string, policy: Policy, episodes: Episodes): DeclaredBound | undefined {
  if (strategy === 'active-active' || strategy === 'active-active-lww')
    return sideBySideBound(policy, episodes);
  if (strategy === 'lease')
    return leaseBound(policy, episodes, { grants: 'acked', clockMarginUs: DEFAULT_CLOCK_MARGIN_US });
  if (strategy === 'lease-unacked')
    return leaseBound(policy, episodes, { grants: 'unacked', clockMarginUs: DEFAULT_CLOCK_MARGIN_US });
  if (strategy === 'acked') return ackedBound(policy, episodes);
  if (strategy === 'central') return centralBound(policy, episodes);
  if (strategy === 'article') return articleBound(policy, episodes);
  return undefined;
}

function centralBound(policy: Policy, episodes: Episodes): DeclaredBound {
  return sumOf(centralTerms(policy, episodes), 'one primary, no step of its clock');
}

function ackedBound(policy: Policy, episodes: Episodes): DeclaredBound {
  const terms = [
    ...takeoverStepTerms(policy, episodes),
    ...emptyRestartTerms(policy, episodes),
    ...episodes.clockStepsUs.map((stepUs) => clockStepTerm(policy, stepUs)),
  ];
  return sumOf(terms, 'no state lost, no step of the clock');
}

function articleBound(policy: Policy, episodes: Episodes): DeclaredBound {
  const perSecond = perSecondOf(policy);
  const spreadSeconds = episodes.serviceClockSpreadUs / 1_000_000;
  const own = {
    tokens: perSecond * (1 + spreadSeconds),
    text: `${show(perSecond)}/s * (1 s + ${show(spreadSeconds)} s between the services' clocks)`,
  };
  return windowOf([own, ...centralTerms(policy, episodes)]);
}

function sideBySideBound(policy: Policy, episodes: Episodes): DeclaredBound | undefined {
  const { sideBySide } = episodes;
  if (sideBySide === undefined) return undefined;
  const { regions, ageUs, clockSpreadUs } = sideBySide;
  const reason = whyUnbounded(episodes);
  if (reason !== undefined || ageUs === null)
    return { totalExcess: null, worstWindow: null, formula: `nothing is declared: ${reason ?? UNHEARD}` };
  const { capacityTokens: capacity } = policy;
  const perSecond = perSecondOf(policy);
  const [ageSeconds, spreadSeconds] = [ageUs / 1_000_000, clockSpreadUs / 1_000_000];
  return windowOf([
    {
      tokens: (regions - 1) * (capacity + perSecond * ageSeconds),
      text: `${regions - 1} other regions * (${capacity} + ${show(perSecond)}/s * ${show(ageSeconds)} s of age)`,
    },
    {
      tokens: perSecond * spreadSeconds,
      text: `${show(perSecond)}/s * ${show(spreadSeconds)} s between the regions' clocks`,
    },
  ]);
}

const UNHEARD = 'a region admitted before it had heard of all others, or after spends of one were lost';

/** Why the knowledge that regions decided on is not bounded. */
function whyUnbounded({ sideBySide, emptyRestarts, clockStepsUs }: Episodes): string | undefined {
  const { ageUs = null, clockSpreadUs = 0 } = sideBySide ?? {};
  if (emptyRestarts > 0) return `a region lost its state (${emptyRestarts})`;
  if (clockStepsUs.length > 0) {
    const steps = clockStepsUs.map((stepUs) => `${show(stepUs / 1_000_000)} s`).join(', ');
    return `the clock of a region stepped (${steps}), so how old its knowledge of the others was is not known`;
  }
  if (ageUs === null) return UNHEARD;
  if (ageUs + clockSpreadUs <= DEFAULT_MAX_AGE_MS * 1_000) return undefined;
  return `spends came later than the ${DEFAULT_MAX_AGE_MS / 1_000} s for which they are kept`;
}

function centralTerms(policy: Policy, episodes: Episodes): Term[] {
  return [
    ...takeoverTerms(policy, episodes),
    ...emptyRestartTerms(policy, episodes),
    ...episodes.clockStepsUs.map((stepUs) => clockStepTerm(policy, stepUs)),
  ];
}
