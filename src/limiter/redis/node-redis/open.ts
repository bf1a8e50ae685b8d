import { invalidOption } from '../../../core/errors.ts';
import { type CommandTimeout, readOnlyTimeout } from '../command-timeout.ts';
import type { RedisSource } from '../port.ts';
import type { NodeRedisCluster, NodeRedisSentinel, NodeRedisStandalone } from './client.ts';
import { clusterRoute } from './cluster.ts';
import { nodeRedisPort } from './port.ts';
import { sentinelRoute } from './sentinel.ts';
import { standaloneRoute } from './standalone.ts';

/** The members of a client of the package `redis` that `fromNodeRedis` reads. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  duplicate(): unknown;
}

/**
 * Takes address, credentials, TLS and database from a client of node-redis 5 or 6, made by `createClient` or
 * `createCluster`, or from `createSentinel` of node-redis 6. The limiter opens its own connections, which never send a command twice; it
 * neither uses nor closes the client. Throws INVALID_OPTION, also for pools and other versions.
 */
export function fromNodeRedis(client: NodeRedisClient, timeout: CommandTimeout = {}): RedisSource {
  const timeoutMs = readOnlyTimeout(timeout, 'fromNodeRedis');
  const openAcked = () => {
    throw invalidOption(
      'a client of node-redis cannot wait for replicas',
      "use redis: { urls: ['redis://...'] }, or fromIoredis(client)",
    );
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
  if (isSentinel(client))
    return {
      isCluster: false,
      open: () => nodeRedisPort(sentinelRoute(client, timeoutMs), timeoutMs),
      openAcked,
    };
  throw invalidOption(
    'fromNodeRedis requires a client of redis 5 or 6',
    'pass the result of createClient, createCluster or createSentinel, connected or not',
  );
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

/** Throws INVALID_OPTION for one of redis 5. */
function isSentinel(client: unknown): client is NodeRedisSentinel {
  const { getSentinelNode, duplicate, _execute } = properties(client);
  if (typeof getSentinelNode !== 'function') return false;
  if (typeof duplicate === 'function' && typeof _execute === 'function') return true;
  throw invalidOption(
    'a Sentinel client of redis 5 cannot be duplicated',
    "use redis 6, or redis: { urls: ['redis://...'], sentinel: { primary: 'mymaster' } }",
  );
}

function properties(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
