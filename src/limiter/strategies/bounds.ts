import type { Admissions, DeclaredBound, DeclaredStated, Episodes, Fallback } from '../../core/bound.ts';
import type { Policy } from '../../core/policy.ts';
import { isStrategy, type StrategyName, traitsOf } from '../../core/strategies.ts';
import type { FailurePolicy } from '../wrappers/failure-policy.ts';
import { DEFAULT_MAX_AGE_MS } from './active-active/window.ts';
import {
  clockStepTerm,
  emptyRestartTerms,
  localShareTerms,
  perSecondOf,
  show,
  type Term,
  takeoverStepTerms,
  takeoverTerms,
  totalBound,
  windowBound,
} from './bound-terms.ts';
import { leaseBound } from './lease/bound.ts';
import { DEFAULT_CLOCK_MARGIN_US } from './lease/terms.ts';

/**
 * The excess that a strategy may reach for one bucket, from the events of its shard; undefined for a strategy that
 * declares no bound. With capacity b and refill r:
 *   central  for each failover b + r * overlap, for each restart that lost state b, for each forward step of the
 *            deciding clock min(b, r * step). No window exceeds the total, so both bounds are equal.
 *   acked    for each restart that lost state b, for each forward step of the deciding clock min(b, r * step), also from
 *            node to node at a failover. A failover itself costs nothing: every promotable replica has every admission,
 *            and no replica acknowledges the decisions of a replaced primary.
 *   article  in one window x = r * (1 s + spread of the services' clocks + longest admission), once and again for each
 *            failover, restart that lost state, forward step and rest, plus the bound of central. Every window can gain
 *            that much again, so the total over a run is not declared. See `articleBound`.
 *   lease, lease-unacked
 *            see `leaseBound`; with the default margin.
 *   active-active, active-active-lww
 *            in one window, with N regions, (N - 1)(b + r * age) + r * spread of the regions' clocks. No bound if a
 *            region lost its state or its clock stepped (the debts that it knew are lost, their size is unknown, and after a
 *            backward step the age is too small), or if spends arrived later than they are kept. Proof for
 *            active-active: after its last admission in a window a region's level is at least 0 by its own data, so the
 *            part of the window that it knows is at most b + r * length. The rest was spent during the age, by each
 *            other region at most b + r * age. active-active-lww is checked against the same bound to show that it exceeds it.
 *            The total is not declared.
 * If a failure policy admitted in a region, `local-share` of N parts adds (b + r * length) / N for each period, with
 * the length from its first such admission to its last; `open` has no bound.
 */
export function boundOf(
  strategy: string,
  policy: Policy,
  episodes: Episodes,
  onFailure: FailurePolicy = 'closed',
  admissions: () => Admissions = () => ({ longestUs: 0, rests: 0 }),
): DeclaredBound | undefined {
  const own = isStrategy(strategy) ? BOUNDS[strategy]?.(policy, episodes, admissions) : undefined;
  const { fallbacks } = episodes;
  if (own === undefined || fallbacks === undefined) return own;
  return typeof onFailure === 'object'
    ? withShares(own, policy, { fallbacks, parts: onFailure.localShare })
    : withAnything(fallbacks);
}

/** The false denials that a strategy declares: any number if it lends tokens, since other processes may hold them. */
export function falseDenialsOf(strategy: string): number {
  return traitsOf(strategy).lends ? Number.POSITIVE_INFINITY : 0;
}

/**
 * What a strategy declares of the values that it states; undefined for a limiter that is not ours. A level may be too high
 * by the bound, since as much may be admitted. It may be too low if tokens are lent to other processes, or if the spends
 * of other regions are charged when they arrive.
 */
export function statedOf(strategy: string): DeclaredStated | undefined {
  if (!isStrategy(strategy)) return undefined;
  const { lends, perRegionBucket } = traitsOf(strategy);
  return { tooHigh: 'bound', ...((lends || perRegionBucket) && { tooLow: true as const }) };
}

/** A failure policy `open` admits without a limit, so there is no bound. */
function withAnything(fallbacks: readonly Fallback[]): DeclaredBound {
  const admissions = fallbacks.reduce((sum, fallback) => sum + fallback.admissions, 0);
  const formula = `no bound is declared for admissions of the failure policy: ${admissions} operations`;
  return { totalExcess: null, worstWindow: null, formula };
}

/** Local shares add to the total and to a window: they are separate buckets with an Nth of capacity and refill. */
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

type Bound = (policy: Policy, episodes: Episodes, admissions: () => Admissions) => DeclaredBound | undefined;

