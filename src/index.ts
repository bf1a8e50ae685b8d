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
export type { RegionOptions } from './limiter/active-active/open.ts';
export { createLimiter, type LimiterOptions, type StrategyName } from './limiter/create.ts';
export { rateLimitHeaders } from './limiter/headers.ts';
export type { RedisConnection } from './limiter/ioredis-port.ts';
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
export type { Overrides, PolicyOptions, WrittenPolicy } from './limiter/policies.ts';
