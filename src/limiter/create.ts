import { invalidOption } from '../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../core/known-options.ts';
import { quoted } from '../core/printable.ts';
import {
  DEFAULT_STRATEGY,
  isStrategy,
  STRATEGY_NAMES,
  type StrategyName,
  traitsOf,
} from '../core/strategies.ts';
import type { Limiter } from './limiter.ts';
import { type PolicyOptions, policyNames, readBuckets, refuseSeveral } from './options/policies.ts';
import { checkRedis, onlyAddresses, type RedisConnection } from './redis/connection.ts';
import { connectAcked, connectIoredis } from './redis/ioredis/open.ts';
import type { RedisPort, RedisSource } from './redis/port.ts';
import { openActiveActive, type RegionOptions } from './strategies/active-active/open.ts';
import { createArticle } from './strategies/article.ts';
import { type CentralOptions, createCentral } from './strategies/central/central.ts';
import { type LendingOptions, openLease } from './strategies/lease/open.ts';
import { createReplicaReads } from './strategies/replica-reads.ts';
import { decideOnFailure, type FailurePolicies } from './wrappers/failure-policy.ts';
import { answerLocally, type LocalAnswerOptions } from './wrappers/local-answers.ts';
import { shadow } from './wrappers/shadow.ts';

const OPENERS: Readonly<Record<StrategyName, (options: LimiterOptions) => Limiter>> = {
  central: openCentral,
  acked: openAcked,
  article: openArticle,
  'active-active': (options) => openActiveActive('active-active', 'spends', options),
  'active-active-lww': (options) => openActiveActive('active-active-lww', 'last-write', options),
  'replica-reads': openReplicaReads,
  lease: (options) => openBorrowing('lease', options),
  'lease-unacked': (options) => openBorrowing('lease-unacked', { ...options, replicas: 0 }),
};

const DEFAULT_MEMORY_MS = 60_000;
const MOST_MEMORY_MS = 86_400_000;

export type LimiterOptions = PolicyOptions & {
  /** How regions share one bucket. Default `central`. */
  readonly strategy?: StrategyName;
  /** Addresses, which the limiter connects to with ioredis, or `fromIoredis(client)` or `fromNodeRedis(client)`. */
  readonly redis: RedisConnection | RedisSource;
  /** Required by `active-active`: this region's name, and the Redis of the others. `redis` is this region's own. */
  readonly region?: RegionOptions;
  /**
   * With strategy `central`, the same as strategy `acked`: an admission counts once every promotable replica has it, so
   * no failover loses it. `take` rejects with NOT_ACKED (charge possible) if the replicas do not confirm in time, and
   * with REPLICAS_MISSING (charge none) while the primary has too few replicas.
   */
  readonly durability?: 'acked';
  /** Required with `durability: 'acked'`, `acked` and `lease`: the number of promotable replicas of each primary. */
  readonly replicas?: number;
  /** With `lease`: how long tokens are lent. */
  readonly lease?: LendingOptions;
  /** The prefix of every key: 1 to 128 letters, digits and `_ . : / -`. Default `rate:openclaw`. */
  readonly prefix?: string;
  /** With `article`: the clock, in milliseconds since 1970. Default `Date.now`. */
  readonly nowMs?: () => number;
  /** How long a decision id is stored, about 150 bytes each. Milliseconds, 1 to 86400000. Default 60000. */
  readonly decisionMemoryMs?: number;
  /**
   * Whether the takes of one turn of the event loop share one call to Redis. A lost reply then leaves the charge of all
   * of them possible. Default false.
   */
  readonly batch?: boolean;
  /** Denies without a call to Redis while the last denial proves it. Default off. See `localAnswerBound`. */
  readonly localAnswers?: LocalAnswerOptions;
  /** The result of `take` while Redis cannot decide. Default `closed`: `take` rejects. */
  readonly onFailure?: FailurePolicies;
  /** Allows every take, and reports the real result in `shadow` of the decision. Default false. */
  readonly shadow?: boolean;
};

const KNOWN: Known<LimiterOptions> = {
  policy: true,
  policies: true,
  overrides: true,
  strategy: true,
  redis: true,
  region: true,
  durability: true,
  replicas: true,
  lease: true,
  prefix: true,
  nowMs: true,
  decisionMemoryMs: true,
  batch: true,
  localAnswers: true,
  onFailure: true,
  shadow: true,
};

