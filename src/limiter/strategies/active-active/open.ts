import { invalidOption, type OpenclawError } from '../../../core/errors.ts';
import { checkKnown, type Known } from '../../../core/known-options.ts';
import { quoted } from '../../../core/printable.ts';
import { checkPrefix } from '../../options/key.ts';
import { type PolicyOptions, readPolicies, refuseSeveral } from '../../options/policies.ts';
import type { Outside } from '../../outside.ts';
import type { Connect } from '../../redis/connect.ts';
import { checkRedis, onlyAddresses, parseRedisUrl, type RedisConnection } from '../../redis/connection.ts';
import type { RedisSource, TextPort } from '../../redis/port.ts';
import { type ActiveActiveLimiter, createActiveActive } from './active-active.ts';
import type { MergeRule } from './replicator.ts';
import { DEFAULT_MAX_AGE_MS } from './window.ts';

/** The regions of an active-active limiter. */
export interface RegionOptions {
  /** This region's name: 1 to 64 letters, digits and `-`. Every region must use the same names. */
  readonly name: string;
  /** By the name of every region but this one: its Redis, at the address that this region uses. */
  readonly others: Readonly<Record<string, RedisConnection>>;
  /**
   * How late a spend of another region may arrive and still count. Later spends are lost, so set it above the longest
   * partition. Milliseconds, 1000 to 3600000. Default 60000.
   */
  readonly maxAgeMs?: number;
  /** The pause between two exchanges with another region. Milliseconds, 1 to 60000. Default 50. */
  readonly everyMs?: number;
  /**
   * The most spends that wait for the other regions, about 100 bytes each; beyond it the oldest are dropped. A region that
   * missed spends never counts them, and its decisions have no age for `maxAgeMs`. 1000 to 100000000. Default 200000.
   */
  readonly outbox?: number;
}

/** The options of `createLimiter` that these strategies use. */
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

/** One region of `active-active`, or with `last-write` of the guide's variant. Throws INVALID_OPTION, INVALID_POLICY. */
export function openActiveActive(
  strategy: string,
  merge: MergeRule,
  options: OpenOptions,
  { surroundings: { time }, connect }: Outside,
): ActiveActiveLimiter {
  const { region } = options;
  if (region === undefined) throw misplaced(`strategy ${strategy} requires option region`);
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
  const { policy, policiesOf } = readPolicies(options);
  const [own, ...ports] = connectAll([redis, ...Object.values(others)], connect);
  return createActiveActive({
    ...{ strategy, merge, region: name, policy, policiesOf, prefix: checkPrefix(options.prefix) },
    redis: own as TextPort,
    others: new Map(Object.keys(others).map((other, at) => [other, ports[at] as TextPort])),
    ...limits,
    time,
  });
}

/** Opens all connections, or none: an invalid one closes the others. */
function connectAll(connections: readonly RedisConnection[], connect: Connect): TextPort[] {
  const opened: TextPort[] = [];
  try {
    for (const connection of connections) opened.push(connect.plain(connection));
    return opened;
  } catch (error) {
    for (const port of opened) void port.close();
    throw error;
  }
}

/** Throws INVALID_OPTION for two names with one Redis, whose spends would count twice. */
function checkOthers(
  others: RegionOptions['others'],
  {
    strategy,
    name,
    redis,
  }: { readonly strategy: string; readonly name: string; readonly redis: RedisConnection },
): void {
  if (typeof others !== 'object' || others === null || Array.isArray(others))
    throw misplaced(`region.others must be connections by region name; found ${quoted(others)}`);
  const regionOf = new Map(addressesOf(redis).map((address) => [address, name]));
  for (const [other, connection] of Object.entries(others)) {
    checkName(other);
    if (other === name) throw misplaced(`region.others must not contain the region itself, ${name}`);
    checkRedis(connection, `region.others.${other}`);
    for (const address of addressesOf(onlyAddresses(connection, strategy))) {
      const region = regionOf.get(address);
      if (region !== undefined)
        throw misplaced(`regions ${region} and ${other} have the same Redis address, ${address}`);
      regionOf.set(address, other);
    }
  }
}

function misplaced(what: string): OpenclawError {
  return invalidOption(
    what,
    "use region: { name: 'us-east', others: { 'eu-west': { urls: ['redis://...'] } } }",
  );
}

function addressesOf({ urls }: RedisConnection): string[] {
  return urls.map(parseRedisUrl).map(({ host, port }) => `${host}:${port}`);
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9-]{1,64}$/.test(name)) return;
  throw invalidOption(
    `a region's name is 1 to 64 letters, digits and - ; found ${quoted(name)}`,
    'for example eu-west',
  );
}

function whole(what: string, value: number, { least, most }: { least: number; most: number }): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalidOption(
    `${what} must be a whole number from ${least} to ${most}; found ${quoted(value)}`,
    'remove it to use the default',
  );
}