const BOUNDS: Readonly<Record<StrategyName, Bound | undefined>> = {
  central: centralBound,
  acked: ackedBound,
  article: articleBound,
  'active-active': perRegionBucketBound,
  'active-active-lww': perRegionBucketBound,
  'replica-reads': undefined,
  lease: lendingBound('acked'),
  'lease-unacked': lendingBound('unacked'),
};

function lendingBound(grants: 'acked' | 'unacked'): Bound {
  return (policy, episodes) =>
    leaseBound(policy, episodes, { grants, clockMarginUs: DEFAULT_CLOCK_MARGIN_US });
}

function centralBound(policy: Policy, episodes: Episodes): DeclaredBound {
  return totalBound(centralTerms(policy, episodes), 'one primary, no step of its clock');
}

function ackedBound(policy: Policy, episodes: Episodes): DeclaredBound {
  const terms = [
    ...takeoverStepTerms(policy, episodes),
    ...emptyRestartTerms(policy, episodes),
    ...episodes.clockStepsUs.map((stepUs) => clockStepTerm(policy, stepUs)),
  ];
  return totalBound(terms, 'no state lost, no step of the clock');
}

/**
 * Proof: let the gain of a bucket be its tokens plus r for each second since its timestamp t, at most b + x: what it can
 * admit at once, and soon. Its refill adds what passes, so between two losses of its state a window admits at most what
 * the gain falls by, and r * length. A timestamp is the whole second of a service's clock, read before the script ran: at
 * most x / r behind. With less than a token a second it falls behind further, by less than 1 / r, while the bucket lacks a
 * token. A loss of state raises the gain by at most b + x; the key that expires too early by a step of the
 * node's clock by min(b, r * step) + x; one that expires after a rest of b / r by x, since its timestamp may have been
 * rounded down less than the next one is.
 */
function articleBound(policy: Policy, episodes: Episodes, admissions: () => Admissions): DeclaredBound {
  const perSecond = perSecondOf(policy);
  const { longestUs, rests } = admissions();
  const { failovers, emptyRestarts, clockStepsUs, serviceClockSpreadUs } = episodes;
  const times = 1 + failovers.length + emptyRestarts + clockStepsUs.length + rests;
  const [spreadSeconds, longestSeconds] = [serviceClockSpreadUs / 1_000_000, longestUs / 1_000_000];
  const clocks = `${show(spreadSeconds)} s between the services' clocks`;
  const own = {
    tokens: times * perSecond * (1 + spreadSeconds + longestSeconds),
    text: `${times} * ${show(perSecond)}/s * (1 s + ${clocks} + ${show(longestSeconds)} s of the longest admission)`,
  };
  return windowBound([own, ...centralTerms(policy, episodes)]);
}

function perRegionBucketBound(policy: Policy, episodes: Episodes): DeclaredBound | undefined {
  const { sideBySide } = episodes;
  if (sideBySide === undefined) return undefined;
  const { regions, ageUs, clockSpreadUs } = sideBySide;
  const reason = whyUnbounded(episodes);
  if (reason !== undefined || ageUs === null)
    return { totalExcess: null, worstWindow: null, formula: `no bound is declared: ${reason ?? UNHEARD}` };
  const { capacityTokens: capacity } = policy;
  const perSecond = perSecondOf(policy);
  const [ageSeconds, spreadSeconds] = [ageUs / 1_000_000, clockSpreadUs / 1_000_000];
  return windowBound([
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

const UNHEARD =
  'a region admitted before it had data of every other region, or after spends of one were lost';

/** The reason why the age of the regions' data has no bound; undefined if it has one. */
function whyUnbounded({ sideBySide, emptyRestarts, clockStepsUs }: Episodes): string | undefined {
  const { ageUs = null, clockSpreadUs = 0 } = sideBySide ?? {};
  if (emptyRestarts > 0) return `a region lost its state (${emptyRestarts})`;
  if (clockStepsUs.length > 0) {
    const steps = clockStepsUs.map((stepUs) => `${show(stepUs / 1_000_000)} s`).join(', ');
    return `the clock of a region stepped (${steps}), so the age of its data of the others is unknown`;
  }
  if (ageUs === null) return UNHEARD;
  if (ageUs + clockSpreadUs <= DEFAULT_MAX_AGE_MS * 1_000) return undefined;
  return `spends arrived later than the ${DEFAULT_MAX_AGE_MS / 1_000} s for which they are kept`;
}

function centralTerms(policy: Policy, episodes: Episodes): Term[] {
  return [
    ...takeoverTerms(policy, episodes),
    ...emptyRestartTerms(policy, episodes),
    ...episodes.clockStepsUs.map((stepUs) => clockStepTerm(policy, stepUs)),
  ];
}
