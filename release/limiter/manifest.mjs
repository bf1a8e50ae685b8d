// The package.json of openclaw-rl-limiter, made from that of the root.
import { repositoryOf } from '../repository.mjs';

const LIMITER = 'openclaw-rl-limiter';

/** Packages whose code is in ours: each is used by one file, and a service would install them for it. */
export const COPIED = ['fastest-levenshtein', 'fastify-plugin'];

const DEPENDENCIES = ['ioredis'];

/**
 * What a service brings along if it uses it, besides the peers of the root: Vitest and Jest. A range begins with the
 * oldest version that a test runs.
 */
const OPTIONAL_PEERS = {
  '@opentelemetry/api': '^1.9.1',
  fastify: '^5.6.0',
  redis: '^5.12.1 || ^6.0.0',
};

const KEYWORDS = [
  ...['rate-limit', 'rate-limiter', 'ratelimit', 'token-bucket', 'throttle', 'quota', 'distributed'],
  ...['redis', 'valkey', 'redis-cluster', 'multi-region', 'fastify', 'express', 'hono'],
];

/** `root` is the package.json of the root. */
export function limiterManifest(root) {
  const repository = repositoryOf(root);
  const peerDependencies = { ...root.peerDependencies, ...OPTIONAL_PEERS };
  return {
    name: LIMITER,
    version: root.version,
    description:
      'A distributed rate limiter on Redis or Valkey: token buckets that are exact, declared bounds for failovers, and errors that say whether tokens were charged.',
    keywords: KEYWORDS,
    ...(repository !== undefined && {
      homepage: repository.blob(root.version, 'docs/library/README.md'),
      bugs: { url: repository.bugs },
      repository: { type: 'git', url: repository.url },
    }),
    license: root.license,
    type: root.type,
    engines: root.engines,
    sideEffects: root.sideEffects.filter((file) => file.startsWith('./dist/testing/')),
    exports: root.exports,
    types: root.types,
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, root.dependencies[name]])),
    peerDependencies,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(peerDependencies).map((name) => [name, { optional: true }]),
    ),
  };
}

/** Throws for a package that the code imports, and that is neither copied nor in this manifest. */
export function refuseOthers(importers, { dependencies, peerDependencies }) {
  const known = [...Object.keys({ ...dependencies, ...peerDependencies }), ...COPIED];
  for (const [name, files] of importers)
    if (!known.includes(name))
      throw new Error(
        `${files[0]} imports ${name}, which ${LIMITER} does not have; expected one of ${known.join(', ')}: see release/limiter/manifest.mjs`,
      );
}
