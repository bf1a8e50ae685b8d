import { fileURLToPath } from 'node:url';
import { OpenclawError, quoted } from '../../core/errors.ts';
import { docker, lastLine } from './docker.ts';

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

/** What our own is called where it is built from this package; another package of ours on this machine takes it over. */
export const OWN_IMAGE = 'openclaw-rl';
/** On images that were built here: the folder of the package, as the value. */
const PACKAGE_LABEL = 'openclaw-rl.package';
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const PROVIDE_MS = 600_000;

/** As Docker has it, as far as it can be seen without asking: a repository, then a tag or a digest. */
const IMAGE = /^[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]+)?$/;

/** The images that the environment variables name, else the official ones. Throws INVALID_OPTION. */
export function chooseImages(env: Readonly<Record<string, string | undefined>>): Images {
  const { OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE } = env;
  for (const [variable, image] of Object.entries({
    OPENCLAW_REDIS_IMAGE,
    OPENCLAW_TOXIPROXY_IMAGE,
    OPENCLAW_RL_IMAGE,
  }))
    if (image && !IMAGE.test(image))
      throw new OpenclawError(
        'INVALID_OPTION',
        `${variable} must name an image, like redis:8; found ${quoted(image)}`,
      );
  return {
    redis: OPENCLAW_REDIS_IMAGE || OFFICIAL_IMAGES.redis,
    toxiproxy: OPENCLAW_TOXIPROXY_IMAGE || OFFICIAL_IMAGES.toxiproxy,
    ...(OPENCLAW_RL_IMAGE && { own: OPENCLAW_RL_IMAGE }),
  };
}

/**
 * The image that services run in: one that is named is pulled where it is not here; else it is built from this package,
 * and the answer is its id, which no other build can move. Docker knows what has not changed. Throws ENVIRONMENT_FAILED.
 */
export async function provideOwnImage({ own }: Images, signal?: AbortSignal): Promise<string> {
  const slow = { timeoutMs: PROVIDE_MS, ...(signal && { signal }) };
  if (own !== undefined) {
    if (!(await isImageHere(own))) await pullImage(own, signal);
    return own;
  }
  const id = await docker(
    [
      ...['build', '--quiet', '--tag', OWN_IMAGE, '--label', `${PACKAGE_LABEL}=${PACKAGE}`],
      ...['--file', `${PACKAGE}/compose/Dockerfile`, PACKAGE],
    ],
    slow,
  );
  await pruneOwnImages().catch(() => {}); // they cost room, and nothing else
  return lastLine(id);
}

export async function pullImage(name: string, signal?: AbortSignal): Promise<void> {
  await docker(['pull', '--quiet', name], { timeoutMs: PROVIDE_MS, ...(signal && { signal }) });
}

export async function isImageHere(name: string): Promise<boolean> {
  return docker(['image', 'inspect', '--format', '{{.Id}}', name]).then(
    () => true,
    () => false,
  );
}

/** Those of this package that a later build has replaced; not at once, since a run that starts may be about to use one. */
async function pruneOwnImages(): Promise<void> {
  const ours = ['--filter', `label=${PACKAGE_LABEL}=${PACKAGE}`];
  await docker(['image', 'prune', '--force', ...ours, '--filter', 'until=1h']);
}
