import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { environmentFailed } from '../core/errors.ts';
import { type ClusterContext, chooseProvider, type WantedProvider } from './choose-provider.ts';
import { endStart, sweepAloud } from './clusters.ts';
import { attachRunning } from './open-cluster.ts';
import type { OnProgress, Regions, UpOptions } from './provider.ts';
import type { ClusterState } from './store/cluster-state.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** The cluster that `bringUp` starts. */
export interface ClusterRequest
  extends Pick<UpOptions, 'name' | 'topology' | 'lifetime' | 'steppableClocks'>,
    WantedProvider {}

/** Starts a cluster, or attaches to the running one of that name. Throws the errors of `chooseProvider` and `up`. */
export async function bringUp(
  { seed, server, provider: wanted, ...up }: ClusterRequest,
  context: ClusterContext,
): Promise<Regions> {
  const { store, signal, onProgress } = context;
  const { name, steppableClocks = false } = up;
  await sweepAloud(context, { requested: [name], unknownContainers: wanted === 'docker' });
  const existing = await store.read(name);
  if (existing?.phase === 'up') {
    const regions = await attachRunning(store, existing);
    if (regions !== undefined && steppableClocks) checkSteppable(existing);
    if (regions !== undefined) return regions;
    onProgress(`cluster ${name} is no longer running (a reboot?): starting it again`);
    await endStart(store, existing);
  }
  const provider = await chooseProvider({ provider: wanted, seed, ...(server && { server }) }, context);
  return provider.up({ ...up, signal, onProgress }).catch(async (error: unknown) => {
    await sayWhereLogsAre(store, name, onProgress);
    throw error;
  });
}

/** Reports the log folder of a failed start. The logs are kept for a day. */
async function sayWhereLogsAre(store: ClusterStore, name: string, say: OnProgress): Promise<void> {
  const logs = join(store.folderOf(name), 'logs');
  const isGone = (await store.read(name).catch(() => null)) === undefined;
  if (isGone && existsSync(logs)) say(`the logs of the failed start are kept for a day in ${logs}`);
}

function checkSteppable({ name, provision }: ClusterState): void {
  if (provision.steppableClocks === true) return;
  throw environmentFailed(
    `cluster ${name} was started without --steppable-clocks`,
    `openclaw-rl down --name ${name} && openclaw-rl up --name ${name} --steppable-clocks`,
  );
}
