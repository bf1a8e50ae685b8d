import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Decision } from '../core/decision.ts';
import { OpenclawError } from '../core/errors.ts';
import { parsePolicy } from '../core/policy.ts';
import type { Operation } from '../history/records/operation.ts';
import { rateLimit } from '../http/fetch.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { type GiveHistory, recordTakes } from './record-takes.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The operations of a history, without what is equal in all of them. */
function operationsOf(history: GiveHistory, policy = '20:5/s'): Operation[] {
  return history()
    .toNdjson(policy)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'op');
}

const outcomesOf = (history: GiveHistory) => operationsOf(history).map(({ outcome }) => outcome);
const bucketsOf = (history: GiveHistory) => operationsOf(history).map(({ bucket }) => bucket);

/** A limiter of this library as far as it is recorded: it answers what it is given. */
function limiterOf(answers: readonly (Partial<Decision> | Error)[], policies = ['20:5/s']): Limiter {
  const rest = [...answers];
  const policy = parsePolicy('20:5/s');
  const unable = async (): Promise<never> => {
    throw new OpenclawError('INVALID_OPTION', 'not here');
  };
  return {
    strategy: 'central',
    policy,
    policiesOf: () =>
      policies.map((text, at) => ({ name: at === 0 ? 'default' : `p${at}`, policy: parsePolicy(text) })),
    async take() {
      const answer = rest.shift();
      if (answer instanceof Error) throw answer;
      return { allowed: true, evidence: { strategy: 'central', node: 'n', source: 'redis' }, ...answer };
    },
    peek: unable,
    refund: unable,
    reserve: unable,
    rehome: unable,
    reset: unable,
    ready: async () => {},
    close: async () => {},
  };
}

const ada = { user: 'ada', endpoint: 'search' };

