import { OpenclawError, quoted } from '../../core/errors.ts';
import { connectIoredis } from '../ioredis-open.ts';
import { checkPrefix, DEFAULT_PREFIX } from '../key.ts';
import { checkKnown, type Known } from '../known-options.ts';
import { type PolicyOptions, readPolicies, refuseSeveral } from '../policies.ts';
import { checkRedis, onlyAddresses, parseRedisUrl, type RedisConnection } from '../redis-connection.ts';
import type { RedisSource, TextPort } from '../redis-port.ts';
import { type ActiveActiveLimiter, createActiveActive } from './active-active.ts';
import type { MergeRule } from './replicator.ts';
import { DEFAULT_MAX_AGE_MS } from './window.ts';

/** What a region needs to decide beside others. */
export interface RegionOptions {
  /** This region's name; the same wherever it is named. */
  readonly name: string;
  /** Each other region's own Redis, by the region's name, as it is reached from this one. */
  readonly others: Readonly<Record<string, RedisConnection>>;
  /**
   * How late what another region spent may come and still be counted as if it had come at once. What is older is
   * forgotten, so keep it above the longest partition. Milliseconds, default 60000.
   */
  readonly maxAgeMs?: number;
  /** From one exchange with another region to the next. Milliseconds, default 50. */
  readonly everyMs?: number;
  /**
   * The most spends that wait for the other regions, some 100 bytes each. Of more the oldest are forgotten: a region that
   * was cut off while so many were made never counts them, `progressOf` tells how many, and its decisions have no age
   * for `maxAgeMs`. Default 200000.
   */
  readonly outbox?: number;
}

/** What `createLimiter` takes, as far as these strategies use it. */
type OpenOptions = PolicyOptions & {
  readonly redis: RedisConnection | RedisSource;
  readonly prefix?: string;
  readonly region?: RegionOptions;
  readonly batch?: boolean;
  readonly localAnswers?: unknown;
};

const KNOWN: Known<RegionOptions> = {
  name: true,
  others: true,
  maxAgeMs: true,
  everyMs: true,
  outbox: true,
};

/** One region of `active-active`, or with `last-write` of the guide's variant. Throws INVALID_OPTION. */
export function openActiveActive(
  strategy: string,
  merge: MergeRule,
  options: OpenOptions,
): ActiveActiveLimiter {
  const { region } = options;
  if (region === undefined) throw misplaced(`strategy ${strategy} needs to know its region and the others`);
  refuseSeveral(strategy, options);
  checkKnown(region, { of: 'region', known: KNOWN });
  const { name, others, maxAgeMs = DEFAULT_MAX_AGE_MS, everyMs = 50, outbox = 200_000 } = region;
  const redis = onlyAddresses(options.redis, strategy);
  checkName(name);
  checkOthers(others, { strategy, name, redis });
  const limits = {
    maxAgeMs: whole('maxAgeMs', maxAgeMs, { least: 1_000, most: 3_600_000 }),
    everyMs: whole('everyMs', everyMs, { least: 1, most: 60_000 }),
    outbox: whole('outbox', outbox, { least: 1_000, most: 100_000_000 }),
  };
  const { first, policiesOf } = readPolicies(options);
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  const [own, ...ports] = connectAll([redis, ...Object.values(others)]);
  return createActiveActive({
    ...{ strategy, merge, region: name, policy: first, policiesOf, prefix },
    redis: own as TextPort,
    others: new Map(Object.keys(others).map((other, at) => [other, ports[at] as TextPort])),
    ...limits,
  });
}

/** All of them, or none: one that is refused leaves no other open. */
function connectAll(connections: readonly RedisConnection[]): TextPort[] {
  const opened: TextPort[] = [];
  try {
    for (const connection of connections) opened.push(connectIoredis(connection));
    return opened;
  } catch (error) {
    for (const port of opened) void port.close();
    throw error;
  }
}

/** A region that hears of the same spends by two names counts them twice. */
function checkOthers(
  others: RegionOptions['others'],
  {
    strategy,
    name,
    redis,
  }: { readonly strategy: string; readonly name: string; readonly redis: RedisConnection },
): void {
  if (typeof others !== 'object' || others === null || Array.isArray(others))
    throw misplaced(`the others of a region are by name; found ${quoted(others)}`);
  const regionOf = new Map(addressesOf(redis).map((address) => [address, name]));
  for (const [other, connection] of Object.entries(others)) {
    checkName(other);
    if (other === name) throw misplaced(`region ${name} cannot be one of the others`);
    checkRedis(connection, `region.others.${other}`);
    for (const address of addressesOf(onlyAddresses(connection, strategy))) {
      const region = regionOf.get(address);
      if (region !== undefined)
        throw misplaced(`${address} is the Redis of region ${region}, and cannot be that of ${other}`);
      regionOf.set(address, other);
    }
  }
}

function misplaced(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', what, {
    hint: "give region: { name: 'us-east', others: { 'eu-west': { urls: ['redis://...'] } } }",
  });
}

function addressesOf({ urls }: RedisConnection): string[] {
  return urls.map(parseRedisUrl).map(({ host, port }) => `${host}:${port}`);
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9-]{1,64}$/.test(name)) return;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a region's name is 1 to 64 letters, digits and - ; found ${quoted(name)}`,
    { hint: 'for example eu-west' },
  );
}

function whole(what: string, value: number, { least, most }: { least: number; most: number }): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new OpenclawError(
    'INVALID_OPTION',
    `${what} is a whole number from ${least} to ${most}; found ${quoted(value)}`,
    { hint: 'leave it out for its default' },
  );
}
