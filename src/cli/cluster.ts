import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import type { ClusterState } from '../regions/cluster-state.ts';
import { attachCluster, endStart, findRoles, sweepClusters } from '../regions/clusters.ts';
import { openExternal } from '../regions/external.ts';
import { findPlatformLack } from '../regions/processes/platform.ts';
import type { Regions, UpOptions } from '../regions/provider.ts';
import { ClusterStore } from '../regions/state.ts';
import type { ClusterStatus } from '../regions/status.ts';
import { DEFAULT_TOPOLOGY, planTopology, type Topology } from '../regions/topology.ts';
import { chooseProvider, type ProviderName } from './choose-provider.ts';
import type { Environment } from './environment.ts';
import { readTextFile } from './read-file.ts';
import { type TopologyFlags, topologyOf } from './topology-flags.ts';

export const DEFAULT_CLUSTER = 'default';

/** The clusters of this user: under OPENCLAW_RL_STATE, else XDG_STATE_HOME, else ~/.local/state. */
export function clusterStore(environment: Environment): ClusterStore {
  const { env } = environment;
  const base =
    env.OPENCLAW_RL_STATE || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'openclaw-rl');
  return new ClusterStore(realFolder(isAbsolute(base) ? base : resolve(environment.cwd, base)));
}

/** A folder's one name, however it is spelled, and also before it is there: it marks processes. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(realFolder(parent), basename(folder));
  }
}

/** A cluster to bring up. */
export interface ClusterRequest
  extends Pick<UpOptions, 'name' | 'topology' | 'lifetime' | 'steppableClocks'> {
  readonly seed: number;
  /** The server program; default: one that is found. */
  readonly server?: string;
  readonly provider: ProviderName;
}

/** Brings up a cluster, or takes the one of that name that is up already. */
export async function bringUp(
  environment: Environment,
  { seed, server, provider: wanted, ...up }: ClusterRequest,
): Promise<Regions> {
  const { name, steppableClocks = false } = up;
  const store = clusterStore(environment);
  await sweep(environment, store, { asked: [name], unknownContainers: wanted === 'docker' });
  const existing = await store.read(name);
  if (existing?.phase === 'up') {
    const roles = await findRoles(store, existing);
    if (roles.length > 0) {
      checkToxiproxy(existing, roles);
      if (steppableClocks) checkSteppable(existing);
      return attachCluster(store, existing);
    }
    environment.log(`cluster ${name} is no longer running (a reboot?): starting it again\n`);
    await endStart(store, existing);
  }
  const command = server && serverCommand(server, environment);
  const provider = await chooseProvider(environment, {
    wanted,
    store,
    seed,
    ...(command && { server: command }),
  });
  return provider
    .up({
      ...up,
      signal: environment.interrupt,
      onProgress: (what) => environment.log(`${what}\n`),
    })
    .catch(async (error: unknown) => {
      await sayWhereLogsAre(store, name, environment);
      throw error;
    });
}

/** Of a start that failed, logs stay for a day: they are removed with a cluster's state. */
async function sayWhereLogsAre(store: ClusterStore, name: string, { log }: Environment): Promise<void> {
  const logs = join(store.folderOf(name), 'logs');
  const isGone = (await store.read(name).catch(() => null)) === undefined;
  if (isGone && existsSync(logs)) log(`logs of the start that failed are kept for a day in ${logs}\n`);
}

/** The server's command from any folder: the nodes run in folders of their own. */
export function serverCommand(server: string, environment: Environment): string {
  return server.includes('/') ? resolve(environment.cwd, server) : server;
}

function checkSteppable({ name, provision }: ClusterState): void {
  if (provision.steppableClocks === true) return;
  throw new OpenclawError('ENVIRONMENT_FAILED', `cluster ${name} is up, and its clocks cannot be stepped`, {
    hint: `openclaw-rl down --name ${name} && openclaw-rl up --name ${name} --steppable-clocks`,
  });
}

/** A cluster that is up, and what is known of it. */
export interface OpenCluster {
  readonly regions: Regions;
  readonly state: ClusterState;
}

