import { Option } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import { findDockerLack } from '../regions/docker/doctor.ts';
import { chooseImages } from '../regions/docker/images.ts';
import { createDockerProvider } from '../regions/docker/provider.ts';
import { checkSubnet } from '../regions/docker/subnet.ts';
import { createLocalProvider } from '../regions/local/provider.ts';
import { findServer } from '../regions/local/server-binary.ts';
import type { RegionsProvider } from '../regions/provider.ts';
import type { ClusterStore } from '../regions/state.ts';
import type { Environment } from './environment.ts';

const PROVIDERS = ['auto', 'local', 'docker'] as const;

export type ProviderName = (typeof PROVIDERS)[number];

const WHAT = 'regions as processes or as containers (auto: local, docker where that cannot be had)';

export function providerOption(what = WHAT): Option {
  return new Option('--provider <name>', what).choices(PROVIDERS).default('auto');
}

interface Choice {
  readonly wanted: ProviderName;
  readonly store: ClusterStore;
  readonly seed: number;
  readonly server?: string;
}

/** Throws SERVER_MISSING or ENVIRONMENT_FAILED where local regions are wanted and cannot be had. */
export async function chooseProvider(environment: Environment, choice: Choice): Promise<RegionsProvider> {
  const { wanted, server } = choice;
  if (wanted === 'docker') {
    if (server === undefined) return dockerProvider(environment, choice);
    throw new OpenclawError('INVALID_OPTION', '--server is for local regions', {
      hint: 'name an image: export OPENCLAW_REDIS_IMAGE=valkey/valkey:8',
    });
  }
  try {
    return await localProvider(environment, choice);
  } catch (error) {
    if (wanted === 'local' || server !== undefined || !(error instanceof OpenclawError)) throw error;
    if ((await findDockerLack()) !== undefined) throw error;
    environment.log(`regions as containers, since: ${error.message}\n`);
    return dockerProvider(environment, choice);
  }
}

async function localProvider(
  { self }: Environment,
  { store, seed, server }: Choice,
): Promise<RegionsProvider> {
  return createLocalProvider({ store, binary: await findServer(server), self, seed });
}

function dockerProvider({ env }: Environment, { store }: Choice): RegionsProvider {
  const subnet = env.OPENCLAW_RL_SUBNET;
  return createDockerProvider({
    store,
    images: chooseImages(env),
    ...(subnet && { subnet: checkSubnet(subnet) }),
  });
}
