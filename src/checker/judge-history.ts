import { invalidOption } from '../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import { formatPromise, type Promised, parsePromise } from '../core/promise.ts';
import type { History } from '../history/history.ts';
import { type CheckReport, checkHistory } from './check.ts';
import type { CheckOptions } from './check-options.ts';
import { HEADROOM_AT_MOST } from './evidence/headroom-facts.ts';
import { checkPromised } from './promised.ts';

/** Options like the flags of `openclaw-rl check`, with its defaults. */
export interface JudgeOptions {
  /**
   * What the limiter claims: `token-bucket`, `fixed-window:100/60s[:epoch|first]`, `sliding-window:100/60s` or
   * `sliding-counter:100/60s`. Default: what the history says, else `token-bucket`.
   */
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

const KNOWN: Known<JudgeOptions> = {
  promise: true,
  falseDenials: true,
  dishonest: true,
  contested: true,
  info: true,
  clockSlackUs: true,
  openAtEnd: true,
};

/**
 * Judges a history as `openclaw-rl check` does. Throws INVALID_OPTION for wrong options, and without `promise` for a history
 * of a plug-in that does not say its promise.
 */
export function judgeHistory(history: History, options: JudgeOptions = {}): CheckReport {
  const given = readJudgeOptions(options);
  checkPromised(history.header, given.promise, "say it: judgeHistory(history, { promise: 'token-bucket' })");
  const sayPromise = (promise: Promised) => `judgeHistory(history, { promise: '${formatPromise(promise)}' })`;
  return checkHistory(history, { ...given, sayPromise });
}

/** The same options for the checker. Throws INVALID_OPTION for wrong options, `of` what messages name. */
export function readJudgeOptions(options: JudgeOptions, of = 'judgeHistory'): CheckOptions {
  checkOptions(options, of);
  const {
    promise,
    falseDenials = 0,
    contested = 1,
    info = 0.05,
    clockSlackUs,
    openAtEnd,
    dishonest,
  } = options;
  return {
    busiest: [],
    contestedAtLeast: 0,
    contestedBucketsAtLeast: contested,
    infoAtMost: info,
    headroomAtMost: HEADROOM_AT_MOST.audit,
    ...(promise !== undefined && { promise: parsePromise(promise) }),
    falseDenialsAtMost: falseDenials,
    ...(dishonest !== undefined && { dishonestAtMost: dishonest }),
    ...(clockSlackUs !== undefined && { clockSlack: { us: clockSlackUs, isWidened: false } }),
    ...(openAtEnd !== undefined && { openAtEndAtMost: openAtEnd }),
  };
}

function checkOptions(options: JudgeOptions, of: string): void {
  checkKnown(options, { of, isFunction: true, known: KNOWN });
  checkTypes(options, { of, types: { promise: 'string' } });
  const numbers = Object.entries(options).filter(
    ([name, value]) => name !== 'promise' && value !== undefined,
  );
  for (const [name, value] of numbers) {
    const most = name === 'info' ? 1 : Number.POSITIVE_INFINITY;
    if (typeof value === 'number' && value >= 0 && value <= most) continue;
    throw invalidOption(
      `option ${name} of ${of} must be ${name === 'info' ? 'from 0 to 1' : 'a number of at least 0'}; found ${shown(value)}`,
      'remove it to use the default',
    );
  }
}
