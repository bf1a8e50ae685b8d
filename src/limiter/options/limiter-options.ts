import { invalidOption } from '../../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../../core/known-options.ts';
import type { StrategyName } from '../../core/strategies.ts';
import type { HomesOptions } from '../homes/homes.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { RedisSource } from '../redis/port.ts';
import type { RegionOptions } from '../strategies/active-active/open.ts';
import type { LendingOptions } from '../strategies/lease/open.ts';
import type { FailurePolicies } from '../wrappers/failure-policy.ts';
import type { LocalAnswerOptions } from '../wrappers/local-answers.ts';
import type { PolicyOptions } from './policies.ts';

/** The options of `createLimiter`: those of every strategy, and those of the one in `strategy`. Default `central`. */
export type LimiterOptions = PolicyOptions & StrategyOptions;

type StrategyOptions =
  | AckedStrategy
  | LeaseStrategy
  | LeaseUnackedStrategy
  | ActiveActiveStrategy
  | ArticleStrategy
  | ReplicaReadsStrategy
  | CentralAckedStrategy
  | UsualStrategy;

interface EveryStrategy {
  /** Addresses, which the limiter connects to with ioredis, or `fromIoredis(client)` or `fromNodeRedis(client)`. */
  readonly redis: RedisConnection | RedisSource;
  /** The prefix of every key: 1 to 128 letters, digits and `_ . : / -`. Default `rate:openclaw`. */
  readonly prefix?: string;
  /** The result of `take` while Redis cannot decide. Default `closed`: `take` rejects. */
  readonly onFailure?: FailurePolicies;
  /** Allows every take, and reports the real result in `shadow` of the decision. Default false. */
  readonly shadow?: boolean;
}

/** Strategies with one bucket of several policies. */
interface OneBucket extends EveryStrategy {
  /** How long a decision id is stored, about 150 bytes each. Milliseconds, 1 to 86400000. Default 60000. */
  readonly decisionMemoryMs?: number;
  /**
   * How long an unsettled reservation is stored since it was made or last extended, about 200 bytes each; a later
   * settlement gives nothing back. A settled one is stored for `decisionMemoryMs`. Milliseconds, 1 to 604800000. Default
   * 3600000.
   */
  readonly reservationMemoryMs?: number;
  /**
   * Whether the takes of one turn of the event loop share one call to Redis. A lost reply then leaves the charge of all
   * of them possible. Default false.
   */
  readonly batch?: boolean;
  /** Denies without a call to Redis while the last denial proves it. Default off. See `localAnswerBound`. */
  readonly localAnswers?: LocalAnswerOptions;
  /** The region of each bucket; only with a cluster. Default none. */
  readonly homes?: HomesOptions;
}

/**
 * Strategy `central`, the default. The compiler names the last of the union in an error where no strategy is given, and
 * sorts it by name or place: this one is last in both.
 */
interface UsualStrategy extends OneBucket {
  readonly strategy?: 'central';
  readonly durability?: never;
  /** Only with `durability: 'acked'`. */
  readonly replicas?: never;
  readonly region?: never;
  readonly lease?: never;
  readonly nowMs?: never;
}

interface Acked extends OneBucket {
  /** The number of promotable replicas of each primary, 1 to 100. */
  readonly replicas: number;
}

/** The same as `AckedStrategy`. */
interface CentralAckedStrategy extends Acked {
  readonly strategy?: 'central';
  readonly durability: 'acked';
}

/**
 * An admission counts once every promotable replica has it, so no failover loses it. `take` rejects with NOT_ACKED
 * (charge possible) if the replicas do not confirm in time, and with REPLICAS_MISSING (charge none) while the primary has
 * too few replicas.
 */
interface AckedStrategy extends Acked {
  readonly strategy: 'acked';
  readonly durability?: 'acked';
}

interface Lending extends EveryStrategy {
  /** How long tokens are lent. */
  readonly lease?: LendingOptions;
  /** The region of each bucket; only with a cluster. Default none. */
  readonly homes?: HomesOptions;
}

/** Processes borrow tokens, and decide in memory. */
interface LeaseStrategy extends Lending {
  readonly strategy: 'lease';
  /** The number of promotable replicas of each primary, 0 to 100. 0: loans do not wait, and a failover may lose them. */
  readonly replicas: number;
}

/** `lease` with `replicas: 0`. */
interface LeaseUnackedStrategy extends Lending {
  readonly strategy: 'lease-unacked';
  readonly replicas?: 0;
}

/** Each region decides on its own Redis. */
interface ActiveActiveStrategy extends EveryStrategy {
  readonly strategy: 'active-active' | 'active-active-lww';
  /** This region's name, and the Redis of the others. `redis` is this region's own. */
  readonly region: RegionOptions;
}

interface ArticleStrategy extends EveryStrategy {
  readonly strategy: 'article';
  /** The clock, in milliseconds since 1970. Default `Date.now`. */
  readonly nowMs?: () => number;
}

interface ReplicaReadsStrategy extends EveryStrategy {
  readonly strategy: 'replica-reads';
}

type NameIn<Options> = Options extends unknown ? keyof Options : never;
type ValueIn<Options, Name> = Options extends unknown
  ? Name extends keyof Options
    ? Exclude<Options[Name], undefined>
    : never
  : never;

/** The options of every strategy at once, for the code that has checked them. */
export type AnyOptions = PolicyOptions &
  EveryStrategy & {
    readonly [Name in Exclude<NameIn<StrategyOptions>, keyof EveryStrategy>]?: ValueIn<StrategyOptions, Name>;
  };

const KNOWN: Known<AnyOptions> = {
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
  reservationMemoryMs: true,
  batch: true,
  localAnswers: true,
  homes: true,
  onFailure: true,
  shadow: true,
};

/** Checks names and types of the options. Throws INVALID_OPTION. */
export function checkOptions(options: AnyOptions): void {
  checkKnown(options, { of: 'createLimiter', isFunction: true, known: KNOWN });
  checkTypes(options, {
    of: 'createLimiter',
    types: { batch: 'boolean', shadow: 'boolean', nowMs: 'function' },
  });
}

/** The strategies that use an option which others do not. */
const ONLY_OF: { readonly [Name in keyof AnyOptions]?: readonly StrategyName[] } = {
  region: ['active-active', 'active-active-lww'],
  lease: ['lease', 'lease-unacked'],
  nowMs: ['article'],
  decisionMemoryMs: ['central', 'acked'],
  reservationMemoryMs: ['central', 'acked'],
  homes: ['central', 'acked', 'lease', 'lease-unacked'],
};

/** Throws INVALID_OPTION for an option that the strategy would ignore. */
export function refuseUnused(strategy: StrategyName, options: AnyOptions): void {
  for (const [name, strategies] of Object.entries(ONLY_OF) as [keyof AnyOptions, StrategyName[]][]) {
    if (options[name] === undefined || strategies.includes(strategy)) continue;
    throw invalidOption(
      `strategy ${strategy} does not use option ${name}`,
      `remove it, or use strategy ${strategies.join(' or ')}`,
    );
  }
}
