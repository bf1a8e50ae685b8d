import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { makeRandom } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';
import { parseClaim } from '../claims/claim.ts';

const MS = 1_000;
const LIMIT = 20;
const WINDOW_US = 4_000 * MS;
const WINDOWS = parsePromise('fixed-window:20/4s:first');

/** A counter that begins a window with its first request. */
function makeCounter(limit: number) {
  const windows = new Map<string, { startUs: number; count: number }>();
  return (user: string, us: number): boolean => {
    const known = windows.get(user);
    const window = known && us < known.startUs + WINDOW_US ? known : { startUs: us, count: 0 };
    windows.set(user, window);
    window.count++;
    return window.count <= limit;
  };
}

interface Load {
  readonly seed: number;
  readonly users: number;
  /** The store of each side. */
  readonly stores: readonly number[];
  /** How many users are asked for at every side; the others each at one. */
  readonly roaming: number;
  /** What each store admits in a window. */
  readonly limit?: number;
}

/** 150 requests a second for 24 s. */
function historyOfSides({ seed, users, stores, roaming, limit = LIMIT }: Load) {
  const random = makeRandom(seed, 'sides');
  const regions = stores.map((_, side) => 'abcdef'[side] as string);
  const counters = stores.map(() => makeCounter(limit));
  const parts = Array.from({ length: 24 * 150 }, (_, at): OperationPart => {
    const user = Math.floor(random() * users);
    const side = user < roaming ? Math.floor(random() * stores.length) : user % stores.length;
    const invokedUs = Math.floor((at * 1_000_000) / 150);
    const isAllowed = counters[stores[side] as number]?.(`u${user}`, invokedUs + 500);
    return {
      ...{ bucket: `u${user}`, region: regions[side] as string, invokedUs, completedUs: invokedUs + 1_000 },
      outcome: isAllowed ? 'allowed' : 'denied',
    };
  });
  return historyOf(parts, { policy: '20:5/s', header: { regions, strategy: 'external', clocks: 'apart' } });
}

function judged(load: Load) {
  return checkHistory(historyOfSides(load), {
    ...{ busiest: [], promise: WINDOWS, headroomAtMost: 1 },
    claims: ['windows <= 0', 'sides >= 100%'].map(parseClaim),
  });
}

const SEEDS = [1, 2, 3];
const FEW = [2, 3, 4, 5, 6, 8, 10, 12];

describe('U1: a limit that each side counts alone', () => {
  it.each(FEW)('never passes with %d users, whether or not they roam', (users) => {
    for (const seed of SEEDS)
      for (const roaming of [0, 1, users])
        expect(judged({ seed, users, roaming, stores: [0, 1, 2] }).verdict).not.toBe('pass');
  });

  it.each(FEW)('never passes where two of three share a store, with %d users', (users) => {
    for (const seed of SEEDS) {
      for (const roaming of [0, 1, users])
        expect(judged({ seed, users, roaming, stores: [0, 0, 1] }).verdict).not.toBe('pass');
      expect(judged({ seed, users, roaming: 0, stores: [0, 0, 1] }).sides).toMatchObject({ joined: 0 });
    }
  });

  it.each(FEW)(
    'never passes with %d users, where each limit is smaller, and all together are above the promised one',
    (users) => {
      for (const seed of SEEDS)
        for (const roaming of [1, users])
          expect(judged({ seed, users, roaming, stores: [0, 1, 2], limit: 8 }).verdict).not.toBe('pass');
    },
  );

  it.each(FEW)('passes where all three share one, with %d users that roam', (users) => {
    for (const seed of SEEDS)
      expect(judged({ seed, users, roaming: users, stores: [0, 0, 0] })).toMatchObject({
        verdict: 'pass',
        sides: { count: 3, joined: 3, leftOut: [] },
      });
  });
});

describe('U1: a side that is left out', () => {
  const report = judged({ seed: 1, users: 6, roaming: 0, stores: [0, 0, 0] });

  it('may count alone with a smaller limit, and is named', () => {
    const { claims } = judged({ seed: 1, users: 6, roaming: 3, stores: [0, 1, 2], limit: 8 });
    const claim = claims.find(({ claim }) => claim === 'sides >= 100%');
    expect(claim?.reason).toMatch(
      /^none of the 3 sides was .*; a, b, c may count alone with a smaller limit; /,
    );
  });

  it('is named, with the flag that mends it', () => {
    const claim = report.claims.find(({ claim }) => claim === 'sides >= 100%');
    expect(report.verdict).toBe('unknown');
    expect(claim?.reason).toMatch(
      /^none of the 3 sides was seen to count together; a, b, c may count alone; /,
    );
    expect(claim?.reason).toMatch(/--roaming auto/);
  });
});

it('sides whose denials are not judged may have a smaller limit together, and the line says so', () => {
  const { claims } = judged({ seed: 1, users: 6, roaming: 6, stores: [0, 0, 0] });
  const sides = claims.find(({ claim }) => claim === 'sides >= 100%');
  expect(sides?.reason).toMatch(/^all 3 sides .*, or some of them with smaller limits: no denial is judged/);
});

describe('a denial', () => {
  const drained = (side: string, outcome: 'allowed' | 'denied', us: number): OperationPart => ({
    ...{ region: side, outcome, invokedUs: us, completedUs: us },
  });
  const joined = (...parts: OperationPart[]) =>
    checkHistory(historyOf(parts, { policy: '2:1/s', header: { regions: ['a', 'b'] } }), {
      busiest: [],
      claims: [parseClaim('sides >= 100%')],
    }).sides?.joined;

  const EMPTIED = [drained('a', 'allowed', 1), drained('b', 'allowed', 2)];

  it('joins the sides that emptied the bucket together', () =>
    expect(joined(...EMPTIED, drained('b', 'denied', 3), drained('a', 'denied', 4))).toBe(2));

  it('joins no side that never denied what another one had used up', () =>
    expect(joined(...EMPTIED, drained('b', 'denied', 3))).toBe(0));

  it('joins none to a side that emptied the bucket alone', () =>
    expect(
      joined(
        drained('a', 'allowed', 1),
        drained('b', 'allowed', 2),
        drained('b', 'allowed', 3),
        drained('b', 'denied', 4),
      ),
    ).toBe(0));

  it('that is false joins none', () =>
    expect(joined(drained('a', 'allowed', 1), drained('b', 'denied', 2))).toBe(0));
});
