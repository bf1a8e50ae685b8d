import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { makeRandom } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import type { Header } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';

const MS = 1_000;
const EPOCH_US = 1_800_000_000_000 * MS;
const LIMIT = 20;
const WINDOW_US = 4_000 * MS;
const STATED = { limit: LIMIT, windowS: WINDOW_US / 1e6 };

/** Decides about one request of one user. */
type Decide = (nowUs: number) => boolean;

interface Rule {
  readonly limit?: number;
  readonly windowUs?: number;
}

function bucket({ limit = LIMIT, windowUs = WINDOW_US }: Rule = {}, capacity = limit): Decide {
  let [held, atUs] = [capacity, Number.NaN];
  return (nowUs) => {
    if (!Number.isNaN(atUs)) held = Math.min(capacity, held + ((nowUs - atUs) * limit) / windowUs);
    atUs = nowUs;
    if (held < 1 - 1e-9) return false;
    held--;
    return true;
  };
}

/** Windows that begin at the moment that `startOf` gives. */
function windows(
  startOf: (nowUs: number) => number,
  { limit = LIMIT, windowUs = WINDOW_US }: Rule = {},
): Decide {
  let [startUs, taken] = [Number.NEGATIVE_INFINITY, 0];
  return (nowUs) => {
    if (nowUs >= startUs + windowUs) [startUs, taken] = [startOf(nowUs), 0];
    return taken++ < limit;
  };
}

const first = (rule?: Rule): Decide => windows((nowUs) => nowUs, rule);
const since = (laterUs: number): Decide =>
  windows((nowUs) => Math.floor((nowUs - laterUs) / WINDOW_US) * WINDOW_US + laterUs);

function log(): Decide {
  let taken: number[] = [];
  return (nowUs) => {
    taken = taken.filter((us) => us > nowUs - WINDOW_US);
    return taken.length < LIMIT && taken.push(nowUs) > 0;
  };
}

/** Two cells, of which the older is weighted. */
function counter(): Decide {
  let [cell, before, taken] = [0, 0, 0];
  return (nowUs) => {
    const now = Math.floor(nowUs / WINDOW_US);
    if (now !== cell) [cell, before, taken] = [now, now === cell + 1 ? taken : 0, 0];
    const share = (nowUs % WINDOW_US) / WINDOW_US;
    if (before * (1 - share) + taken + 1 > LIMIT) return false;
    taken++;
    return true;
  };
}

/** The same limiter, which admits each so many-th of what it denies. */
function leaky(decide: Decide, each: number): Decide {
  let denials = 0;
  return (nowUs) => decide(nowUs) || ++denials % each === 0;
}

/** Some users ask in bursts with rests between them. */
function recorded(make: () => Decide, { seed, stated }: { seed: number; stated?: OperationPart['stated'] }) {
  const random = makeRandom(seed, 'other-promise');
  return Array.from({ length: 5 }, (_, user): OperationPart[] => {
    const decide = make();
    const parts: OperationPart[] = [];
    let us = EPOCH_US + Math.floor(random() * WINDOW_US);
    for (let burst = 0; burst < 8; burst++) {
      for (let left = 20 + Math.floor(random() * 40); left > 0; left--) {
        const isAllowed = decide(us + 300);
        parts.push({
          ...{ bucket: `u${user}`, invokedUs: us, completedUs: us + 600 },
          ...{ outcome: isAllowed ? 'allowed' : 'denied', ...(stated && { stated }) },
        });
        us += 700 + Math.floor(random() * 120 * MS);
      }
      us += Math.floor(random() * 1_500 * MS);
    }
    return parts;
  }).flat();
}

interface Given {
  readonly make: () => Decide;
  readonly promise?: string;
  readonly stated?: OperationPart['stated'];
  readonly options?: Partial<CheckOptions>;
  readonly header?: Partial<Header>;
}

/** The verdicts and the named promises, each once, over five seeds. */
function judged({ make, promise = 'token-bucket', stated, options, header }: Given) {
  const reports = [1, 2, 3, 4, 5].map((seed) => {
    const parts = recorded(make, { seed, ...(stated && { stated }) });
    const history = historyOf(parts, { policy: '20:5/s', header: { strategy: 'external', ...header } });
    return checkHistory(history, { busiest: [], promise: parsePromise(promise), ...options });
  });
  const notes = reports.flatMap((report) => report.notes ?? []);
  const named = notes.flatMap((note) => / with --promise (\S+)$/.exec(note)?.[1] ?? []);
  return { verdicts: [...new Set(reports.map(({ verdict }) => verdict))], named: [...new Set(named)], notes };
}

