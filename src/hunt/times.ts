import { parsePolicies } from '../core/policies.ts';
import { traitsOf } from '../core/strategies.ts';
import { DEFAULT_LEASE_MS, DEFAULT_MARGIN_MS } from '../limiter/strategies/lease/terms.ts';
import { planTopology } from '../topology/topology.ts';
import type { Dice } from './dice.ts';
import type { Ground } from './ground.ts';

/**
 * The times by which a limiter and its cluster live, in milliseconds: until an empty bucket is full, the term of a lease
 * with and without its margin, until a silent node is suspected. A limiter goes wrong just before or after one of them.
 */
export function timesOf({ strategy, limiter, policy, topology }: Ground): readonly number[] {
  const fill = parsePolicies(policy).map(
    (each) => each.policy.capacityQuanta / each.policy.quantaPerUs / 1_000,
  );
  const lends = limiter === undefined && traitsOf(strategy).lends;
  const lease = lends ? [DEFAULT_LEASE_MS, DEFAULT_LEASE_MS + DEFAULT_MARGIN_MS] : [];
  return [...new Set([...fill, ...lease, planTopology(topology).nodeTimeoutMs])];
}

/** One of these times, a little more or less, or a multiple, from `leastMs` to `mostMs`; undefined if none is. */
export function drawMultiple(
  dice: Dice,
  times: readonly number[],
  { leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number },
): number | undefined {
  const fitting = times
    .flatMap((ms) => MULTIPLES.map((by) => Math.round(ms * by)))
    .filter((ms) => ms >= leastMs && ms <= mostMs);
  return fitting.length === 0 ? undefined : dice.one(fitting);
}

const MULTIPLES = [0.95, 1.05, 1.1, 1.25, 1.5, 2] as const;
