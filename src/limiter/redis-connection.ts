import { OpenclawError } from '../core/errors.ts';
import type { CommandTimeout } from './command-timeout.ts';
import { checkKnown, type Known } from './known-options.ts';
import type { RedisSource } from './redis-port.ts';

/** Where Redis is and how long to wait for it. */
export interface RedisConnection extends CommandTimeout {
  /** `redis[s]://[user:password@]host:port`: one standalone server, or with `cluster` the first nodes to ask. */
  readonly urls: readonly string[];
  readonly cluster?: boolean;
  /** Override those of the address. */
  readonly username?: string;
  readonly password?: string;
  /** Connect from this address of this machine. */
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

/** What is asked for in JavaScript may be anything; most often it is a client itself. Throws INVALID_OPTION. */
export function checkRedis(redis: unknown, option = 'redis'): void {
  const isObject = typeof redis === 'object' && redis !== null;
  if (isObject && 'urls' in redis && Array.isArray(redis.urls))
    checkKnown(redis as RedisConnection, { of: option, known: KNOWN });
  else if (!isObject || 'urls' in redis || !isSource(redis))
    throw new OpenclawError('INVALID_OPTION', `a limiter needs to be told in ${option} where Redis is`, {
      hint: "give redis: { urls: ['redis://...'] }, fromIoredis(client) or fromNodeRedis(client)",
    });
}

function isSource(redis: object): boolean {
  return 'open' in redis && typeof redis.open === 'function';
}

/** Throws INVALID_OPTION for a client of the caller's own, where a strategy needs more of Redis than one offers. */
export function onlyAddresses(redis: RedisConnection | RedisSource, strategy: string): RedisConnection {
  if (!('open' in redis)) return redis;
  throw new OpenclawError('INVALID_OPTION', `strategy ${strategy} takes no client, but addresses`, {
    hint: "give redis: { urls: ['redis://...'] }",
  });
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
  // A numbered database that cannot be selected would silently be database 0: there is none to choose.
  const isBare = url !== undefined && `${url.pathname}${url.search}${url.hash}`.replace(/^\/$/, '') === '';
  if (!isRedis || !isBare || username === undefined || password === undefined) {
    // The text may hold a password: it is not shown.
    throw new OpenclawError(
      'INVALID_OPTION',
      'a Redis address is written redis[s]://[user:password@]host:port',
      { hint: 'for example redis://127.0.0.1:6379' },
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
