import { OpenclawError, quoted } from '../core/errors.ts';
import { openActiveActive, type RegionOptions } from './active-active/open.ts';
import { createArticle } from './article.ts';
import { type CentralOptions, createCentral } from './central.ts';
import { decideOnFailure, type FailurePolicies } from './failure-policy.ts';
import { connectAcked, connectIoredis } from './ioredis-open.ts';
import { checkPrefix, DEFAULT_PREFIX } from './key.ts';
import { checkKnown, type Known } from './known-options.ts';
import { type LendingOptions, openLease } from './lease/open.ts';
import type { Limiter } from './limiter.ts';
import { answerLocally, type LocalAnswerOptions } from './local-answers.ts';
import { type PolicyOptions, policyNames, readPolicies, refuseSeveral } from './policies.ts';
import { checkRedis, onlyAddresses, type RedisConnection } from './redis-connection.ts';
import type { RedisPort, RedisSource } from './redis-port.ts';
import { createReplicaReads } from './replica-reads.ts';
import { shadow } from './shadow.ts';

const STRATEGIES = {
  central: openCentral,
  acked: openAcked,
  article: openArticle,
  'active-active': (options: LimiterOptions) => openActiveActive('active-active', 'spends', options),
  'active-active-lww': (options: LimiterOptions) =>
    openActiveActive('active-active-lww', 'last-write', options),
  'replica-reads': openReplicaReads,
  lease: (options: LimiterOptions) => openBorrowing('lease', options),
  'lease-unacked': (options: LimiterOptions) => openBorrowing('lease-unacked', { ...options, replicas: 0 }),
} as const;

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as readonly StrategyName[];

/** Whether a limiter of this strategy waits for the replicas of a primary, and has to be told how many there are. */
export function isAcked(strategy: string): boolean {
  return strategy === 'acked' || strategy === 'lease';
}

/** Whether every take of this strategy costs one token. */
export function isUnitCost(strategy: string): boolean {
  return strategy === 'article';
}

const APART: ReadonlySet<string> = new Set(['active-active', 'active-active-lww']);

/** Whether each region of this strategy has a Redis of its own, and a limiter is told of the others by `region`. */
export function isApart(strategy: string): boolean {
  return APART.has(strategy);
}

const DEFAULT_MEMORY_MS = 60_000;
const MOST_MEMORY_MS = 86_400_000;

export type LimiterOptions = PolicyOptions & {
  /** How regions share one bucket. Default `central`. */
  readonly strategy?: StrategyName;
  /** Addresses, which ioredis opens, or a client of the service's own: `fromIoredis(client)`, `fromNodeRedis(client)`. */
  readonly redis: RedisConnection | RedisSource;
  /** Of a strategy whose regions decide side by side: which this is, and where the others are. `redis` is its own. */
  readonly region?: RegionOptions;
  /**
   * Of `central`: an admission counts only when every replica that could be promoted has it, so that no failover loses
   * it; `take` rejects with NOT_ACKED (charge possible) where that is not known in time, and with REPLICAS_MISSING (none)
   * while the primary is known to be short of replicas. The same as strategy `acked`.
   */
  readonly durability?: 'acked';
  /** With `durability: 'acked'`, and of `lease`: how many replicas each primary has that could be promoted in its place. */
  readonly replicas?: number;
  /** Of `lease`: for how long tokens are lent. */
  readonly lease?: LendingOptions;
  /** What every key starts with. Default `rate:openclaw`. */
  readonly prefix?: string;
  /** Milliseconds since 1970, for strategies that decide by the caller's clock. Default: the machine's. */
  readonly nowMs?: () => number;
  /** How long admissions and refunds by a decision id are remembered: some 150 bytes each. Milliseconds, default 60000. */
  readonly decisionMemoryMs?: number;
  /**
   * Ask for the takes of one turn of the event loop in one call. Default false: a reply that is lost then leaves all of
   * them uncertain.
   */
  readonly batch?: boolean;
  /** Deny without asking Redis while a subject is certainly still too empty; off without. See `localAnswerBound`. */
  readonly localAnswers?: LocalAnswerOptions;
  /**
   * What is answered while Redis cannot decide. Default `closed`: `take` rejects, and says whether a charge is possible.
   */
  readonly onFailure?: FailurePolicies;
  /** Decide and charge, but allow everything and say in `shadow` what would have been. Default false. */
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

/** Makes a limiter and starts to connect. Throws INVALID_POLICY or INVALID_OPTION; nothing is charged. */
export function createLimiter(options: LimiterOptions): Limiter {
  checkRedis(options?.redis);
  checkKnown(options, { of: 'createLimiter', known: KNOWN });
  const strategy = parseStrategy(options.strategy ?? 'central');
  checkDurability(strategy, options);
  checkReplicas(strategy, options);
  const opened = STRATEGIES[strategy](options);
  try {
    return around(opened, options);
  } catch (error) {
    void opened.close(); // what is refused leaves no connection
    throw error;
  }
}

/** What decides without Redis, around what decides by it. */
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
  throw new OpenclawError(
    'INVALID_OPTION',
    `durability is 'acked', with strategy central; found ${quoted(durability)} with ${strategy}`,
    { hint: 'leave it out' },
  );
}

