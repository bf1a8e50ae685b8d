import type { History } from '../history/history.ts';
import { type CheckReport, checkHistory } from './check.ts';
import { parsePromise } from './claims/promise.ts';
import { HEADROOM_AT_MOST } from './evidence/headroom-facts.ts';

/** Options like the flags of `openclaw-rl check`, with its defaults. */
export interface JudgeOptions {
  /** What the limiter claims: `token-bucket`, `fixed-window:100/60s[:epoch|first]`, `sliding-window:100/60s`. */
  readonly promise?: string;
  /** How many false denials the strategy declares; Infinity for one that splits its tokens. Default 0. */
  readonly falseDenials?: number;
  /** How many stated values may be wrong. Default: any number; they are findings, and a note. */
  readonly dishonest?: number;
  /** With fewer drained and denying buckets the verdict is `unknown`. Default 1. */
  readonly contested?: number;
  /** With a larger share of operations without a reply the verdict is `unknown`. Default 0.05. */
  readonly info?: number;
  /** How much the limiter's clock may be off, in microseconds. Default: what the history says. */
  readonly clockSlackUs?: number;
  /**
   * The most requests of one bucket that were open when a history without an end ended. Default: ten times the most that
   * were in flight at once.
   */
  readonly openAtEnd?: number;
}

/** Judges a history as `openclaw-rl check` does. Throws INVALID_OPTION for an unknown promise. */
export function judgeHistory(
  history: History,
  {
    promise = 'token-bucket',
    falseDenials = 0,
    contested = 1,
    info = 0.05,
    clockSlackUs,
    openAtEnd,
    dishonest,
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
    ...(dishonest !== undefined && { dishonestAtMost: dishonest }),
    ...(clockSlackUs !== undefined && { clockSlack: { us: clockSlackUs, isWidened: false } }),
    ...(openAtEnd !== undefined && { openAtEndAtMost: openAtEnd }),
  });
}
