import { byName, type NamedPolicy } from '../core/policies.ts';
import { type StrategyName, traitsOf } from '../core/strategies.ts';
import type { LimiterOptions } from '../limiter/create.ts';
import type { HomesTable } from '../limiter/homes/table.ts';
import type { PolicyOptions } from '../limiter/options/policies.ts';
import type { RedisConnection } from '../limiter/redis/connection.ts';
import type { FailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import { withRegions } from './homes.ts';

/** What a Rating service is started with. */
export interface RatingSetting {
  readonly strategy: StrategyName;
  readonly policies: readonly NamedPolicy[];
  readonly prefix: string;
  readonly region: string;
  readonly redis: RedisConnection;
  /** The Redis of each other region, for a strategy with `perRegionBucket`. */
  readonly others: Readonly<Record<string, RedisConnection>>;
  /** Of each primary, for a strategy that waits for them. */
  readonly replicas?: number;
  readonly onFailure: FailurePolicy;
  readonly homes?: HomesTable;
  /** The clock of the service, for strategy `article`. */
  readonly nowMs: () => number;
}

/** The options of the limiter of a Rating service. Throws INVALID_OPTION for homes that no user can have. */
export function limiterOptionsOf(setting: RatingSetting): LimiterOptions {
  const { strategy, policies, prefix, region, redis, others, replicas, onFailure, homes, nowMs } = setting;
  return {
    ...limitsOf(policies),
    ...{ strategy, prefix, redis },
    ...(strategy === 'article' && { nowMs }),
    ...(traitsOf(strategy).perRegionBucket && { region: { name: region, others } }),
    ...(replicas !== undefined && { replicas }),
    ...(onFailure !== 'closed' && { onFailure }),
    ...(homes !== undefined && { homes: withRegions(homes) }),
  } as LimiterOptions;
}

/** As options of `createLimiter`. */
function limitsOf(policies: readonly NamedPolicy[]): PolicyOptions {
  const [first] = policies;
  const several = byName(policies);
  return several === undefined && first ? { policy: first.policy } : { policies: several ?? {} };
}
