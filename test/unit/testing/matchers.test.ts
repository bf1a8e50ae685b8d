import '../../../src/testing/vitest.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MatchOptions } from '../../../src/testing/match-options.ts';
import { matchers } from '../../../src/testing/matchers.ts';
import { recordTakes } from '../../../src/testing/record-takes.ts';
import type { TakeHistory } from '../../../src/testing/take-history.ts';
import { HTTP_LIMITERS } from '../../support/http-limiters.ts';

const START = Date.UTC(2026, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

type Take = (key: string) => unknown;

/** Takes, as often as is said, of `ada`, on the fake clock; a string is a time to wait in milliseconds. */
function record(take: Take, steps: readonly (number | string)[], options: object = {}): TakeHistory {
  const recorded = recordTakes(take as (key: string) => boolean, { now: () => Date.now(), ...options });
  for (const step of steps) {
    if (typeof step === 'string') vi.advanceTimersByTime(Number(step));
    else for (let times = 0; times < step; times++) recorded.take('ada');
  }
  return recorded.history();
}

const bucket = (capacity: number, perSecond: number): Take => {
  const decide = HTTP_LIMITERS.bucketMs({ capacity, perSecond });
  return (key) => decide(key, 1);
};
const window = (limit: number, windowMs: number): Take => {
  const decide = HTTP_LIMITERS.epochWindow({ limit, windowMs });
  return (key) => decide(key, 1);
};

/** Windows that begin with the first take after the last one ended. */
const firstWindow = (limit: number, windowMs: number): Take => {
  let [startMs, used] = [Number.NEGATIVE_INFINITY, 0];
  return () => {
    if (Date.now() - startMs >= windowMs) [startMs, used] = [Date.now(), 0];
    return used++ < limit;
  };
};

/** The message of a failing assertion. */
function failure(act: () => void): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the assertion holds');
}

describe('toKeepPolicy', () => {
  it.each([
    ['a bucket that is drained', [25]],
    ['one that is refilled in between', [25, '1000', 10, '3999', 30, '4000', 25]],
  ])('passes for %s', (_title, steps) => {
    const history = record(bucket(20, 5), steps);
    expect(history).toKeepPolicy('20:5/s');
    expect(() => expect(history).not.toKeepPolicy('20:5/s')).toThrow(
      /^expect\(history\)\.not\.toKeepPolicy\('20:5\/s'\)/,
    );
  });

  it.each([
    ['one token too many', bucket(21, 5), [30], /1 bucket over-admitted/],
    ['one token too few', bucket(19, 5), [30], /11 of 11 denials were false/],
    ['refill that is too fast', bucket(20, 6), [20, '1000', 10], /over-admitted/],
    ['refill that is too slow', bucket(20, 4), [20, '1000', 10], /false/],
  ])('fails for %s', (_title, take, steps, message) => {
    const history = record(take, steps);
    expect(failure(() => expect(history).toKeepPolicy('20:5/s'))).toMatch(message);
    expect(history).not.toKeepPolicy('20:5/s');
  });

  it('judges several policies together', () => {
    const [burst, daily] = [bucket(5, 5), bucket(8, 1)];
    const both = record((key) => (burst(key) as boolean) && (daily(key) as boolean), [6, '1000', 5]);
    expect(failure(() => expect(both).toKeepPolicy('burst=5:5/s, daily=7:1/s'))).toMatch(/over-admitted/);
  });

  it('takes the function that gives the history, too', () => {
    const { take, history } = recordTakes(bucket(3, 1), { now: () => Date.now() });
    for (let times = 0; times < 5; times++) take('ada');
    expect(history).toKeepPolicy('3:1/s');
  });

  it('accepts the rounding of a limiter that computes with floats, by a microsecond', () => {
    const floating = (capacity: number): Take => {
      let [level, lastMs] = [capacity, Date.now()];
      return () => {
        level = Math.min(capacity, level + ((Date.now() - lastMs) / 1_000) * 10);
        lastMs = Date.now();
        const isAllowed = level >= 1;
        if (isAllowed) level--;
        return isAllowed;
      };
    };
    const steps = Array.from({ length: 400 }, () => [1, '10']).flat();
    expect(record(floating(10), steps)).not.toKeepPolicy('10:10/s');
    expect(record(floating(10), steps)).toKeepPolicy('10:10/s', { clockSlackUs: 1 });
    expect(record(floating(11), steps)).not.toKeepPolicy('10:10/s', { clockSlackUs: 1 });
  });

  it('accepts as many false denials as are said', () => {
    const history = record(bucket(19, 5), [30]);
    expect(history).toKeepPolicy('20:5/s', { falseDenials: 11, contested: 0 });
    expect(history).not.toKeepPolicy('20:5/s', { falseDenials: 0 });
  });
});

