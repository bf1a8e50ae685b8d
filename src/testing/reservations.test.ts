import { expect, it } from 'vitest';
import type { Decision } from '../core/decision.ts';
import { type ErrorCode, OpenclawError } from '../core/errors.ts';
import { parsePolicy } from '../core/policy.ts';
import type { Operation } from '../history/records/operation.ts';
import type { Cost, Limiter, Reservation, Settlement } from '../limiter/limiter.ts';
import { recordTakes } from './record-takes.ts';

const ada = { user: 'ada', endpoint: 'chat' };
const evidence = { strategy: 'central', node: 'n', source: 'redis' } as const;
const lost = new OpenclawError('REPLY_LOST', 'lost');
const refused = new OpenclawError('ACTUAL_ABOVE_HELD', 'too much');

interface Script {
  readonly made?: Partial<Decision>;
  readonly settlement?: Settlement;
  readonly extensions?: readonly (boolean | Error)[];
  readonly settlements?: readonly (Cost | Error)[];
}

/** A limiter whose reservations answer by a script, one for each call of `reserve`; an error is thrown. */
function scripted(scripts: readonly (Script | Error)[], names = ['default']): Limiter {
  const rest = [...scripts];
  const policy = parsePolicy('20:5/s');
  const unable = async (): Promise<never> => {
    throw new OpenclawError('INVALID_OPTION', 'not here');
  };
  const policies =
    names.length < 2
      ? {}
      : {
          policies: names.map((policy) => ({ policy, remainingTokens: 1, levelQuanta: 1, retryAfterUs: 0 })),
        };
  const decided = (allowed: boolean): Decision => ({ allowed, evidence, ...policies });
  return {
    strategy: 'central',
    policy,
    policiesOf: () => names.map((name) => ({ name, policy })),
    take: unable,
    async reserve() {
      const next = rest.shift() ?? {};
      if (next instanceof Error) throw next;
      const [extensions, settlements] = [[...(next.extensions ?? [])], [...(next.settlements ?? [])]];
      const decision = { ...decided(true), ...next.made };
      const reservation: Reservation = {
        ...{ id: 'x', allowed: decision.allowed, decision, heldTokens: 0, held: {}, expiresAtUs: undefined },
        settlement: next.settlement,
        async extend() {
          const answer = extensions.shift() ?? true;
          if (answer instanceof Error) throw answer;
          return decided(answer);
        },
        async settle(actual) {
          const answer = settlements.shift() ?? actual;
          if (answer instanceof Error) throw answer;
          return { actual: typeof answer === 'number' ? { default: answer } : answer, evidence };
        },
      };
      return reservation;
    },
    peek: unable,
    refund: unable,
    rehome: unable,
    reset: unable,
    ready: async () => {},
    close: async () => {},
  };
}

async function operations(
  limiter: Limiter,
  act: (limiter: Limiter) => Promise<unknown>,
  policy = '20:5/s',
): Promise<Operation[]> {
  const recorded = recordTakes(limiter);
  await act(recorded.limiter);
  const lines = recorded.history().toNdjson(policy).trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'op');
}

const quiet = (promise: Promise<unknown>) => promise.catch(() => {});

it('is one operation, with its extensions, its settlement and its expiry', async () => {
  const [operation, ...others] = await operations(
    scripted([{ extensions: [true, false] }]),
    async (limiter) => {
      const reservation = await limiter.reserve(ada, { cost: 8, expiresMs: 500 });
      await reservation.extend(4);
      await reservation.extend(9);
      await reservation.settle(10);
    },
  );
  expect(others).toEqual([]);
  expect(operation).toMatchObject({
    ...{ bucket: 'chat:ada', cost: 8, outcome: 'allowed' },
    extended: [
      { cost: 4, outcome: 'allowed' },
      { cost: 9, outcome: 'denied' },
    ],
    settled: { cost: 10, outcome: 'allowed', decision: { node: 'n' } },
  });
  expect(operation?.expiresUs).toBe(Number(operation?.extended?.[0]?.invokedUs) + 500_000);
  const times = [
    operation?.completedUs,
    operation?.extended?.[0]?.completedUs,
    operation?.settled?.invokedUs,
  ];
  expect(times).toEqual(times.toSorted());
});

