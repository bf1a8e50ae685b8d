import { parseClaim } from '../checker/claim.ts';
import type { Policy } from '../core/policy.ts';
import { isAcked, isApart, isUnitCost, STRATEGY_NAMES } from '../limiter/create.ts';
import { planTopology, type Topology } from '../regions/topology.ts';
import type { ScenarioRules } from '../scenario/make-plan.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { type LoadFlags, longestRest } from './load-options.ts';
import { type TopologyFlags, topologyOf } from './topology-flags.ts';

const [first, ...others] = STRATEGY_NAMES as readonly [string, ...string[]];

/** What scenarios are checked against: the strategies, claims and topologies that this program knows. */
export const SCENARIO_RULES: ScenarioRules = {
  strategies: [first, ...others],
  parseClaim,
  planNodes: (topology) => planTopology(topology).nodes,
  isApart,
  isAcked,
  isUnitCost,
};

/** A load as a scenario writes it. */
export function loadInput(flags: LoadFlags, policy: Policy): NonNullable<ScenarioInput['load']> {
  const { connections, rate, users, skew, roaming, cost, ramp, duration, resting, burst } = flags;
  return {
    mode: rate === undefined ? 'closed' : 'open',
    ...(rate !== undefined && { rate }),
    ...{ connections, users, skew, roaming },
    cost: [...cost],
    ...(resting > 0 && {
      resting: { share: resting, rest: `${longestRest(flags, policy)}s`, burst: `${burst}s` },
    }),
    ramp: `${ramp}s`,
    duration: `${duration}s`,
  };
}

/** A topology as a scenario writes it: that of a cluster which is up where the flags ask for nothing else. */
export function topologyInput(
  flags: TopologyFlags,
  running: Topology | undefined,
): NonNullable<ScenarioInput['topology']> {
  const { regions, nodes, roundTripMs, jitterMs, persistence, nodeTimeoutMs } = running ?? topologyOf(flags);
  return {
    regions: [...regions],
    replicas: nodes.filter(({ replicaOf }) => replicaOf === nodes[0]?.name).length,
    roundTrip: Object.fromEntries(Object.entries(roundTripMs).map(([pair, ms]) => [pair, `${ms}ms`])),
    jitter: `${jitterMs}ms`,
    persistence,
    nodeTimeout: `${nodeTimeoutMs}ms`,
  };
}
