import { invalidOption } from '../../core/errors.ts';
import { checkKnown, type Known } from '../options/known-options.ts';
import type { CommandTimeout } from './command-timeout.ts';
import type { RedisSource } from './port.ts';

/** The addresses of Redis, and how long to wait for a reply. */
export interface RedisConnection extends CommandTimeout {
  /** `redis[s]://[user:password@]host:port`: one standalone server, or with `cluster` its startup nodes. */
  readonly urls: readonly string[];
  /** Whether the servers are a Redis Cluster. Default false. */
  readonly cluster?: boolean;
  /** Override the user name and password of the address. */
  readonly username?: string;
  readonly password?: string;
  /** The local address to connect from. Default: the operating system chooses. */
  readonly localAddress?: string;
}

const KNOWN: Known<RedisConnection> = {
  urls: true,
  cluster: true,
  username: true,
  password: true,
  localAddress: true,
  commandTimeoutMs: true,
};

/** Checks the option at run time; JavaScript callers often pass a client itself. Throws INVALID_OPTION. */
export function checkRedis(redis: unknown, option = 'redis'): void {
  const isObject = typeof redis === 'object' && redis !== null;
  if (isObject && 'urls' in redis && Array.isArray(redis.urls))
    checkKnown(redis as RedisConnection, { of: option, known: KNOWN });
  else if (!isObject || 'urls' in redis || !isSource(redis))
    throw invalidOption(
      `option ${option} must be Redis addresses or a Redis client`,
      "use redis: { urls: ['redis://...'] }, fromIoredis(client) or fromNodeRedis(client)",
    );
}

function isSource(redis: object): boolean {
  return 'open' in redis && typeof redis.open === 'function';
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