describe('toKeepPromise', () => {
  it.each([
    ['fixed-window:20/60s:epoch', window(20, 60_000), [25, '60000', 25]],
    [
      'fixed-window:20/60s',
      window(20, 60_000),
      [25, '60000', 25, '60000', 25, '60000', 25, '60000', 25, '60000', 25],
    ],
  ])('passes for %s', (promise, take, steps) => expect(record(take, steps)).toKeepPromise(promise));

  it.each([
    ['fixed-window:20/60s:epoch', window(21, 60_000), [25]],
    ['sliding-window:20/60s', window(20, 60_000), ['59000', 25, '1000', 25]],
    ['fixed-window:20/60s:first', window(20, 60_000), ['30000', 10, '29000', 10, '1000', 20]],
  ])('fails for %s', (promise, take, steps) => {
    const history = record(take, steps);
    expect(history).not.toKeepPromise(promise);
    expect(failure(() => expect(history).toKeepPromise(promise))).toContain(
      `broke the promise of ${promise}`,
    );
  });
});

describe('a promise that does not say when a limiter must admit', () => {
  const PROMISE = 'fixed-window:20/60s:first';
  const locked = (): Take => {
    let used = 0;
    return () => used++ < 20;
  };
  const drains = [25, '60000', 25, '60000', 25];

  it('U2: fails for a limiter that locks its users out, and says that denials are not judged', () => {
    const history = record(locked(), drains);
    const message = failure(() => expect(history).toKeepPromise(PROMISE));
    expect(message).toContain(`not judged denials: ${PROMISE} does not say when its windows start`);
    expect(message).toMatch(/FAIL \w+ admitted 20 tokens, 3\d% of the \d\d that every limiter/);
    expect(message).toContain('to do if the limiter also counts what it denies');
    expect(history).toKeepPromise(PROMISE, { falseDenials: Number.POSITIVE_INFINITY });
  });

  it('asks of a test with one window what it admits there', () => {
    expect(record(firstWindow(20, 60_000), [25])).toKeepPromise(PROMISE);
    expect(record(firstWindow(20, 60_000), drains)).toKeepPromise(PROMISE);
  });
});

describe('toBeHonest', () => {
  const stating = (remaining: (left: number) => number) => {
    let left = 5;
    return () =>
      left > 0
        ? { allowed: true, remaining: remaining(--left) }
        : { allowed: false, remaining: 0, retryAfterMs: 1_000 };
  };

  it('passes if nothing is certainly wrong', () =>
    expect(
      record(
        stating((left) => left),
        [8],
      ),
    ).toBeHonest('5:1/s'));

  it('fails for a value that cannot be true', () => {
    const history = record(
      stating((left) => left + 1),
      [8],
    );
    expect(failure(() => expect(history).toBeHonest('5:1/s'))).toMatch(
      /remaining too high: remaining 5 was stated/,
    );
    expect(history).toKeepPolicy('5:1/s');
    expect(history).not.toBeHonest('sliding-window:5/5s');
  });

  it('needs values, and to know the policy', () => {
    expect(failure(() => expect(record(bucket(5, 1), [8])).toBeHonest('5:1/s'))).toMatch(
      /\? dishonest <= 0: no decision stated anything[\s\S]*to do record a limiter that states something/,
    );
    expect(
      failure(() =>
        expect(
          record(
            stating((left) => left),
            [8],
          ),
        ).toBeHonest(),
      ),
    ).toMatch(/does not know one policy of all buckets\n {2}name it, or the promise/);
  });
});

