export type { CheckReport } from './checker/check.ts';
export type { Judgement } from './checker/claims/judge.ts';
export type { Finding, OverAdmissionFinding, WitnessLine } from './checker/findings/finding.ts';
export { type JudgeOptions, judgeHistory } from './checker/judge-history.ts';
export type { Decision, DecisionSource, Evidence, PolicyDecision } from './core/decision.ts';
export { type Charge, type ErrorCode, OpenclawError } from './core/errors.ts';
export { formatPolicy, makePolicy, type Policy, parsePolicy, type Rate } from './core/policy.ts';
export type { StrategyName } from './core/strategies.ts';
export type { Time, Timer } from './core/time.ts';
export type { Verdict } from './core/verdict.ts';
export type { History } from './history/history.ts';
export { HistoryReader } from './history/reader.ts';
export { encodeRecord } from './history/records/codec.ts';
export type {
  Header,
  HistoryRecord,
  Operation,
  RecordedExtension,
  RecordedSettlement,
} from './history/records/operation.ts';
export { rateLimitHeaders } from './http/headers.ts';
export { createLimiter, type LimiterOptions } from './limiter/create.ts';
export type { Away } from './limiter/homes/away.ts';
export type { HomesOptions } from './limiter/homes/homes.ts';
export type { HomesTable, WrittenRegion } from './limiter/homes/table.ts';
export type {
  Cost,
  Home,
  Level,
  Limiter,
  Moved,
  NamedPolicy,
  PolicyLevel,
  RefundOptions,
  RehomeOptions,
  Reservation,
  ReserveOptions,
  Settlement,
  Subject,
  TakeOptions,
} from './limiter/limiter.ts';
export type { Overrides, PolicyOptions, WrittenPolicy } from './limiter/options/policies.ts';
export type {
  LimiterPlugin,
  PluginDecision,
  PluginLimiter,
  PluginOptions,
  PluginScripts,
  PluginTake,
} from './limiter/plugin/plugin.ts';
export type { RedisConnection } from './limiter/redis/connection.ts';
export { fromIoredis, type IoredisClient } from './limiter/redis/ioredis/open.ts';
export type { IoredisPlace } from './limiter/redis/ioredis/place.ts';
export { fromNodeRedis, type NodeRedisClient } from './limiter/redis/node-redis/open.ts';
export type { RedisSource } from './limiter/redis/port.ts';
export type { RegionOptions } from './limiter/strategies/active-active/open.ts';
export type { LeaseLimiter } from './limiter/strategies/lease/lease.ts';
export { createLease, type LeaseOptions, type LendingOptions } from './limiter/strategies/lease/open.ts';
export type { FailurePolicies, FailurePolicy } from './limiter/wrappers/failure-policy.ts';
export {
  type LocalAnswerBound,
  type LocalAnswerOptions,
  localAnswerBound,
} from './limiter/wrappers/local-answers.ts';