it('has the charges of each policy', async () => {
  const limiter = scripted([{ settlements: [{ requests: 1, tokens: 6 }] }], ['requests', 'tokens']);
  const [operation] = await operations(
    limiter,
    async (limiter) => {
      const reservation = await limiter.reserve(ada, { cost: { tokens: 8 } });
      await reservation.extend({ tokens: 4 });
      await reservation.settle({ tokens: 6 });
    },
    'requests=5:1/s, tokens=20:1/s',
  );
  const of = (tokens: Readonly<Record<string, number>>) =>
    Object.entries(tokens).map(([policy, cost]) => ({ bucket: 'chat:ada', cost, policy }));
  expect(operation).toMatchObject({
    charges: of({ requests: 1, tokens: 8 }),
    extended: [{ charges: of({ tokens: 4 }) }],
    settled: { charges: of({ requests: 1, tokens: 6 }) },
  });
});

it('of a denied one nothing follows, and errors are passed on', async () => {
  const recorded = await operations(
    scripted([{ made: { allowed: false } }, refused, lost]),
    async (limiter) => {
      expect((await limiter.reserve(ada, { cost: 8 })).allowed).toBe(false);
      await expect(limiter.reserve(ada)).rejects.toBe(refused);
      await expect(limiter.reserve(ada, { expiresMs: 10 })).rejects.toBe(lost);
    },
  );
  expect(recorded).toMatchObject([
    { outcome: 'denied', cost: 8 },
    { outcome: 'failed' },
    { outcome: 'info', expiresUs: expect.any(Number) },
  ]);
});

it('joins what was repeated after a lost reply', async () => {
  const script = { extensions: [lost, lost, true, true], settlements: [lost, refused, 3] };
  const [operation] = await operations(scripted([script]), async (limiter) => {
    const reservation = await limiter.reserve(ada, { cost: 8 });
    for (let times = 0; times < 4; times++) await quiet(reservation.extend(2));
    for (const actual of [5, 50, 3]) await quiet(reservation.settle(actual));
  });
  expect(operation?.extended).toMatchObject([
    { cost: 2, outcome: 'allowed' },
    { cost: 2, outcome: 'allowed' },
  ]);
  expect(operation?.settled).toMatchObject({ cost: 3, outcome: 'allowed' });
  const [first, second] = operation?.extended ?? [];
  expect(Number(first?.completedUs)).toBeLessThanOrEqual(Number(second?.invokedUs) + 1);
});

const coded = (code: ErrorCode) => new OpenclawError(code, 'as scripted');

it.each([
  { title: 'denied', between: false },
  { title: 'unreachable', between: coded('REDIS_UNREACHABLE') },
  { title: 'lost', between: lost },
])('does not join extensions with another cost between them: $title', async ({ between }) => {
  const script = { extensions: [lost, between, true] };
  const [operation] = await operations(scripted([script]), async (limiter) => {
    const reservation = await limiter.reserve(ada, { cost: 8 });
    for (const cost of [5, 7, 5]) await quiet(reservation.extend(cost));
  });
  expect(operation?.extended?.filter(({ cost }) => cost === 5)).toMatchObject([
    { outcome: 'info', completedUs: null },
    { outcome: 'allowed' },
  ]);
});

it.each([
  { title: 'the same cost denied', costs: [5, 5, 5], between: false },
  { title: 'the same cost by name', costs: [5, { default: 5 }, 5], between: lost },
  { title: 'an invalid cost', costs: [5, 99, 5], between: coded('COST_ABOVE_CAPACITY') },
])('joins extensions with $title between them', async ({ costs, between }) => {
  const script = { extensions: [lost, between, true] };
  const [operation] = await operations(scripted([script]), async (limiter) => {
    const reservation = await limiter.reserve(ada, { cost: 8 });
    for (const cost of costs) await quiet(reservation.extend(cost));
  });
  const made = operation?.extended?.filter(({ outcome }) => outcome !== 'denied');
  expect(made).toMatchObject([{ cost: 5, outcome: 'allowed' }]);
});

it('joins neither extensions of two handles, nor those before and after one of another process', async () => {
  const scripts = [
    { extensions: [lost, coded('RESERVATION_CHANGED'), true] },
    { extensions: [true], made: { isRemembered: true as const } },
  ];
  const [operation] = await operations(scripted(scripts), async (limiter) => {
    const [one, other] = [
      await limiter.reserve(ada, { cost: 8, decisionId: 'job' }),
      await limiter.reserve(ada, { cost: 8, decisionId: 'job' }),
    ];
    for (const reservation of [one, other, one, one]) await quiet(reservation.extend(5));
  });
  expect(operation?.extended?.map(({ outcome }) => outcome)).toEqual(['info', 'allowed', 'allowed']);
});