describe('too little evidence fails, and says what to do', () => {
  const drain = /to do take from one bucket until it denies, .*: more than 20 tokens/;
  it.each<[string, () => TakeHistory, RegExp, MatchOptions?]>([
    [
      'no take',
      () => record(bucket(20, 5), []),
      /to do give the code under test what recordTakes returned.*call history\(\) after the takes/,
    ],
    ['no denial', () => record(bucket(20, 5), [20]), drain],
    ['a bucket that refills between takes', () => record(bucket(20, 5), [5, '1000', 5, '1000', 5]), drain],
    [
      'replies that are missing',
      () => record(() => 'info', [10]),
      /10 info|100% of the requests have an unknown charge[\s\S]*to do wait for every take/,
    ],
    ['only failures', () => record(() => 'failed', [10]), /\? .*100% of the requests were not decided/],
    [
      'more buckets than were drained',
      () => record(bucket(20, 5), [25]),
      /claimed at least 2/,
      { contested: 2 },
    ],
  ])('%s', (_title, history, message, options) => {
    const taken = history();
    for (const policy of ['20:5/s']) {
      expect(failure(() => expect(taken).toKeepPolicy(policy, options))).toMatch(message);
      expect(failure(() => expect(taken).not.toKeepPolicy(policy, options))).toMatch(message);
      expect(failure(() => expect(taken).toBeHonest(policy, options))).toMatch(
        /^expect\(history\)\.toBeHonest/,
      );
    }
  });

  it.each([
    ['a burst', [25], 9],
    ['takes in several windows', [9, '50000', 9, '60000', 25, '61000', 25], 9],
    ['a limiter that admits nothing', [25], 0],
  ])('of a promise that cannot judge denials, where fewer were admitted: %s', (_title, steps, limit) => {
    const low = record(firstWindow(limit, 60_000), steps);
    const message = failure(() => expect(low).toKeepPromise('fixed-window:10/60s:first'));
    expect(message).toMatch(
      new RegExp(
        `to do takes were denied, though no more than ${limit} of 10 tokens .*sliding-window:10/60s`,
      ),
    );
    expect(message).not.toMatch(/more than 10 tokens/);
    expect(low).not.toKeepPromise('sliding-window:10/60s');
  });

  it('its advice holds for a correct limiter, and is not given to one that was not drained', () => {
    expect(record(firstWindow(10, 60_000), [5, '50000', 25])).toKeepPromise('sliding-window:10/60s');
    const undrained = record(firstWindow(10, 60_000), [5, '70000', 5]);
    expect(failure(() => expect(undrained).toKeepPromise('fixed-window:10/60s:first'))).toMatch(
      /to do take from one bucket until it denies/,
    );
  });

  it('of windows whose start is not known', () => {
    const history = record(window(20, 60_000), [25]);
    expect(failure(() => expect(history).toKeepPromise('fixed-window:20/60s'))).toMatch(
      /to do say when a window begins/,
    );
  });
});

describe('a message', () => {
  it('is the same each time, without escapes of a terminal, whatever the bucket is called', () => {
    const { take, history } = recordTakes(bucket(21, 5), { now: () => Date.now() });
    for (let times = 0; times < 30; times++) take('\u001b[31mred\n::error::');
    const messages = [0, 1].map(() => failure(() => expect(history()).toKeepPolicy('20:5/s')));
    expect(messages[0]).toBe(messages[1]);
    expect(messages[0]).not.toMatch(/[^\n\P{Cc}]|^::/mu);
    expect(messages[0]).toContain('bucket \\u001b[31mred\\u000a::error::: 21 tokens admitted');
  });

  it('says which assumption of the recording may be wrong', () => {
    const early = record(bucket(19, 5), [30]);
    expect(failure(() => expect(early).toKeepPolicy('20:5/s'))).toMatch(
      /to do .* set initial: 'unknown' of recordTakes/,
    );
    const shared = recordTakes(() => true, { now: () => Date.now() });
    for (let times = 0; times < 30; times++) shared.take();
    expect(failure(() => expect(shared.history()).toKeepPolicy('20:5/s'))).toMatch(
      /to do .* set bucket of recordTakes/,
    );
  });
});

