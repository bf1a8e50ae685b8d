import { Cluster, Redis } from 'ioredis';
import { invalidOption, type OpenclawError } from '../../../core/errors.ts';
import { checkAcks } from '../acks.ts';
import { backoff, type CommandTimeout, readOnlyTimeout, readTimeout } from '../command-timeout.ts';
import type { Connect } from '../connect.ts';
import { parseRedisUrl, type RedisConnection, type SentinelOptions } from '../connection.ts';
import type { AckedPort, AckOptions, RedisSource, TextPort } from '../port.ts';
import { connectorFrom, sentinelConnectorFrom } from '../region-connector.ts';
import { bySentinel } from './place.ts';
import { ioredisPort } from './port.ts';
import { FollowingConnector } from './sentinel-connector.ts';

/**
 * Connects with ioredis to the server or cluster at these addresses. With `readsReplicas` it connects to the replicas,
 * for scripts that only read. Throws INVALID_OPTION.
 */
export function connectIoredis(connection: RedisConnection, { readsReplicas = false } = {}): TextPort {
  const timeoutMs = readTimeout(connection);
  return ioredisPort(openClient(connection, { timeoutMs, readsReplicas }), timeoutMs, { readsReplicas });
}

/** The same, for writes that wait for the replicas. Throws INVALID_OPTION. */
export function connectAcked(connection: RedisConnection, acks: AckOptions): AckedPort {
  const timeoutMs = readTimeout(connection);
  const checked = checkAcks(acks);
  return ioredisPort(openClient(connection, { timeoutMs }), timeoutMs, { acks: checked });
}

export const connectByIoredis: Connect = { plain: connectIoredis, acked: connectAcked };

function openClient(
  connection: RedisConnection,
  { timeoutMs, readsReplicas = false }: { readonly timeoutMs: number; readonly readsReplicas?: boolean },
): Redis | Cluster {
  if (connection.cluster) return openCluster(connection, { timeoutMs, readsReplicas });
  return connection.sentinel === undefined
    ? openStandalone(connection, timeoutMs)
    : openBySentinel({ ...connection, sentinel: connection.sentinel }, timeoutMs);
}

/** The members of an ioredis client that `fromIoredis` reads. */
export interface IoredisClient {
  readonly isCluster: boolean;
  readonly options: object;
  duplicate(...args: never[]): unknown;
}

/**
 * Takes addresses (also those of Sentinels), credentials, TLS and database from a `Redis` or `Cluster` of ioredis. The
 * limiter opens its own connections, which never send a command twice; it neither uses nor closes the client. Throws
 * INVALID_OPTION.
 */
export function fromIoredis(client: IoredisClient, timeout: CommandTimeout = {}): RedisSource {
  const timeoutMs = readOnlyTimeout(timeout, 'fromIoredis');
  const { options, isCluster, startupNodes, duplicate, status } = (client ?? {}) as IoredisClient & Adopted;
  if (typeof options !== 'object' || typeof duplicate !== 'function' || typeof status !== 'string')
    throw unusable('another value');
  if (isCluster && !Array.isArray(startupNodes)) throw unusable('a cluster without startup nodes');
  const hasSentinels = Boolean((options as { sentinels?: unknown }).sentinels);
  const open = (acks?: Required<AckOptions>) => {
    const portOptions = acks && { acks };
    if (!isCluster) {
      const ours = hasSentinels
        ? { Connector: FollowingConnector, ...options, ...onceOnlyBySentinel(timeoutMs) }
        : { ...options, ...onceOnly(timeoutMs) };
      return ioredisPort(new Redis(ours), timeoutMs, portOptions);
    }
    const { redisOptions } = options as { redisOptions?: object };
    const cluster = new Cluster([...startupNodes], {
      ...options,
      ...onceOnlyInClusters(),
      redisOptions: { ...redisOptions, ...onceOnly(timeoutMs) },
    });
    return ioredisPort(cluster, timeoutMs, portOptions);
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
  return invalidOption(
    `fromIoredis requires a client of ioredis; found ${what}`,
    'pass new Redis(...) or new Cluster(...) of ioredis, connected or not',
  );
}

/** With other values of these options ioredis resends commands or delays their failure. */
function onceOnly(timeoutMs: number) {
  return {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: null,
    retryStrategy: backoff,
    socketTimeout: timeoutMs, // closes a silent connection, also during the handshake
    // The port requires these values; an adopted client may have others:
    enableOfflineQueue: true,
    enableAutoPipelining: false,
    lazyConnect: false,
    monitor: false,
    readOnly: false,
    stringNumbers: false,
  };
}

/** The primary that the Sentinels name, found again after each failover. */
function onceOnlyBySentinel(timeoutMs: number) {
  return {
    ...onceOnly(timeoutMs),
    reconnectOnError: ({ message }: Error) => /^(READONLY|MASTERDOWN) /.test(message), // it was demoted
    role: 'master',
    enableReadyCheck: true, // reads the role: a Sentinel may name a demoted primary
    failoverDetector: true,
    sentinelRetryStrategy: backoff,
    sentinelReconnectStrategy: backoff,
    sentinelCommandTimeout: timeoutMs,
  } as const;
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

function openBySentinel(
  {
    urls,
    username,
    password,
    tls,
    localAddress,
    sentinel,
  }: RedisConnection & { readonly sentinel: SentinelOptions },
  timeoutMs: number,
): Redis {
  return new Redis({
    Connector: localAddress ? sentinelConnectorFrom(localAddress) : FollowingConnector,
    ...bySentinel(urls, sentinel, tls),
    ...(username && { username }),
    ...(password && { password }),
    ...onceOnlyBySentinel(timeoutMs),
  });
}

function openStandalone(
  { urls, username, password, localAddress, tls }: RedisConnection,
  timeoutMs: number,
): Redis {
  const url = parseRedisUrl(urls[0]);
  if (urls.length > 1) {
    throw invalidOption(
      'several Redis addresses need cluster: true; standalone takes one',
      'give one address, or set cluster: true',
    );
  }
  return new Redis({
    ...url,
    ...(url.tls && { tls: { ...tls } }),
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
        ...(url.tls && { tls: { ...credentials.tls } }),
        ...(credentials.localAddress && { Connector: connectorFrom(credentials.localAddress) }),
        ...onceOnly(timeoutMs),
      },
    },
  );
}
