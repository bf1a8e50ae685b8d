import { invalidOption } from '../../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../../core/known-options.ts';
import type { CommandTimeout } from './command-timeout.ts';
import type { RedisSource } from './port.ts';

/** The addresses of Redis, and how long to wait for a reply. */
export interface RedisConnection extends CommandTimeout {
  /** `redis[s]://[user:password@]host:port`: one standalone server, or with `cluster` its startup nodes. */
  readonly urls: readonly string[];
  /** Whether the servers are a Redis Cluster. Default false. */
  readonly cluster?: boolean;
  /** The addresses are those of Sentinels, which know the current primary of this name. */
  readonly sentinel?: SentinelOptions;
  /** How certificates are checked; only with `rediss://`. Default: by the authorities of Node.js. */
  readonly tls?: TlsOptions;
  /** Override the user name and password of the address. */
  readonly username?: string;
  readonly password?: string;
  /** The local address to connect from. Default: the operating system chooses. */
  readonly localAddress?: string;
}

export interface SentinelOptions {
  /** The name of the primary, as the Sentinels call it. */
  readonly primary: string;
  /** The user and password of the Sentinels; those of the connection are for the servers. */
  readonly username?: string;
  readonly password?: string;
}

/** As in `tls.connect` of Node.js. */
export interface TlsOptions {
  /** Certificates of trusted authorities, in PEM. */
  readonly ca?: string;
  /** The name that the certificate must have, if it is not the host of the address. */
  readonly servername?: string;
  /** Default true; false accepts any certificate. */
  readonly rejectUnauthorized?: boolean;
}

const KNOWN: Known<RedisConnection> = {
  urls: true,
  cluster: true,
  sentinel: true,
  tls: true,
  username: true,
  password: true,
  localAddress: true,
  commandTimeoutMs: true,
};

const KNOWN_OF_SENTINEL: Known<SentinelOptions> = { primary: true, username: true, password: true };
const KNOWN_OF_TLS: Known<TlsOptions> = { ca: true, servername: true, rejectUnauthorized: true };

/** Checks the option at run time; JavaScript callers often pass a client itself. Throws INVALID_OPTION. */
export function checkRedis(redis: unknown, option = 'redis'): void {
  const isObject = typeof redis === 'object' && redis !== null;
  if (isObject && 'urls' in redis && Array.isArray(redis.urls))
    checkConnection(redis as RedisConnection, option);
  else if (!isObject || 'urls' in redis || !isSource(redis)) {
    if (isObject && Object.getPrototypeOf(redis) === Object.prototype)
      checkKnown(redis, { of: option, known: KNOWN, hint: HOW });
    throw invalidOption(`option ${option} must be Redis addresses or a Redis client`, HOW);
  }
}

const HOW = "use redis: { urls: ['redis://...'] }, fromIoredis(client) or fromNodeRedis(client)";

function checkConnection(redis: RedisConnection, option: string): void {
  checkKnown(redis, { of: option, known: KNOWN });
  checkTypes(redis, {
    of: option,
    types: { cluster: 'boolean', username: 'string', password: 'string', localAddress: 'string' },
  });
  const { cluster, sentinel, tls, urls } = redis;
  if (sentinel !== undefined) {
    checkKnown(sentinel, { of: `${option}.sentinel`, known: KNOWN_OF_SENTINEL });
    if (typeof sentinel.primary !== 'string' || sentinel.primary === '')
      throw invalidOption(`${option}.sentinel needs the name of the primary`, "set primary: 'mymaster'");
    if (cluster) throw invalidOption(`${option}.sentinel cannot be combined with cluster`);
  }
  if (tls === undefined) return;
  checkKnown(tls, { of: `${option}.tls`, known: KNOWN_OF_TLS });
  checkTypes(tls, {
    of: `${option}.tls`,
    types: { servername: 'string', rejectUnauthorized: 'boolean' },
  });
  if (!urls.every((url) => url.startsWith('rediss:')))
    throw invalidOption(`${option}.tls needs addresses that start with rediss://`);
}

function isSource(redis: object): boolean {
  return 'open' in redis && typeof redis.open === 'function';
}

/** Whether the servers are a Redis Cluster, as the addresses or the client say. */
export function isCluster(redis: RedisConnection | RedisSource): boolean {
  return 'open' in redis ? redis.isCluster : (redis.cluster ?? false);
}

/** Returns addresses. Throws INVALID_OPTION for a client, which cannot do all that the strategy needs. */
export function onlyAddresses(redis: RedisConnection | RedisSource, strategy: string): RedisConnection {
  if (!('open' in redis)) return redis;
  throw invalidOption(
    `strategy ${strategy} requires Redis addresses, not a client`,
    "use redis: { urls: ['redis://...'] }",
  );
}

interface ParsedUrl {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
}

/** Throws INVALID_OPTION. */
export function parseRedisUrl(text: string | undefined): ParsedUrl {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  const [username, password] = [url?.username, url?.password].map((part = '') => decode(part));
  const isRedis = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '';
  // A database number is rejected: a cluster would silently use database 0.
  const isBare = url !== undefined && `${url.pathname}${url.search}${url.hash}`.replace(/^\/$/, '') === '';
  if (!isRedis || !isBare || username === undefined || password === undefined) {
    // The message omits the address, which may contain a password.
    throw invalidOption(
      'a Redis address is written redis[s]://[user:password@]host:port',
      'for example redis://127.0.0.1:6379',
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** Undoes percent-encoding; undefined where it is broken. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
