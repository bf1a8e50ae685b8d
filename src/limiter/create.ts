import { OpenclawError, quoted } from '../core/errors.ts';
import { type Policy, parsePolicy } from '../core/policy.ts';
import { createArticle } from './article.ts';
import { createCentral } from './central.ts';
import { connectIoredis, type RedisConnection } from './ioredis-port.ts';
import { checkPrefix, DEFAULT_PREFIX } from './key.ts';
import type { Limiter } from './limiter.ts';

const STRATEGIES = { central: createCentral, article: createArticle } as const;

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as readonly StrategyName[];

export interface LimiterOptions {
  /** How regions share one bucket. Default `central`. */
  readonly strategy?: StrategyName;
  /** `'20:5/s'`, or a policy made by `makePolicy`. */
  readonly policy: string | Policy;
  readonly redis: RedisConnection;
  /** What every key starts with. Default `rate:openclaw`. */
  readonly prefix?: string;
  /** Milliseconds since 1970, for strategies that decide by the caller's clock. Default: the machine's. */
  readonly nowMs?: () => number;
}

/** Makes a limiter and starts to connect. Throws INVALID_POLICY or INVALID_OPTION; nothing is charged. */
export function createLimiter(options: LimiterOptions): Limiter {
  const strategy = parseStrategy(options.strategy ?? 'central');
  const policy = typeof options.policy === 'string' ? parsePolicy(options.policy) : options.policy;
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  const clock = options.nowMs === undefined ? {} : { nowMs: options.nowMs };
  return STRATEGIES[strategy]({ redis: connectIoredis(options.redis), policy, prefix, ...clock });
}

/** Reads a strategy's name. Throws INVALID_OPTION. */
export function parseStrategy(name: string): StrategyName {
  const found = STRATEGY_NAMES.find((known) => known === name);
  if (found !== undefined) return found;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a strategy is one of ${STRATEGY_NAMES.join(', ')}; found ${quoted(name)}`,
  );
}
