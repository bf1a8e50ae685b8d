export type { MatchOptions } from './match-options.ts';
export { type MatcherContext, type MatchResult, matchers } from './matchers.ts';
export type { TakeAnswer } from './read-answer.ts';
export type { RecordOptions } from './record-options.ts';
export { type GiveHistory, recordTakes } from './record-takes.ts';
export type { TakeHistory } from './take-history.ts';
