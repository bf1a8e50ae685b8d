export type { Decision, DecisionSource, Evidence } from './core/decision.ts';
export { type Charge, type ErrorCode, OpenclawError } from './core/errors.ts';
export { formatPolicy, makePolicy, type Policy, parsePolicy, type Rate } from './core/policy.ts';
export { createLimiter, type LimiterOptions, type StrategyName } from './limiter/create.ts';
export { rateLimitHeaders } from './limiter/headers.ts';
export type { RedisConnection } from './limiter/ioredis-port.ts';
export type { Level, Limiter, Subject } from './limiter/limiter.ts';
