import { parseRedisUrl, type RedisConnection, type SentinelOptions, type TlsOptions } from '../connection.ts';
import { connectorFrom, sentinelConnectorFrom } from '../region-connector.ts';

/**
 * The options of ioredis that place a client in the region of the service: `new Cluster(nodes, { redisOptions })`, or for
 * one server `new Redis({ ...nodes[0], ...redisOptions })`. It sets no retry options.
 */
export interface IoredisPlace {
  /** The startup nodes of a cluster, or the one server. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly redisOptions: {
    readonly username?: string;
    readonly password?: string;
    readonly tls?: object;
    /** The Sentinels that know the server, and its name; absent without Sentinel. */
    readonly sentinels?: readonly { readonly host: string; readonly port: number }[];
    readonly name?: string;
    /** Connects from the local address of the region; absent if it has none. */
    readonly Connector?: ReturnType<typeof connectorFrom>;
    /** The timeout of a command in milliseconds. Absent: the client's own. */
    readonly commandTimeout?: number;
  };
}

/** Throws INVALID_OPTION for an invalid address. */
export function placeIoredis(redis: RedisConnection): IoredisPlace {
  const { host: _host, port: _port, ...ofAddress } = parseRedisUrl(redis.urls[0]);
  const { username, password, localAddress, commandTimeoutMs, sentinel, tls } = redis;
  return {
    nodes: redis.urls.map(parseRedisUrl).map(({ host, port }) => ({ host, port })),
    redisOptions: {
      ...ofAddress,
      ...(ofAddress.tls && { tls: { ...tls } }),
      ...(sentinel && bySentinel(redis.urls, sentinel, tls)),
      ...(username && { username }),
      ...(password && { password }),
      ...(localAddress && {
        Connector: sentinel ? sentinelConnectorFrom(localAddress) : connectorFrom(localAddress),
      }),
      ...(commandTimeoutMs && { commandTimeout: commandTimeoutMs }),
    },
  };
}

/** The options of ioredis that find a server by its Sentinels. Throws INVALID_OPTION for an invalid address. */
export function bySentinel(
  urls: readonly string[],
  { primary: name, username, password }: SentinelOptions,
  tls: TlsOptions | undefined,
) {
  const sentinels = urls.map(parseRedisUrl);
  const isTls = sentinels.some((url) => url.tls !== undefined);
  return {
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    name,
    ...(username && { sentinelUsername: username }),
    ...(password && { sentinelPassword: password }),
    ...(isTls && { tls: { ...tls }, sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
  };
}
