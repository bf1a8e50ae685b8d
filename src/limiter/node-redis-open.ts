import { OpenclawError } from '../core/errors.ts';
import { type CommandTimeout, readTimeout } from './command-timeout.ts';
import type { NodeRedisCluster, NodeRedisStandalone } from './node-redis-client.ts';
import { clusterRoute } from './node-redis-cluster.ts';
import { nodeRedisPort } from './node-redis-port.ts';
import { standaloneRoute } from './node-redis-standalone.ts';
import type { RedisSource } from './redis-port.ts';

/** What `createClient` or `createCluster` of the package `redis` gives, as far as it is looked at. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  duplicate(): unknown;
}

/**
 * Uses a client of node-redis 5 or 6, made by `createClient` or `createCluster`: its address, credentials, TLS and
 * database, over connections of the limiter's own on which nothing is sent twice. The client itself is neither used
 * nor closed. Throws INVALID_OPTION, also for pools, for Sentinel and for older versions.
 */
export function fromNodeRedis(client: NodeRedisClient, timeout: CommandTimeout = {}): RedisSource {
  const timeoutMs = readTimeout(timeout);
  const openAcked = () => {
    throw new OpenclawError('INVALID_OPTION', 'a client of node-redis cannot wait for replicas', {
      hint: "give redis: { urls: ['redis://...'] }, or fromIoredis(client)",
    });
  };
  if (isCluster(client))
    return {
      isCluster: true,
      open: () => nodeRedisPort(clusterRoute(client, timeoutMs), timeoutMs),
      openAcked,
    };
  if (isStandalone(client))
    return {
      isCluster: false,
      open: () => nodeRedisPort(standaloneRoute(client, timeoutMs), timeoutMs),
      openAcked,
    };
  throw new OpenclawError('INVALID_OPTION', 'fromNodeRedis was given no client that it can use', {
    hint: 'give it what createClient or createCluster of redis 5 or 6 makes, connected or not',
  });
}

function isStandalone(client: unknown): client is NodeRedisStandalone {
  const { options, isReady, duplicate, withCommandOptions } = properties(client);
  return (
    typeof options === 'object' &&
    typeof isReady === 'boolean' &&
    typeof duplicate === 'function' &&
    typeof withCommandOptions === 'function'
  );
}

function isCluster(client: unknown): client is NodeRedisCluster {
  const { nodeClient, duplicate, _options } = properties(client);
  return (
    typeof nodeClient === 'function' &&
    typeof duplicate === 'function' &&
    Array.isArray(properties(_options).rootNodes)
  );
}

function properties(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
