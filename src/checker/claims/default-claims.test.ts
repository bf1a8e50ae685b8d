import { describe, expect, it } from 'vitest';
import { parsePromise } from '../../core/promise.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { claimForStrategy, claimsOfRun, defaultClaims } from './default-claims.ts';

const EXACT = 'total-excess <= 0; false-denials <= 0; replay <= 0';
const DECLARED = 'total-excess <= bound; false-denials <= 0; replay <= 0';
const TOTAL = 'total-excess <= bound';
const WINDOW = 'worst-window <= bound';

const QUIET = (contested: number) => `info <= 5%; failed <= 5%; contested >= ${contested}%`;
const BROKEN = (info: number, contested: number) => `info <= ${info}%; contested >= ${contested}%`;

/** What each strategy claims where nothing goes wrong and services refuse or do not, and under a fault. */
const OF_STRATEGIES: Readonly<Record<StrategyName, readonly [string, string, string, number]>> = {
  central: [EXACT, DECLARED, TOTAL, 80],
  acked: [EXACT, DECLARED, TOTAL, 80],
  article: [EXACT, DECLARED, WINDOW, 80],
  'active-active': [WINDOW, WINDOW, WINDOW, 80],
  'active-active-lww': [WINDOW, WINDOW, WINDOW, 80],
  'replica-reads': [EXACT, DECLARED, TOTAL, 80],
  lease: [TOTAL, TOTAL, TOTAL, 40],
  'lease-unacked': [TOTAL, TOTAL, TOTAL, 80],
};

it.each(STRATEGY_NAMES)('a run of %s claims what it declares, with the evidence for it', (strategy) => {
  const [closed, open, underFault, contested] = OF_STRATEGIES[strategy];
  const claims = (run: object) => defaultClaims({ strategy, ...run }).join('; ');
  expect(claims({})).toBe(`${closed}; dishonest <= 0; ${QUIET(contested)}`);
  expect(claims({ onFailure: 'closed' })).toBe(`${closed}; dishonest <= 0; ${QUIET(contested)}`);
  for (const onFailure of ['open', 'local-share']) {
    expect(claims({ onFailure })).toBe(`${open}; dishonest <= 0; ${QUIET(contested)}`);
    expect(claims({ onFailure, fault: {} })).toBe(`${underFault}; dishonest <= 0; ${BROKEN(15, contested)}`);
  }
  expect(claims({ fault: {} })).toBe(`${underFault}; dishonest <= 0; ${BROKEN(15, contested)}`);
  expect(claims({ fault: { losesReplies: true } })).toBe(
    `${underFault}; dishonest <= 0; ${BROKEN(30, contested)}`,
  );
});

it.each([
  { promise: 'token-bucket', isClockRead: false, claims: 'total-excess <= 0; false-denials <= 0' },
  { promise: 'sliding-window:9/60s', isClockRead: false, claims: 'windows <= 0; false-denials <= 0' },
  { promise: 'fixed-window:9/60s:epoch', isClockRead: true, claims: 'windows <= 0; false-denials <= 0' },
  {
    promise: 'fixed-window:9/60s:epoch',
    isClockRead: false,
    claims: 'windows <= 0; admitted >= 50% of ideal',
  },
  {
    promise: 'fixed-window:9/60s:first',
    isClockRead: true,
    claims: 'windows <= 0; admitted >= 50% of ideal',
  },
  { promise: 'sliding-counter:9/60s', isClockRead: true, claims: 'windows <= 0; admitted >= 50% of ideal' },
])(
  'a run of $promise claims what can be judged of it, its clock read: $isClockRead',
  ({ promise, isClockRead, claims }) => {
    const run = { promise: parsePromise(promise), strategy: 'lease', isClockRead } as const;
    expect(defaultClaims(run).join('; ')).toBe(`${claims}; ${QUIET(80)}`);
    expect(defaultClaims({ ...run, fault: {} }).join('; ')).toBe(`${claims}; ${BROKEN(15, 80)}`);
    expect(defaultClaims({ ...run, fault: { losesReplies: true } }).join('; ')).toBe(
      `${claims}; ${BROKEN(30, 80)}`,
    );
  },
);

it.each([
  { given: [], has: `${EXACT}; dishonest <= 0; ${QUIET(80)}` },
  {
    given: ['p99(allowed) <= 60s', 'throughput >= 9/s'],
    has: `${EXACT}; dishonest <= 0; ${QUIET(80)}; p99(allowed) <= 60s; throughput >= 9/s`,
  },
  {
    given: ['info <= 50%', 'contested >= 1'],
    has: `${EXACT}; dishonest <= 0; failed <= 5%; info <= 50%; contested >= 1`,
  },
  {
    given: ['failed <= 9% during flap'],
    has: `${EXACT}; dishonest <= 0; ${QUIET(80)}; failed <= 9% during flap`,
  },
  { given: ['total-excess <= 10%'], has: 'total-excess <= 10%' },
  {
    given: ['p99(allowed) <= 60s', 'dishonest <= 0 before'],
    has: 'p99(allowed) <= 60s; dishonest <= 0 before',
  },
])(
  'a run with the claims $given has those of its strategy, unless one is on correctness',
  ({ given, has }) => {
    expect(claimsOfRun(given, { strategy: 'central' }).join('; ')).toBe(has);
  },
);

describe('a claim of a scenario under another strategy', () => {
  it.each([
    { claim: 'contested >= 80%', strategy: 'lease', want: 'contested >= 40%' },
    { claim: 'contested >= 30%', strategy: 'lease', want: 'contested >= 30%' },
    { claim: 'contested >= 100', strategy: 'lease', want: 'contested >= 100' },
    { claim: 'total-excess <= 0', strategy: 'lease', want: 'total-excess <= 0' },
    { claim: 'contested >= 80%', strategy: 'lease-unacked', want: 'contested >= 80%' },
    { claim: 7, strategy: 'lease', want: 7 },
  ])('$claim under $strategy: $want', ({ claim, strategy, want }) => {
    expect(claimForStrategy(claim, strategy)).toBe(want);
  });
});
