import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../../src/checker/check.ts';
import { parsePromise } from '../../../src/core/promise.ts';
import {
  bucket,
  epochWindow,
  firstWindow,
  LARGER,
  LIMITERS,
  type LimiterName,
  loadOn,
  slidingLog,
} from './web-load.ts';

const SEEDS = Array.from({ length: 10 }, (_, at) => at + 1);

/** Without judged denials a wrong reason is easiest. */
const MORE_SEEDS = Array.from({ length: 20 }, (_, at) => at + 1);

const PROMISES = {
  'token-bucket': bucket,
  'fixed-window:20/4s': firstWindow,
  'fixed-window:20/4s:first': firstWindow,
  'fixed-window:20/4s:epoch': epochWindow,
  'sliding-window:20/4s': slidingLog,
} as const;

type Promised = keyof typeof PROMISES;

/** The defects that show under a promise, each with its reason. All others have none. */
const SHOWN: Readonly<Record<Promised, Partial<Record<LimiterName, string>>>> = {
  'token-bucket': {
    'five too many': 'other-capacity',
    'a counter for each target': 'regions-apart',
    'three counters, one at random': 'multiplied',
    'read, then write': 'race',
    'whole seconds': 'whole-seconds',
    'a new key every 10 s': 'epoch-resets',
  },
  'fixed-window:20/4s': { 'a counter for each target': 'regions-apart' },
  'fixed-window:20/4s:first': {
    'a counter for each target': 'regions-apart',
    'three counters, one at random': 'multiplied',
  },
  'fixed-window:20/4s:epoch': {
    'a counter for each target': 'regions-apart',
    'three counters, one at random': 'multiplied',
    'read, then write': 'race',
  },
  'sliding-window:20/4s': {
    'three counters, one at random': 'multiplied',
    'a counter for each target': 'regions-apart',
    'read, then write': 'race',
    'whole seconds': 'whole-seconds',
    'a new key every 10 s': 'epoch-resets',
  },
};

const CASES = (Object.keys(PROMISES) as Promised[]).flatMap((promise) =>
  (Object.keys(LIMITERS) as LimiterName[]).map((name) => {
    const reason = SHOWN[promise][name];
    const of =
      reason === undefined
        ? ''
        : reason === 'regions-apart' || (reason === 'multiplied' && promise !== 'token-bucket')
          ? 'U6: '
          : reason === 'other-capacity'
            ? 'U9: '
            : 'V17: ';
    return { promise, name, reason, title: `${of}${promise}, ${name}: ${reason ?? 'no reason'}` };
  }),
);

describe('of a load on three targets, each of ten seeds', { timeout: 60_000 }, () => {
  it.each(CASES)('$title', ({ promise, name, reason }) => {
    for (const seed of promise.endsWith('4s') || promise.endsWith('first') ? MORE_SEEDS : SEEDS) {
      const history = loadOn(name, PROMISES[promise], seed);
      const report = checkHistory(history, { busiest: [], promise: parsePromise(promise) });
      const reasons = (report.reasons ?? []).map((one) => one.reason);
      expect([seed, ...reasons]).toEqual([seed, ...(reason === undefined ? [] : [reason])]);
      if (name === 'correct') expect(report.claims.filter(({ status }) => status === 'broken')).toEqual([]);
    }
  });
});

describe('of one state for all with a larger limit', { timeout: 60_000 }, () => {
  it.each(
    ['fixed-window:20/4s:first', 'fixed-window:20/4s:epoch', 'sliding-window:20/4s'].flatMap((promise) =>
      Object.keys(LARGER).map((name) => ({ promise, name })),
    ),
  )('U6: $promise, $name: not several instances', ({ promise, name }) => {
    for (const seed of SEEDS.slice(0, 4)) {
      const history = loadOn(name, PROMISES[promise as Promised], seed);
      const report = checkHistory(history, { busiest: [], promise: parsePromise(promise) });
      expect([seed, report.reasons ?? []]).toEqual([seed, []]);
    }
  });
});