/** A number of replicas that nobody waits for would look like durability. */
function checkReplicas(strategy: StrategyName, { durability, replicas }: LimiterOptions): void {
  const isUsed = isAcked(strategy) || durability === 'acked';
  const isTrue = strategy === 'lease-unacked' && replicas === 0;
  if (replicas === undefined || isUsed || isTrue) return;
  throw new OpenclawError(
    'INVALID_OPTION',
    `strategy ${strategy} waits for no replicas; found ${quoted(replicas)}`,
    {
      hint:
        strategy === 'lease-unacked'
          ? 'use strategy lease'
          : "leave replicas out, or give durability: 'acked'",
    },
  );
}

/** Reads a strategy's name. Throws INVALID_OPTION. */
export function parseStrategy(name: string): StrategyName {
  const found = STRATEGY_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a strategy is one of ${STRATEGY_NAMES.join(', ')}; found ${quoted(name)}`,
    { hint: 'leave it out for central' },
  );
}

function openCentral(options: LimiterOptions): Limiter {
  if (options.durability === 'acked') return openAcked(options);
  return createCentral({ ...readCentral(options), redis: openRedis(options.redis) });
}

function openAcked(options: LimiterOptions): Limiter {
  const { redis: where, replicas } = options;
  if (replicas === undefined)
    throw new OpenclawError(
      'INVALID_OPTION',
      'to wait for replicas, a limiter must know how many there are',
      {
        hint: 'replicas: how many each primary has that could be promoted in its place',
      },
    );
  const rest = readCentral(options);
  const redis = 'open' in where ? where.openAcked({ replicas }) : connectAcked(where, { replicas });
  return createCentral({ ...rest, redis, acked: redis.runAcked });
}

function readCentral(options: LimiterOptions): Omit<CentralOptions, 'redis'> {
  const { first, policiesOf } = readPolicies(options);
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  const decisionMemoryMs = checkMemory(options.decisionMemoryMs ?? DEFAULT_MEMORY_MS);
  return {
    policy: first,
    policiesOf,
    prefix,
    decisionMemoryMs,
    ...(options.batch && { batch: { bySlot: isCluster(options.redis) } }),
  };
}

/** Without `tryTake`, which would go past `onFailure` and `shadow`. */
function openBorrowing(strategy: StrategyName, options: LimiterOptions): Limiter {
  const { tryTake: _, ...limiter } = openLease(strategy, options);
  return limiter;
}

function openArticle(options: LimiterOptions): Limiter {
  refuseSeveral('article', options);
  const { first, policiesOf } = readPolicies(options);
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  return createArticle({
    redis: openRedis(options.redis),
    policy: first,
    policiesOf,
    prefix,
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
  const { first, policiesOf } = readPolicies(options);
  const redis = onlyAddresses(options.redis, 'replica-reads');
  return createReplicaReads({
    primaries: connectIoredis(redis),
    replicas: connectIoredis(redis, { readsReplicas: true }),
    policy: first,
    policiesOf,
    prefix: checkPrefix(options.prefix ?? DEFAULT_PREFIX),
  });
}

function checkMemory(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_MEMORY_MS) return ms;
  throw new OpenclawError(
    'INVALID_OPTION',
    `decisions are remembered for 1 to ${MOST_MEMORY_MS} whole milliseconds; found ${quoted(ms)}`,
    { hint: `the default is ${DEFAULT_MEMORY_MS}` },
  );
}
