import { basename, dirname } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import type { ClusterState } from './cluster-state.ts';
import { docker, isDockerAbsent } from './docker/docker.ts';
import { listContainers, listStarts, removeOwned } from './docker/owned-containers.ts';
import { attachContainers, endContainers } from './docker/provider.ts';
import * as local from './local/provider.ts';
import { type Sweep, sweepAbandoned } from './local/sweep.ts';
import { findOwned } from './processes/owned-processes.ts';
import type { Regions } from './provider.ts';
import type { ClusterStore } from './state.ts';

/** A cluster that runs, from its state file, whoever provided it. */
export function attachCluster(store: ClusterStore, state: ClusterState): Regions {
  return state.provider === 'docker' ? attachContainers(store, state) : local.attach(store, state);
}

/** Ends everything of one start of a cluster and forgets it; gives whether it was known until now. */
export async function endStart(store: ClusterStore, state: ClusterState): Promise<boolean> {
  return state.provider === 'docker' ? endContainers(store, state) : local.endStart(store, state);
}

/**
 * Ends what has the mark of a cluster that no state file knows: containers, where there is a Docker to ask. Throws
 * ENVIRONMENT_FAILED where there is one that does not answer.
 */
export async function endUnknown(store: ClusterStore, name: string): Promise<void> {
  await removeUnknown(store, name, await listStarts(store.folderOf(name)).catch(noneWithoutDocker));
  await store.clear(name, { keepLogs: false });
}

interface SweepScope {
  /** Look for containers, too, that no state file knows: asks Docker, where there is one, three things. */
  readonly unknownContainers: boolean;
}

const ANSWER_MS = 5_000;

/** Ends what programs that were killed have left. Containers stay, and are told, while their engine does not answer. */
export async function sweepClusters(store: ClusterStore, { unknownContainers }: SweepScope): Promise<Sweep> {
  let engine: Promise<string> | undefined;
  const sweep = await sweepAbandoned(store, async (state) => {
    // Asked once: one that hangs would be waited for with every call.
    if (state.provider === 'docker') {
      engine ??= docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_MS });
      await engine;
    }
    return endStart(store, state);
  });
  if (!unknownContainers) return sweep;
  const { ended, unknown } = await sweepUnknown(store);
  return { ended: [...new Set([...sweep.ended, ...ended])], unknown: [...sweep.unknown, ...unknown] };
}

async function sweepUnknown(store: ClusterStore): Promise<Sweep> {
  const ended = new Set<string>();
  const unknown: { name: string; why: OpenclawError }[] = [];
  const everywhere = await listStarts(undefined, { timeoutMs: ANSWER_MS })
    .catch(noneWithoutDocker)
    .catch((why: OpenclawError) => {
      unknown.push({ name: '', why });
      return [];
    });
  const starts = everywhere.filter(({ cluster }) => dirname(cluster) === store.folder);
  for (const name of new Set(starts.map(({ cluster }) => basename(cluster)))) {
    const ofName = starts.filter(({ cluster }) => basename(cluster) === name);
    await removeUnknown(store, name, ofName).then(
      async (removed) => {
        if (removed === 0) return;
        ended.add(name);
        await store.clear(name, { keepLogs: false });
      },
      (error: unknown) => {
        if (!(error instanceof OpenclawError)) throw error;
        unknown.push({ name, why: error });
      },
    );
  }
  return { ended: [...ended], unknown };
}

/**
 * Removes those of the starts of a name that its state file does not know; gives how many. They were listed before it
 * is read: a start's file is there before its first container, so what another program starts now is not among them.
 */
async function removeUnknown(
  store: ClusterStore,
  name: string,
  starts: Awaited<ReturnType<typeof listStarts>>,
): Promise<number> {
  const known = (await store.read(name))?.startId;
  const others = starts.filter(({ startId }) => startId !== known);
  for (const start of others) await removeOwned(start);
  return others.length;
}

function noneWithoutDocker(error: unknown): never[] {
  if (isDockerAbsent(error)) return [];
  throw error;
}

/** The roles of what runs of it: the names of nodes, and `toxiproxy` where every Toxiproxy runs. */
export async function findRoles(
  store: ClusterStore,
  { name, startId, provider, topology }: ClusterState,
): Promise<readonly string[]> {
  const cluster = store.folderOf(name);
  if (provider !== 'docker') return findOwned(cluster, startId).map(({ role }) => role);
  const containers = await listContainers({ cluster, startId });
  const roles = containers
    .filter(({ state }) => ['running', 'paused'].includes(state))
    .map(({ role }) => role);
  const toxiproxies = roles.filter((role) => role === 'toxiproxy').length;
  return toxiproxies === topology.regions.length ? roles : roles.filter((role) => role !== 'toxiproxy');
}