describe('recordTakes of a function', () => {
  it.each([
    [true, 'allowed'],
    [false, 'denied'],
    ['denied', 'denied'],
    ['failed', 'failed'],
    ['info', 'info'],
    [{ allowed: true }, 'allowed'],
    [{ allowed: false, retryAfterMs: 5 }, 'denied'],
  ] as const)('reads %j as %s', async (answer, outcome) => {
    const { take, history } = recordTakes(async (_key: string) => answer);
    await take('ada');
    expect(outcomesOf(history)).toEqual([outcome]);
  });

  it('keeps what it states', async () => {
    const { take, history } = recordTakes((_key: string) => ({
      allowed: false,
      remaining: 0.25,
      retryAfterMs: 150,
      resetMs: 3_950,
    }));
    take('ada');
    expect(operationsOf(history)[0]?.stated).toEqual({
      ...{ remaining: 0.25, retryAfterS: 0.15, reset: 3.95, resetForm: 'delta' },
    });
  });

  it('answers and fails as the function does, at once where that answers at once', async () => {
    const answer = { allowed: true, more: 7 };
    const { take } = recordTakes((_key: string) => answer);
    expect(take('ada')).toBe(answer);
    const promise = Promise.resolve(true);
    expect(recordTakes((_key: string) => promise).take('ada')).toBe(promise);
    const error = new Error('no connection');
    const failing = recordTakes((_key: string): boolean => {
      throw error;
    });
    expect(() => failing.take('ada')).toThrow(error);
    expect(outcomesOf(failing.history)).toEqual(['info']);
  });

  it.each([
    ['info', new Error('timeout'), 'Error'],
    ['info', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    ['failed', Object.assign(new Error('refused'), { charge: 'none' }), 'Error'],
    ['failed', new OpenclawError('REDIS_UNREACHABLE', 'away'), 'REDIS_UNREACHABLE'],
    ['info', new OpenclawError('REPLY_LOST', 'away'), 'REPLY_LOST'],
  ])('reads a rejection as %s: %s', async (outcome, error, code) => {
    const { take, history } = recordTakes((_key: string) => Promise.reject<boolean>(error));
    await expect(take('ada')).rejects.toBe(error);
    expect(operationsOf(history)).toMatchObject([{ outcome, error: code }]);
  });

  it('names the bucket by the first argument, by an option, or counts all calls as one', () => {
    const named = recordTakes((_key: string) => true);
    named.take('ada');
    expect(bucketsOf(named.history)).toEqual(['ada']);
    const subject = recordTakes((_subject: typeof ada) => true);
    subject.take(ada);
    subject.take({ user: 'b:c', endpoint: 'a' });
    subject.take({ user: 'c', endpoint: 'a:b' });
    expect(bucketsOf(subject.history)).toEqual(['search:ada', 'a:b:c', 'a%3Ab:c']);
    const chosen = recordTakes((_request: { ip: string }) => true, { bucket: ({ ip }) => `ip ${ip}` });
    chosen.take({ ip: '::1' });
    expect(bucketsOf(chosen.history)).toEqual(['ip ::1']);
    const single = recordTakes(() => true);
    single.take();
    expect(bucketsOf(single.history)).toEqual(['all requests']);
  });

  it('takes the cost from an option', () => {
    const { take, history } = recordTakes((_key: string, _tokens: number) => true, {
      cost: (_key, tokens) => tokens,
    });
    take('ada', 7);
    expect(operationsOf(history)[0]?.cost).toBe(7);
  });

  it('records a hundred takes at once, each with its own interval', async () => {
    const { take, history } = recordTakes(async (_key: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    });
    await Promise.all(Array.from({ length: 100 }, () => take('ada')));
    const operations = operationsOf(history);
    expect(new Set(operations.map(({ index }) => index)).size).toBe(100);
    const last = Math.max(...operations.map(({ invokedUs }) => invokedUs));
    expect(operations.every(({ completedUs }) => Number(completedUs) >= last)).toBe(true);
  });

  it('counts a take without an answer as perhaps charged, until it answers', async () => {
    let answer: (allowed: boolean) => void = () => {};
    const { take, history } = recordTakes(
      (_key: string) => new Promise<boolean>((resolve) => (answer = resolve)),
    );
    const taking = take('ada');
    const before = history();
    answer(false);
    await taking;
    expect(outcomesOf(history)).toEqual(['denied']);
    expect(outcomesOf(() => before)).toEqual(['info']);
  });
});

describe('recordTakes of a limiter', () => {
  it('records decisions with what they state, and where they were made', async () => {
    const { limiter, history } = recordTakes(
      limiterOf([{ remainingTokens: 19 }, { allowed: false, remainingTokens: 0, retryAfterUs: 200_000 }]),
    );
    await limiter.take(ada, { cost: 3 });
    await limiter.take(ada);
    expect(operationsOf(history)).toMatchObject([
      {
        bucket: 'search:ada',
        cost: 3,
        outcome: 'allowed',
        stated: { remaining: 19 },
        decision: { node: 'n' },
      },
      { cost: 1, outcome: 'denied', stated: { remaining: 0, retryAfterS: 0.2 } },
    ]);
  });

  it.each([
    ['denied', 'denied'],
    ['REDIS_UNREACHABLE', 'failed'],
    ['REPLY_TIMEOUT', 'info'],
  ] as const)('records what shadow mode replaced: %s as %s', async (shadow, outcome) => {
    const { limiter, history } = recordTakes(limiterOf([{ shadow }]));
    expect((await limiter.take(ada)).allowed).toBe(true);
    expect(outcomesOf(history)).toEqual([outcome]);
  });

  it('does not record a take that was refused for its cost', async () => {
    const { limiter, history } = recordTakes(limiterOf([new OpenclawError('INVALID_COST', 'no'), {}]));
    await expect(limiter.take(ada, { cost: -1 })).rejects.toThrow('no');
    await limiter.take(ada);
    expect(outcomesOf(history)).toEqual(['allowed']);
  });

  it('counts a remembered admission once, at its cost, and not if it is older than the recording', async () => {
    const { limiter, history } = recordTakes(
      limiterOf([{ isRemembered: true }, {}, { isRemembered: true }, { allowed: false }, {}]),
    );
    await limiter.take(ada, { decisionId: 'old' });
    await limiter.take(ada, { decisionId: 'a', cost: 3 });
    await limiter.take(ada, { decisionId: 'a', cost: 5 });
    await limiter.take(ada, { decisionId: 'b', cost: 9 });
    await limiter.take(ada, { decisionId: 'a' });
    expect(operationsOf(history)).toMatchObject([
      { decisionId: 'a', cost: 3 },
      { decisionId: 'a', cost: 3 },
      { outcome: 'denied', cost: 9 },
      { decisionId: 'a 2', cost: 1 }, // charged again: the limiter had forgotten it
    ]);
  });

  it('joins a lost take with the admission that a retry was told of', async () => {
    const { limiter, history } = recordTakes(
      limiterOf([new OpenclawError('REPLY_LOST', 'lost'), { isRemembered: true }]),
    );
    await expect(limiter.take(ada, { decisionId: 'a' })).rejects.toThrow('lost');
    await limiter.take(ada, { decisionId: 'a' });
    expect(operationsOf(history)).toMatchObject([
      { decisionId: 'a', outcome: 'info' },
      { decisionId: 'a', outcome: 'allowed' },
    ]);
  });

  it('records moves to another home, and of one without an answer no end', async () => {
    const error = (code: 'MOVE_REFUSED' | 'INVALID_OPTION' | 'REPLY_TIMEOUT') =>
      new OpenclawError(code, 'no');
    const answers = [undefined, error('MOVE_REFUSED'), error('INVALID_OPTION'), error('REPLY_TIMEOUT')];
    const rest = [...answers];
    const rehome: Limiter['rehome'] = async () => {
      const answer = rest.shift();
      if (answer !== undefined) throw answer;
      return { moved: true } as never;
    };
    const { limiter, history } = recordTakes<Limiter>({ ...limiterOf([{}]), rehome });
    await limiter.take(ada);
    for (const [at] of answers.entries())
      await limiter.rehome(ada, { from: 'eu', to: 'us', move: at + 1 }).catch(() => {});
    const moves = history()
      .toNdjson('20:5/s')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'move');
    const args = { bucket: 'search:ada', from: 'eu', to: 'us' };
    expect(moves.map((event) => event.args)).toEqual([
      { ...args, move: 1, untilUs: expect.any(Number) },
      { ...args, move: 2, untilUs: expect.any(Number) },
      { ...args, move: 4, untilUs: null },
    ]);
    expect(moves.every(({ atUs, args: { untilUs } }) => untilUs === null || atUs <= untilUs)).toBe(true);
  });

  it('records refunds as negative costs, and resets', async () => {
    const level = {
      levelQuanta: 0,
      remainingTokens: 0,
      timeToNextTokenUs: 0,
      timeToFullUs: 0,
      node: 'n',
      atUs: 0,
    };
    const giving: Limiter = { ...limiterOf([{}]), refund: async () => level, reset: async () => {} };
    const { limiter, history } = recordTakes(giving);
    await limiter.take(ada, { cost: 3 });
    await limiter.refund(ada, { cost: 2 });
    await limiter.reset(ada);
    expect(operationsOf(history).map(({ cost }) => cost)).toEqual([3, -2]);
    expect(history().toNdjson('20:5/s')).toMatch(
      /"event":"reset","atUs":\d+,"args":\{"bucket":"search:ada","untilUs":\d+\}/,
    );
  });

  it('passes on everything else, also of a class with private fields', async () => {
    class Private {
      #left = 1;
      take(_key: string) {
        return this.#left-- > 0;
      }
      get left() {
        return this.#left;
      }
      more(tokens: number) {
        this.#left += tokens;
        return this;
      }
    }
    const { limiter, history } = recordTakes(new Private());
    limiter.take('ada');
    limiter.more(2);
    expect(limiter.left).toBe(2);
    expect(outcomesOf(history)).toEqual(['allowed']);
  });

  it('charges several policies, each by its name', async () => {
    const policies = [
      { policy: 'burst', remainingTokens: 1, levelQuanta: 1, retryAfterUs: 0 },
      { policy: 'daily', remainingTokens: 1, levelQuanta: 1, retryAfterUs: 0 },
    ];
    const { limiter, history } = recordTakes(limiterOf([{ policies }, { policies }], ['2:1/s', '9:1/h']));
    await limiter.take(ada, { cost: { burst: 2 } });
    await limiter.take(ada, { cost: 3 });
    const written = operationsOf(history, 'burst=5:1/s, daily=9:1/h').map(({ charges }) =>
      charges?.map(({ cost }) => cost),
    );
    expect(written).toEqual([
      [2, 1],
      [3, 3],
    ]);
    expect(() => history().toNdjson('2:1/s')).toThrow(
      'the limiter decides by the policies burst, daily together',
    );
  });
});

