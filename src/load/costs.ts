import { makeRandom, type Random } from '../core/prng.ts';
import type { Charge } from '../history/records/operation.ts';
import type { DrawnCost } from './arrivals.ts';
import type { LoadShape } from './users.ts';

/** Draws what the next request costs, with the random numbers of its connection or its region. */
export type CostDraw = (random: Random) => DrawnCost;

/**
 * Makes the draw of one connection, or of the arrivals of one region; `stream` says of which. Policies with costs of their
 * own have a random stream each, so that the other draws of a seed stay the same.
 */
export function makeCostDraw(
  {
    seed,
    costs,
    policies = [],
    costsByPolicy,
  }: Pick<LoadShape, 'seed' | 'costs' | 'policies' | 'costsByPolicy'>,
  stream: string,
): CostDraw {
  const drawCommon = (random: Random) => drawOne(costs, random);
  if (costsByPolicy === undefined) return drawCommon;
  const own = policies.map((name) => {
    const ofPolicy = Object.hasOwn(costsByPolicy, name) ? costsByPolicy[name] : undefined;
    return { name, costs: ofPolicy, random: makeRandom(seed, `cost ${name} of ${stream}`) };
  });
  return (random) => {
    const common = drawCommon(random);
    const drawn: Record<string, number> = {};
    for (const each of own)
      drawn[each.name] = each.costs === undefined ? common : drawOne(each.costs, each.random);
    return drawn;
  };
}

/** What a request of this cost really costs; undefined if it takes its cost. */
export function drawActual(
  actuals: readonly number[] | undefined,
  cost: DrawnCost,
  random: Random,
): number | undefined {
  if (actuals === undefined || typeof cost !== 'number') return undefined;
  return Math.min(cost, drawOne(actuals, random));
}

function drawOne(costs: readonly number[], random: Random): number {
  return costs.length > 1 ? (costs[Math.floor(random() * costs.length)] ?? 1) : (costs[0] ?? 1);
}

/** The charges of a request in the bucket of each policy; undefined for one policy. */
export function chargesOf(
  bucket: string,
  cost: DrawnCost,
  policies: readonly string[] | undefined,
): readonly Charge[] | undefined {
  return policies?.map((policy) => ({
    bucket,
    cost: typeof cost === 'number' ? cost : (cost[policy] ?? 1),
    policy,
  }));
}

/** The value of the cost header, as the sample service reads it: `3`, or `requests=1, tokens=50`. Empty if all cost 1. */
export function formatCost(cost: DrawnCost): string {
  if (typeof cost === 'number') return cost === 1 ? '' : String(cost);
  const others = Object.entries(cost).filter(([, tokens]) => tokens !== 1);
  return others.map(([policy, tokens]) => `${policy}=${tokens}`).join(', ');
}
