import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import { attachCluster, endCluster, findRoles, sweepClusters } from '../regions/clusters.ts';
import { openExternal } from '../regions/external.ts';
import type { Regions, UpOptions } from '../regions/provider.ts';
import { type ClusterState, ClusterStore } from '../regions/state.ts';
import type { ClusterStatus } from '../regions/status.ts';
import {
  DEFAULT_TOPOLOGY,
  KNOWN_ROUND_TRIPS_MS,
  OTHER_ROUND_TRIP_MS,
  type Persistence,
  planTopology,
  type Topology,
} from '../regions/topology.ts';
import type { PlannedTopology } from '../scenario/plan.ts';
import { chooseProvider, type ProviderName, providerOption } from './choose-provider.ts';
import type { Environment } from './environment.ts';
import { decimalNumber, parseRegions, parseRoundTrips, wholeNumber } from './options.ts';

export const DEFAULT_CLUSTER = 'default';

/** The clusters of this user: under OPENCLAW_RL_STATE, else XDG_STATE_HOME, else ~/.local/state. */
export function clusterStore({ env }: Environment): ClusterStore {
  const base =
    env.OPENCLAW_RL_STATE || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'openclaw-rl');
  return new ClusterStore(base);
}

/** What the commands that bring up a cluster take. */
export interface TopologyFlags {
  readonly regions: readonly string[];
  readonly replicas: number;
  readonly roundTrip: Record<string, number>;
  readonly jitter: number;
  readonly persistence: Persistence;
  readonly nodeTimeout: number;
  readonly seed: number;
  readonly server?: string;
  readonly provider: ProviderName;
}

const KNOWN_ROUND_TRIPS = [
  ...Object.entries(KNOWN_ROUND_TRIPS_MS).map(([pair, ms]) => `${pair}=${ms}`),
  `others ${OTHER_ROUND_TRIP_MS}`,
].join(', ');

export function topologyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--regions <names>', 'region names, with commas between')
        .argParser(parseRegions)
        .default([...DEFAULT_TOPOLOGY.regions], DEFAULT_TOPOLOGY.regions.join(',')),
    )
    .option(
      '--replicas <count>',
      'replicas of each primary, in other regions',
      wholeNumber(0, 8),
      DEFAULT_TOPOLOGY.replicas,
    )
    .addOption(
      new Option(
        '--round-trip <a:b=ms>',
        'milliseconds there and back between two regions; repeatable, or with commas',
      )
        .argParser(parseRoundTrips)
        .default({}, KNOWN_ROUND_TRIPS),
    )
    .option(
      '--jitter <ms>',
      'each delay varies by up to this much either way',
      decimalNumber(0, 1_000),
      DEFAULT_TOPOLOGY.jitterMs,
    )
    .addOption(
      new Option('--persistence <kind>', 'what a restarted node remembers')
        .choices(['none', 'aof'])
        .default('none'),
    )
    .option(
      '--node-timeout <ms>',
      'silence after which a node is suspected',
      wholeNumber(100, 600_000),
      DEFAULT_TOPOLOGY.nodeTimeoutMs,
    )
    .option('--seed <number>', 'all randomness comes from it', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--server <command>', 'the server program to run (default: redis-server, else valkey-server)')
    .addOption(providerOption());
}

/** What these flags describe. Throws INVALID_OPTION. */
export function topologyOf(flags: TopologyFlags): Topology {
  const { regions, replicas, roundTrip, jitter, persistence, nodeTimeout } = flags;
  return planTopology({
    regions,
    replicas,
    roundTripMs: roundTrip,
    jitterMs: jitter,
    persistence,
    nodeTimeoutMs: nodeTimeout,
  });
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
  await sweep(environment, store);
  const existing = await store.read(name);
  if (existing?.phase === 'up') {
    if (await isRunning(existing, store)) {
      if (steppableClocks) checkSteppable(existing);
      return attachCluster(store, existing);
    }
    environment.log(`cluster ${name} is no longer running (a reboot?): starting it again\n`);
    await endCluster(store, name);
  }
  const provider = await chooseProvider(environment, {
    wanted,
    store,
    seed,
    ...(server !== undefined && { server }),
  });
  return provider.up({
    ...up,
    signal: environment.interrupt,
    onProgress: (what) => environment.log(`${what}\n`),
  });
}

