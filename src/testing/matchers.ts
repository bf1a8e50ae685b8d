import { invalidOption } from '../core/errors.ts';
import { checkKnown, type Known } from '../core/known-options.ts';
import { adviceOn } from './advice.ts';
import { judgeTakes } from './judge.ts';
import type { MatchOptions } from './match-options.ts';
import { explain, withHint } from './message.ts';
import { ownYardstick, recordedOf } from './take-history.ts';
import type { Recorded } from './taken.ts';
import { readEither, readPolicies, readPromise, type Yardstick } from './yardstick.ts';

/** The `this` of a matcher, as far as these need it. */
export interface MatcherContext {
  readonly isNot?: boolean | undefined;
}

export interface MatchResult {
  readonly pass: boolean;
  message(): string;
}

/** The matchers as `expect(history())` has them; `R` is what it returns. */
export interface TakeMatchers<R> {
  /** See `matchers`. */
  toKeepPolicy(policy: string, options?: MatchOptions): R;
  /** See `matchers`. */
  toKeepPromise(promise: string, options?: MatchOptions): R;
  /** See `matchers`. */
  toBeHonest(policyOrPromise?: string, options?: MatchOptions): R;
}

/**
 * Matchers for `expect.extend` of Vitest and Jest. The received value is a history of `recordTakes`, or the function
 * that gives it. They throw INVALID_OPTION or INVALID_POLICY for anything else. A verdict `unknown` fails, also after
 * `.not`: `.not` asks for a proof that the limiter is wrong.
 */
export const matchers = {
  /** Every bucket kept its policy: `20:5/s`, or several, `burst=10:10/s, hourly=1000:1000/h`. */
  toKeepPolicy(this: MatcherContext, received: unknown, policy: string, options?: MatchOptions): MatchResult {
    return match(this, { name: 'toKeepPolicy', received, asked: policy, read: readPolicies }, options);
  },
  /** Every bucket kept this promise: `fixed-window:100/60s`, and what else `openclaw-rl check --promise` takes. */
  toKeepPromise(
    this: MatcherContext,
    received: unknown,
    promise: string,
    options?: MatchOptions,
  ): MatchResult {
    return match(this, { name: 'toKeepPromise', received, asked: promise, read: readPromise }, options);
  },
  /**
   * Nothing that the limiter stated besides yes or no is certainly wrong. It is held against this policy or promise;
   * default: the policies of the recorded limiter.
   */
  toBeHonest(this: MatcherContext, received: unknown, asked?: string, options?: MatchOptions): MatchResult {
    return match(this, { name: 'toBeHonest', received, asked, read: ownOrRead }, options);
  },
};

function ownOrRead(asked: string | undefined, recorded: Recorded): Yardstick {
  if (asked !== undefined) return readEither(asked);
  const own = ownYardstick(recorded);
  if (own !== undefined) return own;
  throw invalidOption(
    'toBeHonest does not know one policy of all buckets',
    "name it, or the promise: toBeHonest('20:5/s'), toBeHonest('fixed-window:100/60s')",
  );
}

const KNOWN: Known<MatchOptions> = { falseDenials: true, contested: true, info: true, clockSlackUs: true };

interface Asked<T> {
  readonly name: string;
  readonly received: unknown;
  readonly asked: T;
  readonly read: (asked: T, recorded: Recorded) => Yardstick;
}

function match<T>(
  { isNot = false }: MatcherContext,
  { name, received, asked, read }: Asked<T>,
  options: MatchOptions = {},
): MatchResult {
  const { report, recorded, yardstick } = withHint(() => {
    checkKnown(options, { of: name, isFunction: true, known: KNOWN });
    const recorded = recordedOf(received);
    const yardstick = read(asked, recorded);
    const report = judgeTakes(recorded, yardstick, { ...options, matcher: name });
    return { report, recorded, yardstick };
  });
  const isUnknown = report.verdict === 'unknown';
  return {
    pass: isUnknown ? isNot : report.verdict === 'pass',
    message: () =>
      explain(report, {
        call: `expect(history)${isNot ? '.not' : ''}.${name}(${asked === undefined ? '' : `'${asked}'`})`,
        advice: adviceOn({ report, recorded, yardstick }),
      }),
  };
}
