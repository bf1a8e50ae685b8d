import { basename, dirname } from 'node:path';
import { environmentFailed, OpenclawError } from '../core/errors.ts';
import { docker, isDockerAbsent } from './docker/docker.ts';
import { listContainers, listStarts, removeOwned } from './docker/owned-containers.ts';
import { attachContainers, endContainers } from './docker/provider.ts';
import { explainElsewhere } from './elsewhere.ts';
import * as local from './local/provider.ts';
import { type Sweep, sweepAbandoned } from './local/sweep.ts';
import { findOwned } from './processes/owned-processes.ts';
import { findPlatformLack } from './processes/platform.ts';
import type { OnProgress, Regions } from './provider.ts';
import type { ClusterState } from './store/cluster-state.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** Attaches to a running cluster of any provider, from its state file. */
export function attachCluster(store: ClusterStore, state: ClusterState): Regions {
  return state.provider === 'docker' ? attachContainers(store, state) : local.attach(store, state);
}

/**
 * Ends one start of a cluster and removes its state. Returns false if its state was gone already. Throws
 * ENVIRONMENT_FAILED, having ended nothing, if it is of another pid namespace.
 */
export async function endStart(store: ClusterStore, state: ClusterState): Promise<boolean> {
  const elsewhere = explainElsewhere(store, state);
  if (elsewhere !== undefined) throw elsewhere;
  return state.provider === 'docker' ? endContainers(store, state) : local.endStart(store, state);
}

/**
 * Removes containers labelled with a cluster that has no state file. Does nothing without Docker. Throws
 * ENVIRONMENT_FAILED if Docker does not answer.
 */
export async function endUnknown(store: ClusterStore, name: string): Promise<void> {
  await removeUnknown(store, name, await listStarts(store.folderOf(name)).catch(noneWithoutDocker));
  await store.clear(name, { keepLogs: false });
}

interface SweepScope {
  /** Also look for containers without a state file: three calls of Docker, if it is installed. */
  readonly unknownContainers: boolean;
}

const ANSWER_MS = 5_000;

/** Ends the leftovers of killed programs. Containers are kept, and reported, while their engine does not answer. */
export async function sweepClusters(store: ClusterStore, { unknownContainers }: SweepScope): Promise<Sweep> {
  let engine: Promise<string> | undefined;
  const sweep = await sweepAbandoned(store, async (state) => {
    // Check the engine once: a hanging engine would delay every further call.
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

/**
 * `sweepClusters` that reports what was ended and what was left, except problems of `requested`, which the caller reports.
 * Throws ENVIRONMENT_FAILED if clusters cannot run here.
 */
export async function sweepAloud(
  { store, onProgress }: { readonly store: ClusterStore; readonly onProgress: OnProgress },
  { requested, ...scope }: SweepScope & { readonly requested: readonly string[] },
): Promise<void> {
  const lack = findPlatformLack();
  if (lack !== undefined) throw environmentFailed(lack, 'use Linux, or a virtual machine with Linux');
  const { ended, unknown } = await sweepClusters(store, scope);
  for (const name of ended) onProgress(`removed the leftovers of a killed run: ${name}`);
  for (const { name, why } of unknown)
    if (!requested.includes(name))
      onProgress(`${name === '' ? '' : 'left alone: '}${why.message}\n  ${why.hint}`);
}

async function sweepUnknown(store: ClusterStore): Promise<Sweep> {
  const ended = new Set<string>();
  const unknown: { name: string; why: OpenclawError }[] = [];
  const everywhere = await listStarts(undefined, { timeoutMs: ANSWER_MS })
    .catch(noneWithoutDocker)
    .catch((why: OpenclawError) => {
      unknown.push({ name: '', why: notSearched(why) });
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

function notSearched({ message, hint }: OpenclawError): OpenclawError {
  return environmentFailed(
    `containers were not searched: ${message}`,
    `if regions were started as containers here: ${hint}`,
  );
}

/**
 * Removes the listed starts of a name that its state file does not know. Returns their number. A start writes its state
 * file before its first container, and the starts were listed first, so a start in progress is never removed.
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

/** The roles that are running: the name of each running node, and `toxiproxy` if the Toxiproxies of all regions run. */
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
