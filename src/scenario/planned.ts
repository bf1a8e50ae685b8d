import type { Planned } from '../checker/evidence/planned.ts';
import { given } from '../core/given.ts';
import { type NamedPolicy, parsePolicies } from '../core/policies.ts';
import type { Policy } from '../core/policy.ts';
import { limitTokensOf, type Promised } from '../core/promise.ts';
import { restingUsers, restShare } from '../core/rests.ts';
import type { LoadPlan, Plan } from './plan.ts';

/** What a plan asks of a limiter besides many requests. The requests of a log are its own. */
export function plannedOf(
  { policy, load, faults }: Pick<Plan, 'policy' | 'load' | 'faults'>,
  promise?: Promised,
): Planned {
  const policies = parsePolicies(policy);
  const returns = faults.some(({ atMs, forMs }) => atMs > 0 || forMs < load.durationMs);
  return given({
    neverReturns: faults.length > 0 && !returns ? (true as const) : undefined,
    costs: costsOf(load, policies, promise),
    restsUs: restsOf(load, policies, promise),
    policies: policies.length > 1 ? policies.map(({ name }) => name) : undefined,
  });
}

/** The costs that a full bucket holds, of the policies that have several of them. */
function costsOf(load: LoadPlan, policies: readonly NamedPolicy[], promise?: Promised): Planned['costs'] {
  if (load.log !== undefined) return undefined;
  const several = policies.flatMap(({ name, policy }) => {
    const costs = new Set(load.costsByPolicy?.[name] ?? load.costs);
    const payable = [...costs].filter((cost) => cost <= limitTokensOf(promise, policy));
    return payable.length > 1 ? [[name, payable] as const] : [];
  });
  return several.length > 0 ? Object.fromEntries(several) : undefined;
}

/**
 * The shortest rest of users, of each policy that it can show anything of. It cannot if all rests are so long that each
 * bucket is full, or nearly, after them, or few buckets are drained, rest and are drained again: in a short load, and where
 * a user asks for less in a burst than comes in a rest.
 */
function restsOf(load: LoadPlan, policies: readonly NamedPolicy[], promise?: Promised): Planned['restsUs'] {
  const { resting, users, durationMs, ratePerSecond = Number.POSITIVE_INFINITY } = load;
  if (resting === undefined || resting.share === 0 || durationMs < SHOWS_RESTS_MS) return undefined;
  if (users < 2) return undefined; // the first user of a region never rests
  const shortestMs = resting.restMs * restShare(0, restingUsers(users, resting.share));
  const isShown = ({ policy }: NamedPolicy) => {
    const perSecond = (1e6 * policy.quantaPerUs) / policy.quantaPerToken;
    const isDrained = resting.burstMs * (ratePerSecond / users) >= resting.restMs * perSecond;
    return isDrained && shortestMs < NEARLY_FULL * msToFull(policy, promise);
  };
  const shown = policies.filter(isShown).map(({ name }) => [name, REST_AT_LEAST * 1_000 * shortestMs]);
  return shown.length > 0 ? Object.fromEntries(shown) : undefined;
}

const SHOWS_RESTS_MS = 15_000;

/** What is left to gain then shows nothing. */
const NEARLY_FULL = 0.9;

/** Requests before and after a rest are not sent exactly at its ends, and a rest begins with the last reply. */
const REST_AT_LEAST = 0.75;

/** How long a bucket takes to be full, or a window lasts. */
export function msToFull(policy: Policy, promise?: Promised): number {
  if (promise !== undefined && promise.type !== 'token-bucket') return promise.windowUs / 1_000;
  return policy.capacityQuanta / policy.quantaPerUs / 1_000;
}

/** Whether such a plan asks anything of a limiter that a claim can be on. */
export function asksAnything(plan: Parameters<typeof plannedOf>[0]): boolean {
  const { neverReturns, ...asked } = plannedOf(plan);
  return Object.keys(asked).length > 0 || (plan.faults.length > 0 && !neverReturns);
}
