import { fileURLToPath } from 'node:url';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { docker, lastLine } from './docker.ts';

export interface Images {
  readonly redis: string;
  readonly toxiproxy: string;
  /** The image of openclaw-rl. If absent, it is built from this package. */
  readonly own?: string;
}

export const OFFICIAL_IMAGES = {
  redis: 'redis:8',
  toxiproxy: 'ghcr.io/shopify/toxiproxy:2.12.0',
} as const satisfies Images;

/** The tag of the image built from this package. Another openclaw-rl package on this machine may move the tag. */
export const OWN_IMAGE = 'openclaw-rl';
/** The label of locally built images; its value is the folder of the package. */
const PACKAGE_LABEL = 'openclaw-rl.package';
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const PROVIDE_MS = 600_000;

/** A plausible image name: a repository, then a tag or a digest. */
const IMAGE = /^[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]+)?$/;

/** The images set by environment variables, else the official ones. Throws INVALID_OPTION. */
export function chooseImages(env: Readonly<Record<string, string | undefined>>): Images {
  const { OPENCLAW_REDIS_IMAGE, OPENCLAW_TOXIPROXY_IMAGE, OPENCLAW_RL_IMAGE } = env;
  for (const [variable, image] of Object.entries({
    OPENCLAW_REDIS_IMAGE,
    OPENCLAW_TOXIPROXY_IMAGE,
    OPENCLAW_RL_IMAGE,
  }))
    if (image && !IMAGE.test(image))
      throw invalidOption(`${variable} must name an image, like redis:8; found ${quoted(image)}`);
  return {
    redis: OPENCLAW_REDIS_IMAGE || OFFICIAL_IMAGES.redis,
    toxiproxy: OPENCLAW_TOXIPROXY_IMAGE || OFFICIAL_IMAGES.toxiproxy,
    ...(OPENCLAW_RL_IMAGE && { own: OPENCLAW_RL_IMAGE }),
  };
}

/**
 * The image for services. A configured image is pulled if it is absent, and its name is returned. Otherwise the image
 * is built from this package, and its id is returned, since a later build can move the tag. Throws
 * ENVIRONMENT_FAILED.
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
  await pruneOwnImages().catch(() => {}); // old images only use disk space
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

/** Removes replaced images of this package older than an hour, so that a starting run keeps its image. */
async function pruneOwnImages(): Promise<void> {
  const ours = ['--filter', `label=${PACKAGE_LABEL}=${PACKAGE}`];
  await docker(['image', 'prune', '--force', ...ours, '--filter', 'until=1h']);
}
