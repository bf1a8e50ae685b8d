import { invalidOption } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';
import { DEFAULT_STRATEGY, type StrategyName, traitsOf } from '../core/strategies.ts';
import { noticeAway } from './homes/away.ts';
import { checkHomesCluster } from './homes/homes.ts';
import type { Limiter } from './limiter.ts';
import { readBuckets } from './options/buckets.ts';
import {
  type AnyOptions,
  checkOptions,
  type LimiterOptions,
  refuseUnused,
} from './options/limiter-options.ts';
import { policyNames, refuseSeveral } from './options/policies.ts';
import { checkReservationMemory } from './options/reserve-options.ts';
import { parseStrategy } from './options/strategy.ts';
import { type Outside, REAL } from './outside.ts';
import { checkRedis, isCluster, onlyAddresses, type RedisConnection } from './redis/connection.ts';
import type { RedisPort, RedisSource } from './redis/port.ts';
import { openActiveActive } from './strategies/active-active/open.ts';
import { createArticle } from './strategies/article.ts';
import { type CentralOptions, createCentral } from './strategies/central/central.ts';
import { openLease } from './strategies/lease/open.ts';
import { createReplicaReads } from './strategies/replica-reads.ts';
import { decideOnFailure } from './wrappers/failure-policy.ts';
import { answerLocally } from './wrappers/local-answers.ts';
import { shadow } from './wrappers/shadow.ts';

export type { LimiterOptions } from './options/limiter-options.ts';

const OPENERS: Readonly<Record<StrategyName, (options: AnyOptions, outside: Outside) => Limiter>> = {
  central: openCentral,
  acked: openAcked,
  article: openArticle,
  'active-active': (options, outside) => openActiveActive('active-active', 'spends', options, outside),
  'active-active-lww': (options, outside) =>
    openActiveActive('active-active-lww', 'last-write', options, outside),
  'replica-reads': openReplicaReads,
  lease: (options, outside) => openBorrowing('lease', options, outside),
  'lease-unacked': (options, outside) => openBorrowing('lease-unacked', { ...options, replicas: 0 }, outside),
};

const DEFAULT_MEMORY_MS = 60_000;
const MOST_MEMORY_MS = 86_400_000;

/** Makes a limiter and starts to connect to Redis. Throws INVALID_POLICY or INVALID_OPTION. */
export function createLimiter(options: LimiterOptions): Limiter {
  return openLimiter(options, REAL);
}

/** The same with other clocks, random numbers and connections than those of this process. */
export function openLimiter(options: AnyOptions, outside: Outside): Limiter {
  checkRedis(options?.redis);
  checkOptions(options);
  const strategy = parseStrategy(options.strategy ?? DEFAULT_STRATEGY);
  checkDurability(strategy, options);
  checkReplicas(strategy, options);
  refuseUnused(strategy, options);
  checkHomesCluster(options);
  const opened = OPENERS[strategy](options, outside);
  try {
    return around(opened, options, outside);
  } catch (error) {
    void opened.close(); // leaves no connection behind
    throw error;
  }
}

/** Wraps a limiter with notices of homes, local answers, failure policies and shadow mode. */
function around(opened: Limiter, options: AnyOptions, { surroundings }: Outside): Limiter {
  const { homes, localAnswers, onFailure } = options;
  const noticing = homes === undefined ? opened : noticeAway(opened, homes);
  const answering =
    localAnswers === undefined ? noticing : answerLocally(noticing, localAnswers, surroundings.time);
  const limiter =
    onFailure === undefined
      ? answering
      : decideOnFailure(answering, { onFailure, names: policyNames(options) }, surroundings);
  return options.shadow ? shadow(limiter, surroundings) : limiter;
}

function checkDurability(strategy: StrategyName, { durability }: AnyOptions): void {
  const isKnown = durability === undefined || (durability === 'acked' && /^(central|acked)$/.test(strategy));
  if (isKnown) return;
  throw invalidOption(
    `durability must be 'acked', with strategy central; found ${quoted(durability)} with ${strategy}`,
    'remove durability',
  );
}

/** Rejects `replicas` where the strategy ignores it, since it would look like durability. */
function checkReplicas(strategy: StrategyName, { durability, replicas }: AnyOptions): void {
  const { waitsForReplicas, lends } = traitsOf(strategy);
  const isUsed = waitsForReplicas || durability === 'acked';
  const isTrue = lends && replicas === 0;
  if (replicas === undefined || isUsed || isTrue) return;
  throw invalidOption(
    `strategy ${strategy} does not wait for replicas; found ${quoted(replicas)}`,
    lends ? 'use strategy lease' : "remove replicas, or set durability: 'acked'",
  );
}

function openCentral(options: AnyOptions, outside: Outside): Limiter {
  if (options.durability === 'acked') return openAcked(options, outside);
  return createCentral({ ...readCentral(options, outside), redis: openRedis(options.redis, outside) });
}

function openAcked(options: AnyOptions, outside: Outside): Limiter {
  const { redis: where, replicas } = options;
  if (replicas === undefined)
    throw invalidOption(
      'option replicas is required to wait for replicas',
      'set replicas to the number of promotable replicas of each primary',
    );
  const rest = readCentral(options, outside);
  const redis = 'open' in where ? where.openAcked({ replicas }) : outside.connect.acked(where, { replicas });
  return createCentral({ ...rest, redis, acked: redis.runAcked });
}

function readCentral(options: AnyOptions, { surroundings }: Outside): Omit<CentralOptions, 'redis'> {
  return {
    surroundings,
    ...readBuckets(options),
    decisionMemoryMs: checkMemory(options.decisionMemoryMs ?? DEFAULT_MEMORY_MS),
    reservationMemoryMs: checkReservationMemory(options.reservationMemoryMs),
    ...(options.batch && { batch: { bySlot: isCluster(options.redis) } }),
  };
}

/** Removes `tryTake`, which would bypass `onFailure` and `shadow`. */
function openBorrowing(strategy: StrategyName, options: AnyOptions, outside: Outside): Limiter {
  const { tryTake: _, ...limiter } = openLease(strategy, options, outside);
  return limiter;
}

function openArticle(options: AnyOptions, outside: Outside): Limiter {
  const { time } = outside.surroundings;
  refuseSeveral('article', options);
  return createArticle({
    ...readBuckets(options),
    redis: openRedis(options.redis, outside),
    nowMs: options.nowMs ?? (() => time.dateMs()),
  });
}

function openRedis(redis: RedisConnection | RedisSource, { connect }: Outside): RedisPort {
  return 'open' in redis ? redis.open() : connect.plain(redis);
}

function openReplicaReads(options: AnyOptions, { connect }: Outside): Limiter {
  refuseSeveral('replica-reads', options);
  const buckets = readBuckets(options);
  const redis = onlyAddresses(options.redis, 'replica-reads');
  return createReplicaReads({
    ...buckets,
    primaries: connect.plain(redis),
    replicas: connect.plain(redis, { readsReplicas: true }),
  });
}

function checkMemory(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_MEMORY_MS) return ms;
  throw invalidOption(
    `decisionMemoryMs must be 1 to ${MOST_MEMORY_MS} whole milliseconds; found ${quoted(ms)}`,
    `the default is ${DEFAULT_MEMORY_MS}`,
  );
}
