import type { History } from '../history/history.ts';
import { type CheckReport, checkHistory } from './check.ts';
import { HEADROOM_AT_MOST } from './headroom-facts.ts';
import { parsePromise } from './promise.ts';

/** The options of `openclaw-rl check`, with its defaults. */
export interface JudgeOptions {
  /** What the limiter claims: `token-bucket`, `fixed-window:100/60s[:epoch|first]`, `sliding-window:100/60s`. */
  readonly promise?: string;
  /** How many false denials the strategy declares; Infinity for one that splits its tokens. Default 0. */
  readonly falseDenials?: number;
  /** Fewer drained and denying buckets than this are `unknown`. Default 1. */
  readonly contested?: number;
  /** A larger share of operations without a reply is `unknown`. Default 0.05. */
  readonly info?: number;
  /** What the limiter's clock may be off, in microseconds. Default: what the history says. */
  readonly clockSlackUs?: number;
  /**
   * How many requests of one bucket were open, at most, when a history without an end ended. Default: ten times the
   * most that were in flight at once.
   */
  readonly openAtEnd?: number;
}

/** Judges a history as `openclaw-rl check` does. Throws INVALID_OPTION for a promise that it does not know. */
export function judgeHistory(
  history: History,
  {
    promise = 'token-bucket',
    falseDenials = 0,
    contested = 1,
    info = 0.05,
    clockSlackUs,
    openAtEnd,
  }: JudgeOptions = {},
): CheckReport {
  return checkHistory(history, {
    busiest: [],
    contestedAtLeast: 0,
    contestedBucketsAtLeast: contested,
    infoAtMost: info,
    headroomAtMost: HEADROOM_AT_MOST.audit,
    promise: parsePromise(promise),
    falseDenialsAtMost: falseDenials,
    ...(clockSlackUs !== undefined && { clockSlack: { us: clockSlackUs, isWidened: false } }),
    ...(openAtEnd !== undefined && { openAtEndAtMost: openAtEnd }),
  });
}
