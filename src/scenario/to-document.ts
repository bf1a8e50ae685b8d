import { parseClaim } from '../checker/claims/claim.ts';
import { given } from '../core/given.ts';
import { fileName } from '../core/plugin-name.ts';
import { parsePolicies } from '../core/policies.ts';
import { formatPolicy } from '../core/policy.ts';
import { isStrategy } from '../core/strategies.ts';
import { planRoundTrips, type TopologyOptions } from '../topology/topology.ts';
import type { LoadPlan, Plan, PlannedFault } from './plan.ts';
import { formatDuration } from './units.ts';

/** A scenario's file, which the parts of a run read. */
export interface ScenarioDocument {
  /** Runs are named after it, so it is in the digest of a plan. */
  readonly file: string;
  /** YAML, most of it JSON. */
  readonly text: string;
  /** The plug-in and the log of the plan, by their names beside the file. */
  readonly beside: Readonly<Record<string, string>>;
}

/**
 * The file of a scenario that gives a plan with the digest of this one, whether it was made of a file or of flags. It has no
 * faults, which parts do not inject, and no claims on the time of one.
 */
export function scenarioOf(plan: Plan): ScenarioDocument {
  return documentOf(plan, { claims: claimsOf(plan) });
}

/** The file of the same plan, with its faults at their times and all its claims. */
export function fullScenarioOf(plan: Plan): ScenarioDocument {
  return documentOf(plan, { faults: plan.faults.map(faultOf), claims: plan.claims });
}

function documentOf(plan: Plan, own: object): ScenarioDocument {
  const { scenario, about, seed, topology, policy, strategy, limiter, load } = plan;
  const { onFailure, instances, homes } = plan;
  const beside = [limiter, load.log?.file].filter((path) => path !== undefined);
  const value = {
    ...{ seed, topology: topologyOf(topology), ...policyOf(policy) },
    ...(limiter === undefined
      ? { ...(isStrategy(strategy) && { strategy }), ...given({ onFailure, homes }) }
      : { limiter: `./${fileName(limiter)}` }),
    ...given({ instances }),
    ...{ load: loadOf(load), ...own },
  };
  return {
    file: `${scenario}.yaml`,
    text: `# ${about}\n${JSON.stringify(value, undefined, 2)}\n`,
    beside: Object.fromEntries(beside.map((path) => [fileName(path), path])),
  };
}

/** Round trips are not simulated between machines; those of an endpoints file may be longer than its default suspicion. */
function topologyOf(topology: TopologyOptions) {
  const { kind, regions, replicas, roundTripMs, jitterMs, persistence, nodeTimeoutMs } = topology;
  const { minReplicasToWrite, minReplicasMaxLagMs: maxLag } = topology;
  const longestMs = Math.max(0, ...Object.values(planRoundTrips({ regions, roundTripMs }))) + jitterMs;
  return {
    ...given({ kind, minReplicasToWrite }),
    ...{ regions, replicas, persistence, jitter: formatDuration(jitterMs) },
    ...(maxLag !== undefined && { minReplicasMaxLag: formatDuration(maxLag) }),
    roundTrip: Object.fromEntries(
      Object.entries(roundTripMs).map(([pair, ms]) => [pair, formatDuration(ms)]),
    ),
    nodeTimeout: formatDuration(Math.max(nodeTimeoutMs, 2 * longestMs)),
  };
}

function policyOf(text: string) {
  const policies = parsePolicies(text);
  const [first] = policies;
  if (policies.length === 1 && first !== undefined) return { policy: formatPolicy(first.policy) };
  return { policies: Object.fromEntries(policies.map(({ name, policy }) => [name, formatPolicy(policy)])) };
}

/** Users, costs and rate of a log are those of the log. */
function loadOf(load: LoadPlan) {
  const { mode, log, connections, processes, users, skew, roaming, rampMs, durationMs } = load;
  const { ratePerSecond: rate, warmUpMs, peaks, resting, costs, costsByPolicy, actuals: actual } = load;
  const common = {
    connections,
    ...given({ processes, actual }),
    roaming,
    ...(warmUpMs !== undefined && { warmUp: formatDuration(warmUpMs) }),
    duration: formatDuration(durationMs),
  };
  if (log !== undefined) {
    const { requests: _, keyless: __, unread: ___, file, ...fields } = log;
    return { ...common, from: { file: fileName(file), ...fields } };
  }
  return {
    ...{ mode, ...common, users, skew, cost: costsByPolicy ?? costs, ramp: formatDuration(rampMs) },
    ...given({ rate }),
    ...(peaks && {
      peaks: {
        rate: peaks.ratePerSecond,
        every: formatDuration(peaks.everyMs),
        for: formatDuration(peaks.forMs),
      },
    }),
    ...(resting && {
      resting: {
        share: resting.share,
        rest: formatDuration(resting.restMs),
        burst: formatDuration(resting.burstMs),
      },
    }),
  };
}

/** A fault as a file has it: each key of milliseconds is a time. */
export function faultOf(fault: PlannedFault): object {
  return Object.fromEntries(
    Object.entries(fault).map(([key, value]) => {
      if (key === 'rateKBps') return ['rate', `${value}KB/s`];
      const isTime = key.endsWith('Ms') && typeof value === 'number';
      return isTime ? [key.slice(0, -'Ms'.length), formatDuration(value)] : [key, value];
    }),
  );
}

function claimsOf({ claims }: Plan): readonly string[] {
  const kept = claims.filter((text) => parseClaim(text).phase === undefined);
  return kept.length > 0 ? kept : ['contested >= 1'];
}
