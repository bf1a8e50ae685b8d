import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import type { ClusterContext } from '../../regions/choose-provider.ts';
import { lookAt, withAnnounced } from '../../regions/external/look.ts';
import { findRunning, openCluster } from '../../regions/open-cluster.ts';
import type { Regions } from '../../regions/provider.ts';
import { clusterStore, DEFAULT_CLUSTER } from '../../regions/store/user-clusters.ts';
import { DEFAULT_TOPOLOGY, planTopology, type Topology } from '../../topology/topology.ts';
import type { Environment } from '../process/environment.ts';
import { endpointsOption } from './endpoints-flag.ts';
import { askedTopology, type TopologyFlags } from './topology-flags.ts';

export { DEFAULT_CLUSTER };

/** The context in which clusters are started; progress is logged. */
export function clusterContext(environment: Environment): ClusterContext {
  const { env, self, interrupt: signal, log } = environment;
  return { store: clusterStore(environment), env, self, signal, onProgress: (what) => log(`${what}\n`) };
}

/** The regions that a command works on: a cluster of `up`, or those in an endpoints file. */
export interface ChosenRegions {
  readonly name: string;
  readonly endpoints?: string;
}

export function choosingRegions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the cluster', DEFAULT_CLUSTER)
    .addOption(endpointsOption('addresses of your own Redis, instead of --name').conflicts('name'));
}

/** Opens the chosen regions. Throws ENVIRONMENT_FAILED or INVALID_OPTION. */
export async function openRegions(
  environment: Environment,
  { name, endpoints }: ChosenRegions,
): Promise<Regions> {
  if (endpoints === undefined) return (await openCluster(clusterStore(environment), name)).regions;
  const { openEndpoints } = await import('./endpoints-option.ts'); // its zod is a fifth of a start
  const { regions } = await openEndpoints(endpoints, environment);
  return withAnnounced(regions, await lookAt(regions));
}

/** The topology of the running cluster, if it differs from the default and the flags set none; else undefined. */
export async function standingTopology(
  environment: Environment,
  flags: TopologyFlags & { readonly name: string },
): Promise<Topology | undefined> {
  if (askedTopology(flags) !== undefined) return undefined;
  const running = (await findRunning(clusterStore(environment), flags.name))?.state.topology;
  return isDeepStrictEqual(running, planTopology(DEFAULT_TOPOLOGY)) ? undefined : running;
}
