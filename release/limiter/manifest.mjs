// The package.json of openclaw-rl-limiter, made from that of the root.
import { repositoryOf } from '../repository.mjs';

const LIMITER = 'openclaw-rl-limiter';

/** Packages whose code is in ours: each is used by one file, and a service would install them for it. */
export const COPIED = ['fastest-levenshtein', 'fastify-plugin'];

const DEPENDENCIES = ['ioredis'];

/** What a service brings along if it uses it. Ranges: the versions that tests ran. */
const OPTIONAL_PEERS = {
  '@jest/globals': '>=29',
  '@opentelemetry/api': '^1.9.0',
  fastify: '^5.0.0',
  redis: '^5.0.0 || ^6.0.0',
  vitest: '>=3.2',
};

const KEYWORDS = [
  ...['rate-limit', 'rate-limiter', 'ratelimit', 'token-bucket', 'throttle', 'quota', 'distributed'],
  ...['redis', 'valkey', 'redis-cluster', 'multi-region', 'fastify', 'express', 'hono'],
];

/** `root` is the package.json of the root. */
export function limiterManifest(root) {
  const repository = repositoryOf(root);
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
    exports: root.exports,
    types: root.types,
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, root.dependencies[name]])),
    peerDependencies: OPTIONAL_PEERS,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(OPTIONAL_PEERS).map((name) => [name, { optional: true }]),
    ),
  };
}

/** Throws for a package that the code imports, and that is none of these. */
export function refuseOthers(importers) {
  for (const [name, files] of importers)
    if (![...DEPENDENCIES, ...Object.keys(OPTIONAL_PEERS), ...COPIED].includes(name))
      throw new Error(
        `${files[0]} imports ${name}, which ${LIMITER} does not have; expected a package that release/limiter/manifest.mjs names`,
      );
}
