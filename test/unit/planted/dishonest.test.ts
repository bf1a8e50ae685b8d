import { describe, expect, it } from 'vitest';
import type { LieReason } from '../../../src/checker/stated/lies.ts';
import { CORRECT } from './correct.ts';
import { DISHONEST } from './dishonest.ts';
import { accuseHonest, accuseOfLies } from './stated-verdict.ts';
import {
  accuseHonestWindows,
  accuseWindows,
  honestWindow,
  type StateWindow,
  WINDOW_PROMISES,
} from './stated-windows.ts';

const OPERATIONS = 1_000;
const SEEDS = [1, 2, 3, 4];
const MOST_SEEDS = Array.from({ length: 8 }, (_, at) => at + 1);

describe('a correct limiter with honest values gets no finding, with any seed:', () => {
  it.each(CORRECT)('$name', (specimen) => {
    let stated = 0;
    for (const seed of SEEDS) {
      const { reasons, report } = accuseHonest(specimen, seed, OPERATIONS);
      expect({ seed, reasons, of: report.dishonest.findings[0]?.inequality }).toEqual({ seed, reasons: [] });
      stated += report.whole.stated;
    }
    expect(stated).toBeGreaterThan(2_000);
  });
});

describe('a dishonest limiter is convicted, for the right reason:', () => {
  it('there are at least 12', () =>
    expect(new Set(DISHONEST.map(({ name }) => name)).size).toBeGreaterThanOrEqual(12));

  it.each(DISHONEST)('$name: $reason', (specimen) => {
    const accused = MOST_SEEDS.map((seed) => accuseOfLies(specimen, seed, OPERATIONS));
    const reasons = new Set(accused.flatMap((one) => one.reasons));
    expect(reasons).toContain(specimen.reason);
    expect(
      [...reasons].filter((reason) => reason !== specimen.reason && !specimen.others?.includes(reason)),
    ).toEqual([]);
  });
});

describe('windows that state the truth get no finding:', () => {
  it.each(WINDOW_PROMISES.map(({ promise }, index) => ({ promise, index })))('$promise', ({ index }) => {
    for (const seed of [...SEEDS, 5, 6, 7, 8, 9, 10, 11, 12]) {
      const { reasons, report } = accuseHonestWindows(index, seed, OPERATIONS);
      expect({ seed, reasons, of: report.dishonest.findings[0]?.inequality }).toEqual({ seed, reasons: [] });
    }
  });
});

describe('windows that do not are convicted:', () => {
  const honest = honestWindow(0);
  const lies: readonly {
    readonly title: string;
    readonly reason: LieReason;
    readonly state: StateWindow;
    /** Places in WINDOW_PROMISES; default: all of them. */
    readonly of?: readonly number[];
  }[] = [
    {
      title: 'more tokens than a window has',
      reason: 'remaining too high',
      state: ({ room }) => ({ remaining: room + 6 }),
    },
    {
      title: 'its whole limit',
      reason: 'remaining too high',
      state: () => ({ remaining: 5 }),
      of: [0, 3],
    },
    { title: 'nothing left', reason: 'remaining too low', state: () => ({ remaining: 0 }), of: [0, 3] },
    {
      title: 'a wait of nothing',
      reason: 'retry too short',
      state: ({ isAllowed }) => (isAllowed ? {} : { retryAfterS: 0 }),
      of: [0, 3],
    },
    {
      title: 'a wait that is too long by three windows',
      reason: 'retry too long',
      state: (window) => ({ ...honest(window), retryAfterS: 10 }),
    },
    {
      title: 'a wait in milliseconds',
      reason: 'wrong unit',
      state: ({ nowUs, againUs }) => ({ retryAfterS: Math.ceil((againUs - nowUs) / 1_000) }),
    },
    { title: 'another limit', reason: 'wrong policy', state: () => ({ limit: 100 }) },
  ];
  it.each(
    lies.flatMap(({ of, ...lie }) =>
      (of ?? WINDOW_PROMISES.map((_, at) => at)).map((index) => ({ index, ...lie })),
    ),
  )('$title, of promise $index', ({ index, state, reason }) => {
    const found = [2, 4, 6].flatMap(
      (seed) => accuseWindows(index, { seed, count: OPERATIONS, state }).reasons,
    );
    expect(new Set(found)).toEqual(new Set([reason]));
  });
});
