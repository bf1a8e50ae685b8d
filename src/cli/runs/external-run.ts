import { environmentFailed, invalidOption } from '../../core/errors.ts';
import { isStrategy } from '../../core/strategies.ts';
import { checkFill, externalSystem } from '../../experiment/external-system.ts';
import type { ProvideSystem } from '../../experiment/system.ts';
import {
  areApart,
  diagnoseExternal,
  diagnoseSentinels,
  lackForStrategy,
  replicasOf,
} from '../../regions/external/diagnose.ts';
import { lookAt, lookAtSentinels, type NodeLook, withAnnounced } from '../../regions/external/look.ts';
import type { Regions } from '../../regions/provider.ts';
import { checkFault } from '../../scenario/checks.ts';
import { type FaultName, type FaultSpec, isOfStore } from '../../scenario/faults/index.ts';
import type { Plan } from '../../scenario/plan.ts';
import { DEFAULT_TOPOLOGY, isInCluster, type TopologyOptions } from '../../topology/topology.ts';
import { openEndpoints } from '../flags/endpoints-option.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { externalServiceEnvironment } from '../process/service-environment.ts';

/** Nodes of an endpoints file that are fit for a run. */
export interface ExternalRun {
  readonly topology: TopologyOptions;
  readonly system: ProvideSystem;
  /** The plan on these nodes. Throws INVALID_OPTION if its strategy or a fault is not possible there. */
  accept(plan: Plan): Plan;
  /** Throws INVALID_OPTION for a fault that is not possible there. */
  check(fault: FaultSpec): void;
}

/** Asks every node of an endpoints file. Throws INVALID_OPTION, and ENVIRONMENT_FAILED with all that is missing. */
export async function openExternalRun(
  file: string,
  { allowEviction }: Pick<RunFlags, 'allowEviction'>,
  environment: Environment,
): Promise<ExternalRun> {
  const { regions: opened, ...access } = await openEndpoints(file, environment);
  const looks = await lookAt(opened);
  const sentinels = await lookAtSentinels(opened, access.sentinelLogin);
  const missing = [
    ...diagnoseExternal(opened, looks, { allowsEviction: allowEviction === true }),
    ...diagnoseSentinels(sentinels, looks),
  ].filter(({ mark }) => mark === 'missing');
  if (missing.length > 0)
    throw environmentFailed(
      `${file} cannot be used: ${missing.map(({ name, found }) => `${name}: ${found}`).join('; ')}`,
      `see what to do: openclaw-rl doctor --endpoints ${quotedForShell(file)}`,
    );
  const regions = withAnnounced(opened, looks);
  const { self, log } = environment;
  const topology: TopologyOptions = {
    ...DEFAULT_TOPOLOGY,
    regions: regions.topology.regions,
    ...(areApart(regions, looks) ? { apart: true, replicas: 0 } : { replicas: replicasOf(looks) }),
    roundTripMs: regions.topology.roundTripMs,
  };
  return {
    topology,
    system: externalSystem({
      ...{ regions, self, ...access },
      env: externalServiceEnvironment(environment, access),
      onProgress: (what) => log(`${what}\n`),
    }),
    accept: (plan) => accept({ ...plan, topology }, regions, looks),
    check: (fault) => checkPossible(fault, regions),
  };
}

const OF_LINKS: ReadonlySet<FaultName> = new Set(['partition', 'latency', 'bandwidth', 'drop-reply', 'flap']);

function accept(plan: Plan, regions: Regions, looks: readonly NodeLook[]): Plan {
  const { strategy, limiter, faults } = plan;
  checkFill(plan);
  const lack =
    limiter === undefined && isStrategy(strategy) ? lackForStrategy(strategy, regions, looks) : undefined;
  if (lack !== undefined)
    throw invalidOption(
      `strategy ${strategy} cannot run on ${regions.name}: it ${lack}`,
      `see which can: openclaw-rl doctor --endpoints ${quotedForShell(regions.name)}`,
    );
  if (plan.homes && (!isInCluster(regions.topology) || areApart(regions, looks)))
    throw invalidOption(
      `${regions.name} has no homes, which need one Redis Cluster over the regions`,
      'remove --homes, or homes of the scenario',
    );
  for (const fault of faults) checkPossible(fault, regions);
  return plan;
}

function checkPossible(fault: FaultSpec, regions: Regions): void {
  if ('node' in fault)
    throw invalidOption(
      `fault ${fault.fault} cannot run on ${regions.name}, whose nodes openclaw-rl did not start`,
      'break it by a command of yours: fault: command',
    );
  if (isOfStore(fault))
    throw invalidOption(
      `fault ${fault.fault} cannot run on ${regions.name}: only services of local regions pass a Toxiproxy to every node`,
      'break it by a command of yours: fault: command',
    );
  if (OF_LINKS.has(fault.fault) && regions.links.pairs.length === 0)
    throw invalidOption(
      `fault ${fault.fault} cannot run on ${regions.name}: no link between two regions has a Toxiproxy`,
      'add toxiproxy to the file, or break it by a command of yours: fault: command',
    );
  checkFault(fault, regions.topology);
}