/** A cluster that is up. Throws ENVIRONMENT_FAILED when there is none of that name. */
export async function openCluster(store: ClusterStore, name: string): Promise<OpenCluster> {
  const state = await store.read(name);
  if (state === undefined || state.phase !== 'up') {
    throw new OpenclawError('ENVIRONMENT_FAILED', `no cluster called ${name} is up`, {
      hint: `start it with: openclaw-rl up --name ${name}`,
    });
  }
  const roles = await findRoles(store, state);
  if (roles.length === 0) {
    throw new OpenclawError('ENVIRONMENT_FAILED', `cluster ${name} is no longer running (a reboot?)`, {
      hint: `start it again with: openclaw-rl up --name ${name}`,
    });
  }
  checkToxiproxy(state, roles);
  return { regions: attachCluster(store, state), state };
}

/** Without it the regions have no way to each other, and `up` does not start it again. */
function checkToxiproxy({ name }: ClusterState, roles: readonly string[]): void {
  if (roles.includes('toxiproxy')) return;
  throw new OpenclawError('ENVIRONMENT_FAILED', `the Toxiproxy of cluster ${name} has ended`, {
    hint: startAnew(name),
  });
}

/** Which regions a command works on: a cluster of ours, or what an endpoints file names. */
export interface ChosenRegions {
  readonly name: string;
  readonly endpoints?: string;
}

export function choosingRegions(command: Command): Command {
  return command
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .addOption(
      new Option(
        '--endpoints <file>',
        'instead: regions that somebody else runs, by their addresses (see the README)',
      ).conflicts('name'),
    );
}

/** Opens what was chosen. Throws ENVIRONMENT_FAILED or INVALID_OPTION. */
export async function openRegions(
  environment: Environment,
  { name, endpoints }: ChosenRegions,
): Promise<Regions> {
  if (endpoints === undefined) return (await openCluster(clusterStore(environment), name)).regions;
  const text = await readTextFile(resolve(environment.cwd, endpoints)).catch((error: Error) => {
    throw new OpenclawError('INVALID_OPTION', `--endpoints: cannot read ${endpoints}: ${error.message}`);
  });
  return openExternal(text, endpoints);
}

/** Says which nodes do not answer, and the way out; gives whether all do. */
export function reportSilentNodes(status: ClusterStatus, { log }: Environment): boolean {
  const { name, provider, nodes } = status;
  const silent = nodes.filter(({ role }) => role === 'down').map((node) => node.name);
  if (silent.length === 0) return true;
  const mend = `start what was killed again with: openclaw-rl fault heal --name ${name}; or ${startAnew(name)}`;
  log(`does not answer: ${silent.join(', ')}\n${provider === 'external' ? '' : `  ${mend}\n`}`);
  return false;
}

function startAnew(name: string): string {
  return `start the cluster anew with: openclaw-rl down --name ${name} && openclaw-rl up --name ${name}`;
}

/**
 * Ends what programs that were killed have left, and says so; of `asked` the command itself says what is wrong. Throws
 * ENVIRONMENT_FAILED where there can be no clusters.
 */
export async function sweep(
  environment: Environment,
  store: ClusterStore,
  { asked, unknownContainers }: { readonly asked: readonly string[]; readonly unknownContainers: boolean },
): Promise<void> {
  const lack = findPlatformLack();
  if (lack !== undefined)
    throw new OpenclawError('ENVIRONMENT_FAILED', lack, {
      hint: 'use Linux, or a virtual machine that runs it',
    });
  const { ended, unknown } = await sweepClusters(store, { unknownContainers });
  for (const name of ended) environment.log(`ended what a killed run left behind: ${name}\n`);
  for (const { name, why } of unknown)
    if (!asked.includes(name)) environment.log(`left alone: ${why.message}\n  ${why.hint}\n`);
}

/** The cluster of that name, if it is up and runs. */
export async function findRunning(store: ClusterStore, name: string): Promise<OpenCluster | undefined> {
  const state = await store.read(name);
  // After a reboot its file is there and nothing else.
  if (state?.phase !== 'up' || (await findRoles(store, state)).length === 0) return undefined;
  return { regions: attachCluster(store, state), state };
}

/** The topology of the cluster of that name, if it is up, not as the flags have it, and they ask for none. */
export async function standingTopology(
  environment: Environment,
  flags: TopologyFlags & { readonly name: string },
): Promise<Topology | undefined> {
  const byDefault = planTopology(DEFAULT_TOPOLOGY);
  if (!isDeepStrictEqual(topologyOf(flags), byDefault)) return undefined;
  const running = (await findRunning(clusterStore(environment), flags.name))?.state.topology;
  return isDeepStrictEqual(running, byDefault) ? undefined : running;
}