/** Makes a limiter and starts to connect to Redis. Throws INVALID_POLICY or INVALID_OPTION. */
export function createLimiter(options: LimiterOptions): Limiter {
  checkRedis(options?.redis);
  checkKnown(options, { of: 'createLimiter', known: KNOWN });
  checkTypes(options, {
    of: 'createLimiter',
    types: { batch: 'boolean', shadow: 'boolean', nowMs: 'function' },
  });
  const strategy = parseStrategy(options.strategy ?? DEFAULT_STRATEGY);
  checkDurability(strategy, options);
  checkReplicas(strategy, options);
  const opened = OPENERS[strategy](options);
  try {
    return around(opened, options);
  } catch (error) {
    void opened.close(); // leaves no connection behind
    throw error;
  }
}

/** Wraps a limiter with local answers, failure policies and shadow mode. */
function around(opened: Limiter, options: LimiterOptions): Limiter {
  const { localAnswers, onFailure } = options;
  const answering = localAnswers === undefined ? opened : answerLocally(opened, localAnswers);
  const limiter =
    onFailure === undefined
      ? answering
      : decideOnFailure(answering, { onFailure, names: policyNames(options) });
  return options.shadow ? shadow(limiter) : limiter;
}

function checkDurability(strategy: StrategyName, { durability }: LimiterOptions): void {
  const isKnown = durability === undefined || (durability === 'acked' && /^(central|acked)$/.test(strategy));
  if (isKnown) return;
  throw invalidOption(
    `durability must be 'acked', with strategy central; found ${quoted(durability)} with ${strategy}`,
    'remove durability',
  );
}

/** Rejects `replicas` where the strategy ignores it, since it would look like durability. */
function checkReplicas(strategy: StrategyName, { durability, replicas }: LimiterOptions): void {
  const { waitsForReplicas, lends } = traitsOf(strategy);
  const isUsed = waitsForReplicas || durability === 'acked';
  const isTrue = lends && replicas === 0;
  if (replicas === undefined || isUsed || isTrue) return;
  throw invalidOption(
    `strategy ${strategy} does not wait for replicas; found ${quoted(replicas)}`,
    lends ? 'use strategy lease' : "remove replicas, or set durability: 'acked'",
  );
}

/** Checks the name of a strategy. Throws INVALID_OPTION. */
export function parseStrategy(name: string): StrategyName {
  if (isStrategy(name)) return name;
  throw invalidOption(
    `a strategy is one of ${STRATEGY_NAMES.join(', ')}; found ${quoted(name)}`,
    'the default is central',
  );
}

function openCentral(options: LimiterOptions): Limiter {
  if (options.durability === 'acked') return openAcked(options);
  return createCentral({ ...readCentral(options), redis: openRedis(options.redis) });
}

function openAcked(options: LimiterOptions): Limiter {
  const { redis: where, replicas } = options;
  if (replicas === undefined)
    throw invalidOption(
      'option replicas is required to wait for replicas',
      'set replicas to the number of promotable replicas of each primary',
    );
  const rest = readCentral(options);
  const redis = 'open' in where ? where.openAcked({ replicas }) : connectAcked(where, { replicas });
  return createCentral({ ...rest, redis, acked: redis.runAcked });
}

function readCentral(options: LimiterOptions): Omit<CentralOptions, 'redis'> {
  return {
    ...readBuckets(options),
    decisionMemoryMs: checkMemory(options.decisionMemoryMs ?? DEFAULT_MEMORY_MS),
    ...(options.batch && { batch: { bySlot: isCluster(options.redis) } }),
  };
}

/** Removes `tryTake`, which would bypass `onFailure` and `shadow`. */
function openBorrowing(strategy: StrategyName, options: LimiterOptions): Limiter {
  const { tryTake: _, ...limiter } = openLease(strategy, options);
  return limiter;
}

function openArticle(options: LimiterOptions): Limiter {
  refuseSeveral('article', options);
  return createArticle({
    ...readBuckets(options),
    redis: openRedis(options.redis),
    ...(options.nowMs && { nowMs: options.nowMs }),
  });
}

function openRedis(redis: RedisConnection | RedisSource): RedisPort {
  return 'open' in redis ? redis.open() : connectIoredis(redis);
}

function isCluster(redis: RedisConnection | RedisSource): boolean {
  return 'open' in redis ? redis.isCluster : (redis.cluster ?? false);
}

function openReplicaReads(options: LimiterOptions): Limiter {
  refuseSeveral('replica-reads', options);
  const buckets = readBuckets(options);
  const redis = onlyAddresses(options.redis, 'replica-reads');
  return createReplicaReads({
    ...buckets,
    primaries: connectIoredis(redis),
    replicas: connectIoredis(redis, { readsReplicas: true }),
  });
}

function checkMemory(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_MEMORY_MS) return ms;
  throw invalidOption(
    `decisionMemoryMs must be 1 to ${MOST_MEMORY_MS} whole milliseconds; found ${quoted(ms)}`,
    `the default is ${DEFAULT_MEMORY_MS}`,
  );
}