describe('recordTakes of HTTP', () => {
  const reply = (status: number, headers: Record<string, string> = {}) =>
    new Response(null, { status, headers });

  it.each([
    [200, 'allowed'],
    [204, 'allowed'],
    [429, 'denied'],
    [503, 'info'],
    [404, 'info'],
  ])('reads status %i as %s', async (status, outcome) => {
    const { fetch, history } = recordTakes((_request: Request) => reply(status));
    expect((await fetch(new Request('http://a.test/'))).status).toBe(status);
    expect(operationsOf(history)).toMatchObject([{ outcome, bucket: 'all requests' }]);
  });

  it('reads other statuses by an option, and buckets of a header', async () => {
    const { fetch, history } = recordTakes((_request: Request) => reply(404), {
      decide: ({ status }) => (status === 404 ? 'allowed' : 'info'),
      bucket: (request) => request.headers.get('x-api-key') ?? 'none',
      cost: () => 2,
    });
    await fetch(new Request('http://a.test/', { headers: { 'x-api-key': 'ada' } }));
    expect(operationsOf(history)).toMatchObject([{ outcome: 'allowed', bucket: 'ada', cost: 2 }]);
  });

  it('keeps what headers state, and the decision that our middleware adds', async () => {
    const decided: Partial<Decision> = { allowed: false, remainingTokens: 0, retryAfterUs: 200_000 };
    const limiter = limiterOf([decided]);
    const handler = rateLimit(() => new Response('ok'), { limiter, subject: () => ada, evidence: true });
    const { fetch, history } = recordTakes(handler);
    await fetch(new Request('http://a.test/'));
    expect(operationsOf(history)).toMatchObject([
      {
        outcome: 'denied',
        decision: { node: 'n' },
        stated: { remaining: 0, limit: 20, windowS: 4, retryAfterS: 1 },
      },
    ]);
  });

  it('asks an address by paths', async () => {
    const asked = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation(async (input) => reply((input as Request).url.endsWith('/b') ? 429 : 200));
    const { fetch, history } = recordTakes('http://127.0.0.1:1/', {
      bucket: ({ url }) => new URL(url).pathname,
    });
    await fetch('/a');
    await fetch('b', { method: 'POST' });
    asked.mockRejectedValue(new TypeError('fetch failed'));
    await expect(fetch('/c')).rejects.toThrow('fetch failed');
    expect(operationsOf(history)).toMatchObject([
      { bucket: '/a', outcome: 'allowed' },
      { bucket: '/b', outcome: 'denied' },
      { bucket: '/c', outcome: 'info', error: 'TypeError' },
    ]);
  });
});

