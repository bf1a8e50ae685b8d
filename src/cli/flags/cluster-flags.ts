import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import type { ClusterContext } from '../../regions/choose-provider.ts';
import { findRunning, openCluster } from '../../regions/open-cluster.ts';
import type { Regions } from '../../regions/provider.ts';
import { clusterStore, DEFAULT_CLUSTER } from '../../regions/store/user-clusters.ts';
import { DEFAULT_TOPOLOGY, planTopology, type Topology } from '../../topology/topology.ts';
import { readTextFile } from '../files/read-file.ts';
import type { Environment } from '../process/environment.ts';
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
    .addOption(
      new Option(
        '--endpoints <file>',
        'addresses of your own regions, instead of --name (see docs/clusters.md); password: REDIS_PASSWORD',
      ).conflicts('name'),
    );
}

/** Opens the chosen regions. Throws ENVIRONMENT_FAILED or INVALID_OPTION. */
export async function openRegions(
  environment: Environment,
  { name, endpoints }: ChosenRegions,
): Promise<Regions> {
  if (endpoints === undefined) return (await openCluster(clusterStore(environment), name)).regions;
  const text = await readTextFile(resolve(environment.cwd, endpoints)).catch((error: Error) => {
    throw new OpenclawError('INVALID_OPTION', `--endpoints: cannot read ${endpoints}: ${error.message}`);
  });
  const { openExternal } = await import('../../regions/external.ts'); // its zod is a fifth of a start
  return openExternal(text, endpoints, loginOf(environment));
}

function loginOf({ env: { REDIS_USERNAME: username, REDIS_PASSWORD: password } }: Environment) {
  return password ? { password, ...(username && { username }) } : undefined;
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