describe('U4: a promise other than the given one that explains the whole history', () => {
  it.each([
    { title: 'windows that a request starts', make: () => first(), is: 'fixed-window:20/4s:first' },
    { title: 'windows of the epoch', make: () => since(0), is: 'fixed-window:20/4s:epoch' },
    { title: 'windows of a timer', make: () => since(1_234 * MS), is: 'fixed-window:20/4s' },
    { title: 'a sliding log', make: log, is: 'sliding-window:20/4s' },
    { title: 'a sliding counter', make: counter, is: 'sliding-counter:20/4s' },
  ])('names it for $title that is judged as a bucket, stated or not', ({ make, is }) => {
    for (const stated of [STATED, undefined]) {
      const { verdicts, named, notes } = judged({ make, ...(stated && { stated }) });
      expect({ verdicts, named }).toEqual({ verdicts: ['fail'], named: [is] });
      expect(notes).toContain(
        `${is} explains every decision: if that is what the limiter promises, check it with --promise ${is}`,
      );
    }
  });

  it.each([
    { promise: 'sliding-window:20/4s', title: 'a bucket', make: () => bucket(), is: 'token-bucket' },
    { promise: 'fixed-window:20/4s:first', title: 'a bucket', make: () => bucket(), is: 'token-bucket' },
    { promise: 'fixed-window:20/4s:epoch', title: 'a bucket', make: () => bucket(), is: 'token-bucket' },
    {
      ...{ promise: 'sliding-window:20/4s', title: 'windows that a request starts', make: () => first() },
      is: 'fixed-window:20/4s:first',
    },
    {
      ...{ promise: 'fixed-window:20/4s:epoch', title: 'windows of a timer', make: () => since(1_234 * MS) },
      is: 'fixed-window:20/4s',
    },
  ])('names it for $title that is judged as $promise', ({ make, promise, is }) => {
    expect(judged({ make, promise })).toMatchObject({ verdicts: ['fail'], named: [is] });
  });

  it('has the limit that the replies state', () => {
    const make = () => first({ limit: 30 });
    const promise = 'fixed-window:20/4s:first';
    const stated = { ...STATED, limit: 30 };
    expect(judged({ make, promise, stated }).named).toEqual(['fixed-window:30/4s:first']);
    expect(judged({ make, promise }).named).toEqual([]);
  });

  it.each([
    { title: 'half the refill', make: () => bucket({ windowUs: 2 * WINDOW_US }, LIMIT) },
    { title: 'more refill', make: () => bucket({ windowUs: 0.9 * WINDOW_US }, LIMIT) },
    { title: 'a token too many', make: () => bucket({}, LIMIT + 1) },
    { title: 'too small a capacity', make: () => bucket({}, LIMIT - 2) },
    { title: 'windows of another limit', make: () => first({ limit: LIMIT - 1 }) },
    { title: 'windows of another length', make: () => first({ windowUs: 1.1 * WINDOW_US }) },
    { title: 'windows that let every fifth excess through', make: () => leaky(first(), 5) },
    { title: 'a bucket that lets every fiftieth excess through', make: () => leaky(bucket(), 50) },
    { title: 'no limit', make: () => () => true },
    { title: 'an answer of no for ever', make: () => windows(() => 0, { windowUs: 1e12 * WINDOW_US }) },
  ])('names none for $title', ({ make }) => {
    expect(judged({ make, stated: STATED })).toMatchObject({ named: [] });
  });

  it('names none for a strategy of ours but a bucket, and none under a pass', () => {
    expect(judged({ make: () => first(), header: { strategy: 'central' } }).named).toEqual([]);
    expect(judged({ make: () => first(), promise: 'fixed-window:20/4s' })).toMatchObject({
      ...{ verdicts: ['pass'], named: [] },
    });
  });

  it('says it as the user of a library does', () => {
    const options = { sayPromise: () => 'judge()' };
    const { notes } = judged({ make: () => first(), options });
    expect(notes).toContainEqual(
      expect.stringMatching(/^fixed-window:20\/4s:first explains .* with judge\(\)$/),
    );
  });
});