describe('the clock of a recording', () => {
  it('is monotonic and real, whatever is faked, once it is said that the limiter runs in real time', () => {
    const before = performance.timeOrigin + performance.now();
    vi.useFakeTimers({ now: 5, toFake: ['Date', 'performance', 'hrtime', 'setTimeout'] });
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const { take, history } = recordTakes((_key: string) => true, { now: 'real' });
    take('ada');
    vi.advanceTimersByTime(3_600_000);
    take('ada');
    const [first, second] = operationsOf(history);
    expect(first?.invokedUs).toBeGreaterThanOrEqual(Math.floor(before * 1_000) - 2);
    expect(Number(second?.completedUs) - Number(first?.invokedUs)).toBeLessThan(60_000_000);
    expect(Number(first?.completedUs)).toBeGreaterThan(Number(first?.invokedUs));
  });

  it('is that of the limiter where a test fakes it: points, and one clock', () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const { take, history } = recordTakes((_key: string) => true, { now: () => Date.now() });
    take('ada');
    vi.advanceTimersByTime(250);
    take('ada');
    expect(operationsOf(history).map(({ invokedUs, completedUs }) => [invokedUs, completedUs])).toEqual([
      [1_700_000_000_000_000, 1_700_000_000_000_000],
      [1_700_000_000_250_000, 1_700_000_000_250_000],
    ]);
    expect(history().toNdjson('20:5/s')).toContain('"clocks":"one"');
  });

  it.each(['before', 'after'])('asks which it is if Date is faked %s the recording began', (when) => {
    if (when === 'before') vi.useFakeTimers({ now: Date.now() });
    const { take, history } = recordTakes((_key: string) => true);
    if (when === 'after') vi.useFakeTimers();
    expect(take('ada')).toBe(true);
    expect(history).toThrow(
      /Date is faked, .*\n {2}give recordTakes the limiter's clock: now: \(\) => Date\.now\(\)/,
    );
  });

  it.each([
    ['went back', [10, 9], /went back from 10 to 9 ms/],
    ['is no number', [10, Number.NaN], /now must return milliseconds; found NaN/],
  ])('refuses one that %s', (_title, times, message) => {
    const rest = [...times];
    const { take, history } = recordTakes((_key: string) => true, { now: () => rest.shift() ?? 11 });
    expect(take('ada')).toBe(true);
    expect(history).toThrow(message);
  });
});

