import { invalidOption } from '../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import type { TakeAnswer } from './read-answer.ts';

/** `Args` are the arguments of the recorded function, `Result` is what it returns, awaited. */
export interface RecordOptions<Args extends readonly unknown[] = readonly never[], Result = never> {
  /**
   * Names the bucket of a call: what the limiter counts by. Default: the subject, or the first argument if it is a text;
   * requests of a handler or to a URL share one bucket. `history` throws if it returns no text, or an empty one.
   */
  readonly bucket?: (...args: Args) => string | null | undefined;
  /** Whole tokens. Default: option `cost` of a limiter's take; else 1. */
  readonly cost?: (...args: Args) => number;
  /** Reads a result that is neither a decision nor a yes or no, or a reply whose status is neither 2xx nor 429. */
  readonly decide?: (result: Result) => TakeAnswer;
  /**
   * The limiter's clock in milliseconds, where a test fakes it: `() => Date.now()`. Default: the limiter runs in real
   * time. `'real'` says so although `Date` is faked.
   */
  readonly now?: (() => number) | 'real';
  /** How full every bucket is at the start. Default `full`. */
  readonly initial?: 'full' | 'unknown';
  /** `apart`: the limiter runs on another machine, whose clock may drift. */
  readonly clocks?: 'apart';
  /** Default 100,000. */
  readonly mostTakes?: number;
}

export type AnyOptions = RecordOptions<readonly unknown[], unknown>;

const KNOWN: Known<RecordOptions> = {
  ...{ bucket: true, cost: true, decide: true, now: true, initial: true, clocks: true, mostTakes: true },
};

const OF = 'recordTakes';

/** Throws INVALID_OPTION for unknown and wrong options. */
export function checkOptions(options: AnyOptions): void {
  const isObject = typeof options === 'object' && options !== null;
  checkKnown(options, {
    ...{ of: OF, isFunction: true, known: KNOWN },
    ...(!isObject && { hint: "for example recordTakes(limiter, { initial: 'unknown' })" }),
  });
  checkTypes(options, { of: OF, types: { bucket: 'function', cost: 'function', decide: 'function' } });
  const { now, initial, clocks, mostTakes } = options;
  check('now', now, {
    isRight: now === 'real' || typeof now === 'function',
    expected: "a function that returns milliseconds, or 'real'",
    hint: 'for example now: () => Date.now()',
  });
  check('initial', initial, {
    isRight: initial === 'full' || initial === 'unknown',
    expected: "'full' or 'unknown'",
    hint: "write initial: 'unknown' if buckets were in use before; else remove the option",
  });
  check('clocks', clocks, {
    isRight: clocks === 'apart',
    expected: "'apart'",
    hint: "write clocks: 'apart' if the limiter runs on another machine; else remove the option",
  });
  check('mostTakes', mostTakes, {
    isRight: Number.isSafeInteger(mostTakes) && Number(mostTakes) >= 1,
    expected: 'a whole number of at least 1',
    hint: 'remove it to use the default, 100000',
  });
}

interface Rule {
  readonly isRight: boolean;
  readonly expected: string;
  readonly hint: string;
}

function check(name: keyof RecordOptions, value: unknown, { isRight, expected, hint }: Rule): void {
  if (value === undefined || isRight) return;
  throw invalidOption(`option ${name} of ${OF} must be ${expected}; found ${shown(value)}`, hint);
}

/** The bucket that option `bucket` names. Throws INVALID_OPTION if that is no name. */
export function bucketOf(bucket: NonNullable<AnyOptions['bucket']>, args: readonly unknown[]): string {
  const name: unknown = bucket(...args);
  if (typeof name === 'string' && name !== '') return name;
  throw invalidOption(
    `option bucket of ${OF} must return the name of a bucket, a text; found ${shown(name)}`,
    "return a text for each call, also for one without a key: (request) => request.headers.get('x-api-key') ?? 'no key'",
  );
}