it('counts what may have happened: lost extensions, and the least that was asked for', async () => {
  const script = { extensions: [lost, true], settlements: [lost, lost] };
  const [operation] = await operations(scripted([script]), async (limiter) => {
    const reservation = await limiter.reserve(ada, { cost: 8 });
    await quiet(reservation.extend(2));
    await quiet(reservation.extend(3));
    await quiet(reservation.settle(6));
    await quiet(reservation.settle(4));
  });
  expect(operation).toMatchObject({
    extended: [
      { cost: 2, outcome: 'info', completedUs: null },
      { cost: 3, outcome: 'allowed' },
    ],
    settled: { cost: 4, outcome: 'info', completedUs: null },
  });
});

it('leaves out what certainly did nothing', async () => {
  const script = { extensions: [refused], settlements: [refused] };
  const [operation] = await operations(scripted([script]), async (limiter) => {
    const reservation = await limiter.reserve(ada, { cost: 8 });
    await quiet(reservation.extend(2));
    await quiet(reservation.settle(9));
  });
  expect(operation?.extended).toBeUndefined();
  expect(operation?.settled).toBeUndefined();
});

it('of a resumed one there is one charge, and one record of what followed', async () => {
  const settlement = { actual: { default: 5 }, evidence };
  const resumed = { made: { isRemembered: true as const } };
  const scripts = [lost, resumed, { ...resumed, settlement }];
  const recorded = await operations(scripted(scripts), async (limiter) => {
    await quiet(limiter.reserve(ada, { cost: 8, decisionId: 'job' }));
    await (await limiter.reserve(ada, { cost: 8, decisionId: 'job' })).extend(1);
    await limiter.reserve(ada, { cost: 8, decisionId: 'job' });
  });
  expect(
    recorded.map(({ decisionId, outcome, extended, settled }) => [
      decisionId,
      outcome,
      extended?.length,
      settled?.cost,
    ]),
  ).toEqual([
    ['reservation job', 'info', undefined, undefined],
    ['reservation job', 'allowed', 1, 5],
    ['reservation job', 'allowed', undefined, undefined],
  ]);
});

it('refuses one that was made before the recording', async () => {
  const { limiter, history } = recordTakes(scripted([{ made: { isRemembered: true } }]));
  const reservation = await limiter.reserve(ada, { decisionId: 'job' });
  await reservation.settle(0);
  expect(history).toThrow('a reservation was resumed that was made before the recording began');
});

it('of one that was made again after it expired is another one, with an id of its own', async () => {
  const recorded = await operations(scripted([{}, {}]), async (limiter) => {
    for (const cost of [8, 8]) await limiter.reserve(ada, { cost, decisionId: 'job', expiresMs: 10 });
  });
  const [first, again] = recorded;
  expect(recorded.map(({ decisionId }) => decisionId)).toEqual(['reservation job', 'reservation job 2']);
  expect(again?.expiresUs).toBe(Number(again?.invokedUs) + 10_000);
  expect(first?.expiresUs).toBe(Number(first?.invokedUs) + 10_000);
});

it('of one without Redis: extensions by a failure policy are takes, in shadow mode nothing follows', async () => {
  const made = {
    evidence: { ...evidence, source: 'fallback' as const },
    undecided: 'REDIS_UNREACHABLE' as const,
  };
  const shadow = { shadow: 'denied' as const };
  const recorded = await operations(scripted([{ made }, { made: shadow }]), async (limiter) => {
    for (const cost of [8, 9]) {
      const reservation = await limiter.reserve(ada, { cost, expiresMs: 10 });
      await reservation.extend(2);
      await reservation.settle(1);
    }
  });
  expect(
    recorded.map(({ cost, outcome, settled, expiresUs }) => [cost, outcome, settled, expiresUs]),
  ).toEqual([
    [8, 'allowed', undefined, undefined],
    [2, 'allowed', undefined, undefined],
    [9, 'denied', undefined, undefined],
  ]);
});

it('a history does not change afterwards', async () => {
  const { limiter, history } = recordTakes(scripted([{}]));
  const reservation = await limiter.reserve(ada, { cost: 8 });
  const before = history();
  await reservation.settle(3);
  expect(before.toNdjson('20:5/s')).not.toContain('settled');
  expect(history().toNdjson('20:5/s')).toContain('"settled":{"cost":3');
});