describe('what cannot be recorded', () => {
  it.each([
    [
      'an unknown option',
      () => recordTakes(() => true, { buckets: 1 } as object),
      /unknown option "buckets" of recordTakes/,
    ],
    ['an object without take', () => recordTakes({} as never), /takes a limiter, a function, or an address/],
    [
      'a clock that is neither',
      () => recordTakes(() => true, { now: 5 as never }),
      /option now of recordTakes must be a function/,
    ],
  ])('is refused at once: %s', (_title, record, message) => expect(record).toThrow(message));

  it.each([
    [
      'a result',
      () => ({ success: true }) as never,
      {},
      /cannot read the result of a take: .*found an object with "success"/,
    ],
    ['a negative wait', () => ({ allowed: false, retryAfterMs: -1 }), {}, /cannot read the result/],
    [
      'a bucket',
      () => true,
      { bucket: () => '' },
      /option bucket of recordTakes must return the name of a bucket, a text; found ""/,
    ],
    [
      'a cost',
      () => true,
      { cost: () => 0.5 },
      /a cost must be a whole number of tokens from 1 to 2\^31 - 1; found 0\.5/,
    ],
    [
      'an option that throws',
      () => true,
      {
        bucket: () => {
          throw new Error('no header');
        },
      },
      /no header/,
    ],
  ])('never reaches the code under test, but makes history throw: %s', (_title, run, options, message) => {
    const { take, history } = recordTakes(run as () => boolean, options);
    expect(take()).toEqual(run());
    expect(history).toThrow(message);
  });

  it('is more than the limit, which bounds memory', () => {
    const { take, history } = recordTakes(() => true, { mostTakes: 2 });
    for (let times = 0; times < 2; times++) take();
    expect(outcomesOf(history)).toHaveLength(2);
    expect(take()).toBe(true);
    expect(history).toThrow(
      'the limiter was asked more than 2 times, the most that this recording keeps\n  judge fewer takes',
    );
  });
});
