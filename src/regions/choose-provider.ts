import { invalidOption, OpenclawError } from '../core/errors.ts';
import { findDockerLack } from './docker/doctor.ts';
import { chooseImages } from './docker/images.ts';
import { createDockerProvider } from './docker/provider.ts';
import { checkSubnet } from './docker/subnet.ts';
import { createLocalProvider } from './local/provider.ts';
import { findServer } from './local/server-binary.ts';
import type { SelfCommand } from './local/toxiproxy-process.ts';
import type { OnProgress, RegionsProvider } from './provider.ts';
import type { ClusterStore } from './store/cluster-store.ts';

/** `auto`: local, else docker if local regions cannot run here. */
export const PROVIDERS = ['auto', 'local', 'docker'] as const;

export type ProviderName = (typeof PROVIDERS)[number];

/** What the running program passes to every cluster that it starts. */
export interface ClusterContext {
  readonly store: ClusterStore;
  /** Sets the images (`chooseImages`) and, with OPENCLAW_RL_SUBNET, the subnet. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start this program again. */
  readonly self: SelfCommand;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export interface WantedProvider {
  readonly provider: ProviderName;
  readonly seed: number;
  /** The server program; default: the first that is found. */
  readonly server?: string;
}

/** Throws SERVER_MISSING or ENVIRONMENT_FAILED if the requested regions cannot run here. */
export async function chooseProvider(
  { provider, server, seed }: WantedProvider,
  { store, env, self, onProgress }: ClusterContext,
): Promise<RegionsProvider> {
  if (provider === 'docker') {
    if (server === undefined) return dockerProvider(store, env);
    const hint = 'name an image: export OPENCLAW_REDIS_IMAGE=valkey/valkey:8';
    throw invalidOption('--server works only with local regions', hint);
  }
  try {
    return createLocalProvider({ store, binary: await findServer(server), self, seed });
  } catch (error) {
    if (provider === 'local' || server !== undefined || !(error instanceof OpenclawError)) throw error;
    if ((await findDockerLack()) !== undefined) throw error;
    onProgress(`using containers: local regions cannot run here: ${error.message}`);
    return dockerProvider(store, env);
  }
}

function dockerProvider(store: ClusterStore, env: ClusterContext['env']): RegionsProvider {
  const subnet = env.OPENCLAW_RL_SUBNET;
  return createDockerProvider({
    store,
    images: chooseImages(env),
    ...(subnet && { subnet: checkSubnet(subnet) }),
  });
}
