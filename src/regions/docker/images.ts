import { fileURLToPath } from 'node:url';
import { docker } from './docker.ts';

export interface Images {
  readonly redis: string;
  readonly toxiproxy: string;
  /** Our own: absent, it is built from this package. */
  readonly own?: string;
}

export const OFFICIAL_IMAGES = {
  redis: 'redis:8',
  toxiproxy: 'ghcr.io/shopify/toxiproxy:2.12.0',
} as const satisfies Images;

export const OWN_IMAGE = 'openclaw-rl';
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const BUILD_MS = 600_000;

/** The images that the environment variables name, else the official ones. */
export function chooseImages(env: Readonly<Record<string, string | undefined>>): Images {
  const { OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE } = env;
  return {
    redis: OPENCLAW_REDIS_IMAGE || OFFICIAL_IMAGES.redis,
    toxiproxy: OPENCLAW_TOXIPROXY_IMAGE || OFFICIAL_IMAGES.toxiproxy,
    ...(OPENCLAW_RL_IMAGE && { own: OPENCLAW_RL_IMAGE }),
  };
}

/** The image that services run in. Built each time unless one is named: Docker knows what has not changed. */
export async function provideOwnImage({ own }: Images): Promise<string> {
  if (own !== undefined) return own;
  const file = `${PACKAGE}/compose/Dockerfile`;
  await docker(['build', '--quiet', '--tag', OWN_IMAGE, '--file', file, PACKAGE], BUILD_MS);
  return OWN_IMAGE;
}