describe('wrong use throws, also after .not', () => {
  it.each<[string, () => void, RegExp]>([
    [
      'no history',
      () => expect(5).toKeepPolicy('20:5/s'),
      /the value is no history of takes\n {2}const \{ limiter, history \}/,
    ],
    [
      'no policy',
      () => expect(record(bucket(1, 1), [3])).not.toKeepPolicy('20'),
      /a policy is written capacity:rate/,
    ],
    [
      'no text',
      () => expect(record(bucket(1, 1), [3])).toKeepPolicy(undefined as never),
      /a policy is a text like 20:5\/s/,
    ],
    [
      'no promise',
      () => expect(record(bucket(1, 1), [3])).toKeepPromise('leaky'),
      /unknown promise "leaky".*\n {2}for example toKeepPromise/,
    ],
    [
      'a bucket as promise',
      () => expect(record(bucket(1, 1), [3])).toKeepPromise('token-bucket'),
      /toKeepPolicy\('20:5\/s'\)/,
    ],
    [
      'an unknown option',
      () => expect(record(bucket(1, 1), [3])).toKeepPolicy('1:1/s', { contest: 1 } as never),
      /unknown option "contest" of toKeepPolicy/,
    ],
    [
      'a wrong option',
      () => expect(record(bucket(1, 1), [3])).toKeepPolicy('1:1/s', { contested: -1 }),
      /option contested of toKeepPolicy must be a number of at least 0; found -1/,
    ],
    [
      'no options',
      () => expect(record(bucket(1, 1), [3])).toKeepPolicy('1:1/s', 5 as never),
      /^the options of toKeepPolicy must be an object with falseDenials, .*; found 5\n {2}correct/,
    ],
    [
      'a policy as promise',
      () => expect(record(bucket(1, 1), [3])).toKeepPromise('10:1/h'),
      /unknown promise "10" *; .*\n {2}a policy of a token bucket is judged by toKeepPolicy\('10:1\/h'\)/,
    ],
    [
      'a promise as policy',
      () => expect(record(bucket(1, 1), [3])).toKeepPolicy('fixed-window:1/1s'),
      /"fixed-window:1\/1s" is a promise, no policy\n {2}write toKeepPromise\('fixed-window:1\/1s'\)/,
    ],
  ])('%s', (_title, act, message) => expect(failure(act)).toMatch(message));
});

describe('of limiters on a fake clock', () => {
  const steps = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9_000 }).map(String)),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  const verdictOf = (history: TakeHistory, policy: string) => {
    const of = (isNot: boolean) => matchers.toKeepPolicy.call({ isNot }, history, policy).pass;
    return of(false) ? 'pass' : of(true) ? 'unknown' : 'fail';
  };

  it('a correct one is never accused, and one of them passes once it is drained', () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 7 }),
        (walk, capacity, perSecond) => {
          vi.setSystemTime(START);
          const policy = `${capacity}:${perSecond}/s`;
          expect(verdictOf(record(bucket(capacity, perSecond), walk), policy)).not.toBe('fail');
          expect(verdictOf(record(bucket(capacity, perSecond), [...walk, 30]), policy)).toBe('pass');
        },
      ),
      { numRuns: 200, seed: 25 },
    );
  });

  it('one of another capacity or refill is convicted once that shows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 7, max: 25 }), fc.constantFrom(-1, 1), (capacity, off) => {
        vi.setSystemTime(START);
        const policy = `${capacity}:5/s`;
        expect(verdictOf(record(bucket(capacity + off, 5), [30]), policy)).toBe('fail');
        expect(verdictOf(record(bucket(capacity, 5 + off), [30, '1000', 30]), policy)).toBe('fail');
      }),
      { numRuns: 50, seed: 25 },
    );
  });
});
