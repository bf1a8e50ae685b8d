export type { CheckReport } from './checker/check.ts';
export type { Finding, OverAdmissionFinding, WitnessLine } from './checker/finding.ts';
export type { Judgement } from './checker/judge.ts';
export { type JudgeOptions, judgeHistory } from './checker/judge-history.ts';
export type { Decision, DecisionSource, Evidence, PolicyDecision } from './core/decision.ts';
export { type Charge, type ErrorCode, OpenclawError } from './core/errors.ts';
export { formatPolicy, makePolicy, type Policy, parsePolicy, type Rate } from './core/policy.ts';
export type { Verdict } from './core/verdict.ts';
export { encodeRecord } from './history/codec.ts';
export type { History } from './history/history.ts';
export type { Header, HistoryRecord, Operation } from './history/operation.ts';
export { HistoryReader } from './history/reader.ts';
export { rateLimitHeaders } from './http/headers.ts';
export type { RegionOptions } from './limiter/active-active/open.ts';
export { createLimiter, type LimiterOptions, type StrategyName } from './limiter/create.ts';
export type { FailurePolicies, FailurePolicy } from './limiter/failure-policy.ts';
export { fromIoredis, type IoredisClient } from './limiter/ioredis-open.ts';
export type { IoredisPlace } from './limiter/ioredis-place.ts';
export type { LeaseLimiter } from './limiter/lease/lease.ts';
export { createLease, type LeaseOptions, type LendingOptions } from './limiter/lease/open.ts';
export type {
  Cost,
  Level,
  Limiter,
  NamedPolicy,
  PolicyLevel,
  RefundOptions,
  Subject,
  TakeOptions,
} from './limiter/limiter.ts';
export { type LocalAnswerBound, type LocalAnswerOptions, localAnswerBound } from './limiter/local-answers.ts';
export { fromNodeRedis, type NodeRedisClient } from './limiter/node-redis-open.ts';
export type { LimiterPlugin, PluginDecision, PluginLimiter, PluginOptions } from './limiter/plugin.ts';
export type { Overrides, PolicyOptions, WrittenPolicy } from './limiter/policies.ts';
export type { RedisConnection } from './limiter/redis-connection.ts';
export type { RedisSource } from './limiter/redis-port.ts';
