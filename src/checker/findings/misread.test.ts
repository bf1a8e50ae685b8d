import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;

interface Limiter {
  readonly capacity?: number;
  readonly perSecond?: number;
  /** In the place of a bucket: so many in 10 s. */
  readonly in10s?: number;
  /** When the log begins, by its clock. */
  readonly startS?: number;
  /** How long its times are, of what they should be. */
  readonly shrink?: number;
}

/** JSON lines of two users who each send 30 requests a second for a minute, to buckets of 100 tokens and 10/s or others. */
function logOf({ capacity = 100, perSecond = 10, in10s, startS = 5_000, shrink = 1 }: Limiter = {}): string {
  const states = [0, 1].map(() => ({ level: capacity, levelUs: 0, admitted: [] as number[] }));
  return Array.from({ length: 3_600 }, (_, at) => {
    const us = Math.round((at * S) / 60);
    const state = states[at % 2] as (typeof states)[0];
    state.level = Math.min(capacity, state.level + ((us - state.levelUs) * perSecond) / S);
    state.levelUs = us;
    const isAllowed =
      in10s === undefined
        ? state.level >= 1
        : state.admitted.filter((admittedUs) => admittedUs > us - 10 * S).length < in10s;
    if (isAllowed) state.level--;
    if (isAllowed) state.admitted.push(us);
    const [t0, t1] = [
      startS * S + Math.floor(shrink * (us - 400)),
      startS * S + Math.ceil(shrink * (us + 300)),
    ];
    return JSON.stringify({
      ...{ t0, t1, id: `r${at}`, client_ip: `10.0.0.${at % 7}`, node: 'n1', path: `/${at % 3}` },
      ...{ user: at % 2 ? 'ada' : 'eve', code: isAllowed ? 200 : 429 },
    });
  }).join('\n');
}

/** The causes of the log, and whether it is convicted. */
function saidOf(text: string, changes: Parameters<typeof readForeign>[2] = {}, promise = 'token-bucket') {
  const { history, reader } = readForeign('access-log', text, { start: 't0', end: 't1', ...changes });
  const { verdict, diagnosis } = checkHistory(history, {
    ...{ busiest: [], openAtEndMissing: true, withoutRefunds: true, reading: reader.reading() },
    ...{ isComplete: true, promise: parsePromise(promise) },
  });
  return { verdict, diagnosis };
}

describe('of a log that others wrote, the sentence on its unit', () => {
  it('is silent where it is right', () =>
    expect(saidOf(logOf(), { unit: 'us' })).toEqual({ verdict: 'pass', diagnosis: [] }));

  it.each([
    {
      unit: 'ns' as const,
      says: 'if all times were 1000 times as long, the admissions and denials would be right (--unit us,',
    },
    {
      unit: 'ms' as const,
      says: 'if all times were 1000 times as short, the admissions and denials would be right (--unit us,',
    },
    {
      unit: 's' as const,
      says: 'if all times were 1000000 times as short, the admissions and denials would be right (--unit us,',
    },
  ])('names the right one where it is read as $unit', ({ unit, says }) => {
    const { verdict, diagnosis } = saidOf(logOf(), { unit });
    expect(verdict).toBe('fail');
    expect(diagnosis).toEqual([expect.stringContaining(`the time unit may be wrong: ${says}`)]);
  });

  it('is there under a promise of windows, too', () => {
    const { verdict, diagnosis } = saidOf(logOf({ in10s: 100 }), { unit: 'ns' }, 'sliding-window:100/10s');
    expect(verdict).toBe('fail');
    expect(diagnosis).toEqual([expect.stringContaining('if all times were 1000 times as long')]);
  });

  it.each([
    { title: 'twice the rate', limiter: { perSecond: 20 }, says: ['the refill is 2 times'] },
    { title: 'twice the capacity', limiter: { capacity: 200 }, says: [] },
    { title: 'half the rate', limiter: { perSecond: 5 }, says: ['the refill is 0.5 times'] },
  ])('is silent where the limiter gave $title', ({ limiter, says }) =>
    expect(saidOf(logOf(limiter), { unit: 'us' })).toEqual({
      verdict: 'fail',
      diagnosis: says.map((start) => expect.stringContaining(start)),
    }),
  );

  it('U5: is silent where the promise judges no denials, which longer times satisfy', () => {
    const text = logOf({ in10s: 100 });
    for (const promise of ['fixed-window:20/10s:first', 'fixed-window:20/10s', 'sliding-counter:20/10s'])
      expect(saidOf(text, { unit: 'us' }, promise), promise).toEqual({ verdict: 'fail', diagnosis: [] });
  });

  it.each([
    { title: 'says it of a clock that counts from a start', startS: 5_000, says: 1 },
    { title: 'is silent where the times are dates of this century', startS: 1.7e9, says: 0 },
    { title: 'is silent where they would be dates after this century', startS: 4.2e6, says: 0 },
  ])('U5: $title', ({ startS, says }) => {
    const { verdict, diagnosis } = saidOf(logOf({ startS, shrink: 0.001 }), { unit: 'us' });
    expect(verdict).toBe('fail');
    expect(diagnosis.filter((one) => one.startsWith('the time unit may be wrong'))).toHaveLength(says);
  });

  it('says of a log without denials that it may be that, or no limiter', () => {
    const { verdict, diagnosis } = saidOf(logOf({ perSecond: 100 }), { unit: 'ns' });
    expect(verdict).toBe('fail');
    expect(diagnosis).toEqual([
      'the time unit may be wrong (--unit), or there is no limit: 2 of 2 buckets with an excess admitted more than 10 times what the whole log of 59.98 ms allows',
    ]);
  });
});

describe('of a log that others wrote, the sentence on its key', () => {
  const unit = 'us' as const;

  it.each([
    {
      title: 'all requests are of one bucket',
      changes: { key: 'node' },
      says: 'the key may be wrong: all requests are of one bucket (--key node), and client_ip, user look like keys',
    },
    {
      title: 'that was named',
      changes: { oneBucket: true as const },
      says: 'the key may be wrong: all requests are of one bucket (--one-bucket), and client_ip, user look like keys',
    },
    {
      title: 'each request has its own',
      changes: { key: 'id' },
      says: 'the key may be wrong: nearly each request has a bucket of its own (--key id), and client_ip, user look like keys',
    },
  ])('names the others where $title', ({ changes, says }) => {
    const { verdict, diagnosis } = saidOf(logOf({ perSecond: 20 }), { unit, ...changes });
    expect(verdict).toBe('fail');
    expect(diagnosis).toContain(says);
  });

  it('is silent where there are several buckets', () =>
    expect(saidOf(logOf({ perSecond: 1_000 }), { unit, key: 'path' }).diagnosis).toEqual([]));
});