function checkSteppable({ name, provision }: ClusterState): void {
  if (provision.steppableClocks === true) return;
  throw new OpenclawError('ENVIRONMENT_FAILED', `cluster ${name} is up, and its clocks cannot be stepped`, {
    hint: `openclaw-rl down --name ${name} && openclaw-rl up --name ${name} --steppable-clocks`,
  });
}

/** A cluster that is up. Throws ENVIRONMENT_FAILED when there is none of that name. */
export async function openCluster(
  store: ClusterStore,
  name: string,
): Promise<{ regions: Regions; state: ClusterState }> {
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
  if (!roles.includes('toxiproxy')) {
    throw new OpenclawError('ENVIRONMENT_FAILED', `the Toxiproxy of cluster ${name} has ended`, {
      hint: startAnew(name),
    });
  }
  return { regions: attachCluster(store, state), state };
}

/** Which regions a command works on: a cluster of ours, or what an endpoints file names. */
export interface ChosenRegions {
  readonly name: string;
  readonly endpoints?: string;
}

export function choosingRegions(command: Command): Command {
  return command
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .option(
      '--endpoints <file>',
      'instead: regions that somebody else runs, by their addresses (see the README)',
    );
}

/** Opens what was chosen. Throws ENVIRONMENT_FAILED or INVALID_OPTION. */
export async function openRegions(
  environment: Environment,
  { name, endpoints }: ChosenRegions,
): Promise<Regions> {
  if (endpoints === undefined) return (await openCluster(clusterStore(environment), name)).regions;
  const text = await readFile(resolve(environment.cwd, endpoints), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      throw new OpenclawError('INVALID_OPTION', `--endpoints: cannot read ${endpoints}: ${error.code}`);
    },
  );
  return openExternal(text, endpoints);
}

/** Says which nodes do not answer, and the way out. */
export function reportSilentNodes({ name, nodes }: ClusterStatus, { log }: Environment): void {
  const silent = nodes.filter(({ role }) => role === 'down').map((node) => node.name);
  if (silent.length > 0) log(`does not answer: ${silent.join(', ')}\n  ${startAnew(name)}\n`);
}

function startAnew(name: string): string {
  return `start the cluster anew with: openclaw-rl down --name ${name} && openclaw-rl up --name ${name}`;
}

/** Ends what programs that were killed have left, and says so. */
export async function sweep(environment: Environment, store: ClusterStore): Promise<void> {
  for (const name of await sweepClusters(store))
    environment.log(`ended what a killed run left behind: ${name}\n`);
}

/** The cluster of that name, if it is up and runs. */
export async function findRunning(store: ClusterStore, name: string): Promise<Regions | undefined> {
  const state = await store.read(name);
  return state?.phase === 'up' && (await isRunning(state, store)) ? attachCluster(store, state) : undefined;
}

/** The topology of the cluster of that name, if it is up, not as the flags have it, and they ask for none. */
export async function standingTopology(
  environment: Environment,
  flags: TopologyFlags & { readonly name: string },
): Promise<Topology | undefined> {
  const byDefault = planTopology(DEFAULT_TOPOLOGY);
  if (!isDeepStrictEqual(topologyOf(flags), byDefault)) return undefined;
  const running = (await findRunning(clusterStore(environment), flags.name))?.topology;
  return isDeepStrictEqual(running, byDefault) ? undefined : running;
}

/** The flags that bring up a cluster like this. */
export function topologyCommandLine(topology: PlannedTopology): string {
  const { regions, replicas, roundTripMs, jitterMs, persistence, nodeTimeoutMs } = topology;
  const trips = Object.entries(roundTripMs).map(([pair, ms]) => `${pair}=${ms}`);
  return [
    `--regions ${regions.join(',')} --replicas ${replicas} --jitter ${jitterMs} --persistence ${persistence}`,
    `--node-timeout ${nodeTimeoutMs}`,
    ...(trips.length === 0 ? [] : [`--round-trip ${trips.join(',')}`]),
  ].join(' ');
}

/** Whether anything of a cluster still runs: after a reboot its file is there and nothing else. */
async function isRunning(state: ClusterState, store: ClusterStore): Promise<boolean> {
  return (await findRoles(store, state)).length > 0;
}
