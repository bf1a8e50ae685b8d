import { Cluster, Redis } from 'ioredis';
import { OpenclawError } from '../core/errors.ts';
import { checkAcks } from './acks.ts';
import { backoff, type CommandTimeout, readTimeout } from './command-timeout.ts';
import { ioredisPort } from './ioredis-port.ts';
import { parseRedisUrl, type RedisConnection } from './redis-connection.ts';
import type { AckedPort, AckOptions, RedisSource, TextPort } from './redis-port.ts';
import { connectorFrom } from './region-connector.ts';

/**
 * Connects by ioredis to the server, or the cluster, at these addresses; with `readsReplicas` to its replicas, for
 * scripts that only read. Throws INVALID_OPTION.
 */
export function connectIoredis(connection: RedisConnection, { readsReplicas = false } = {}): TextPort {
  const timeoutMs = readTimeout(connection);
  return ioredisPort(openClient(connection, { timeoutMs, readsReplicas }), timeoutMs, { readsReplicas });
}

/** The same, for writes that count only when the replicas have them. Throws INVALID_OPTION. */
export function connectAcked(connection: RedisConnection, acks: AckOptions): AckedPort {
  const timeoutMs = readTimeout(connection);
  const checked = checkAcks(acks);
  return ioredisPort(openClient(connection, { timeoutMs }), timeoutMs, { acks: checked });
}

function openClient(
  connection: RedisConnection,
  { timeoutMs, readsReplicas = false }: { readonly timeoutMs: number; readonly readsReplicas?: boolean },
): Redis | Cluster {
  return connection.cluster
    ? openCluster(connection, { timeoutMs, readsReplicas })
    : openStandalone(connection, timeoutMs);
}

/** A client of ioredis, as far as it is looked at: its settings. */
export interface IoredisClient {
  readonly isCluster: boolean;
  readonly options: object;
  duplicate(...args: never[]): unknown;
}

/**
 * Uses a `Redis` or `Cluster` of ioredis: its address, credentials, TLS and database, over connections of the
 * limiter's own on which nothing is sent twice, whatever the client's retries are. The client itself is neither used
 * nor closed. Throws INVALID_OPTION, also for a client of Sentinel.
 */
export function fromIoredis(client: IoredisClient, timeout: CommandTimeout = {}): RedisSource {
  const timeoutMs = readTimeout(timeout);
  const { options, isCluster, startupNodes, duplicate, status } = (client ?? {}) as IoredisClient & Adopted;
  if (typeof options !== 'object' || typeof duplicate !== 'function' || typeof status !== 'string')
    throw unusable('no client of ioredis');
  if (isCluster && !Array.isArray(startupNodes)) throw unusable('a cluster without first nodes');
  if ('sentinels' in options && options.sentinels) throw unusable('a client of Redis Sentinel');
  const open = (acks?: Required<AckOptions>) => {
    const rules = acks && { acks };
    if (!isCluster) return ioredisPort(new Redis({ ...options, ...onceOnly(timeoutMs) }), timeoutMs, rules);
    const { redisOptions } = options as { redisOptions?: object };
    const cluster = new Cluster([...startupNodes], {
      ...options,
      ...onceOnlyInClusters(),
      redisOptions: { ...redisOptions, ...onceOnly(timeoutMs) },
    });
    return ioredisPort(cluster, timeoutMs, rules);
  };
  return {
    isCluster: isCluster === true,
    open: () => open(),
    openAcked: (acks) => open(checkAcks(acks)),
  };
}

interface Adopted {
  readonly status: string;
  readonly startupNodes: ConstructorParameters<typeof Cluster>[0];
}

function unusable(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `fromIoredis was given ${what}`, {
    hint: 'give it new Redis(...) or new Cluster(...) of ioredis, connected or not',
  });
}

/** Each of these, left at its default or as somebody else has set it, sends a command again or delays its failure. */
function onceOnly(timeoutMs: number) {
  return {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: null,
    retryStrategy: backoff,
    socketTimeout: timeoutMs, // a connection gone silent is given up, its handshake too
    // What an adopted client may have set, and the port needs otherwise:
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: false,
    monitor: false,
    readOnly: false,
    stringNumbers: false,
  };
}

function onceOnlyInClusters() {
  return {
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    slotsRefreshTimeout: 2_000,
    clusterRetryStrategy: backoff,
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: false,
    scaleReads: 'master',
  } as const;
}

function openStandalone(
  { urls, username, password, localAddress }: RedisConnection,
  timeoutMs: number,
): Redis {
  const url = parseRedisUrl(urls[0]);
  if (urls.length > 1) {
    throw new OpenclawError(
      'INVALID_OPTION',
      'several Redis addresses need cluster: true; standalone takes one',
      { hint: 'give one address, or say that it is a cluster' },
    );
  }
  return new Redis({
    ...url,
    ...(username && { username }),
    ...(password && { password }),
    ...(localAddress && { Connector: connectorFrom(localAddress) }),
    ...onceOnly(timeoutMs),
  });
}

function openCluster(
  { urls, ...credentials }: RedisConnection,
  { timeoutMs, readsReplicas }: { readonly timeoutMs: number; readonly readsReplicas: boolean },
): Cluster {
  const nodes = urls.map(parseRedisUrl);
  const url = parseRedisUrl(urls[0]);
  const username = credentials.username ?? url.username;
  const password = credentials.password ?? url.password;
  return new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      ...onceOnlyInClusters(),
      ...(readsReplicas && { scaleReads: 'slave' as const }),
      redisOptions: {
        ...(username && { username }),
        ...(password && { password }),
        ...(url.tls && { tls: url.tls }),
        ...(credentials.localAddress && { Connector: connectorFrom(credentials.localAddress) }),
        ...onceOnly(timeoutMs),
      },
    },
  );
}
