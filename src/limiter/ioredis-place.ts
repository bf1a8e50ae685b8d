import { parseRedisUrl, type RedisConnection } from './redis-connection.ts';
import { connectorFrom } from './region-connector.ts';

/**
 * What a client of ioredis needs to be where the service is: `new Cluster(nodes, { redisOptions })`, or of one server
 * `new Redis({ ...nodes[0], ...redisOptions })`. It says nothing of retries: those are the client's own.
 */
export interface IoredisPlace {
  /** The first nodes of a cluster to ask, or the one server. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly redisOptions: {
    readonly username?: string;
    readonly password?: string;
    readonly tls?: object;
    /** Connects from the local address of the region; absent where there is none. */
    readonly Connector?: ReturnType<typeof connectorFrom>;
    /** Milliseconds: after them a command is given up. Absent where the service waits as the client likes. */
    readonly commandTimeout?: number;
  };
}

/** Throws INVALID_OPTION for an address that is none. */
export function placeIoredis(redis: RedisConnection): IoredisPlace {
  const { host: _host, port: _port, ...ofAddress } = parseRedisUrl(redis.urls[0]);
  const { username, password, localAddress, commandTimeoutMs } = redis;
  return {
    nodes: redis.urls.map(parseRedisUrl).map(({ host, port }) => ({ host, port })),
    redisOptions: {
      ...ofAddress,
      ...(username && { username }),
      ...(password && { password }),
      ...(localAddress && { Connector: connectorFrom(localAddress) }),
      ...(commandTimeoutMs && { commandTimeout: commandTimeoutMs }),
    },
  };
}
