import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { makeRandom, type Random } from '../core/prng.ts';
import { parsePromise } from '../core/promise.ts';
import { checkHistory } from './check.ts';
import { listRemarks } from './findings/notes.ts';

const options = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const W = 1_200;
const N = 12;

type Counter = (atUs: number) => boolean;

/** Two cells, the one before weighted by what of it is still in the window; `round` as its author does. */
function weighted(round: (tokens: number) => number, looksFirst: boolean): Counter {
  const cells = new Map<number, number>();
  return (atUs) => {
    const cell = Math.floor(atUs / W);
    const share = atUs / W - cell;
    const used = cells.get(cell) ?? 0;
    const estimate = round((cells.get(cell - 1) ?? 0) * (1 - share)) + used;
    const isAllowed = looksFirst ? estimate < N : estimate + 1 <= N;
    if (isAllowed) cells.set(cell, used + 1);
    return isAllowed;
  };
}

/** The last `n` cells of a window each, the current one counted in. */
function cellular(n: number): Counter {
  const cells = new Map<number, number>();
  return (atUs) => {
    const cell = Math.floor((atUs * n) / W);
    const used = Array.from({ length: n }, (_, back) => cells.get(cell - back) ?? 0).reduce((a, b) => a + b);
    if (used >= N) return false;
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
    return true;
  };
}

/** Bursts at any time, silence, and single requests, in any mixture. */
function load(counter: Counter, random: Random): OperationPart[] {
  const parts: OperationPart[] = [];
  const mean = [15, 60, 400][Math.floor(3 * random())] ?? 15;
  for (let us = Math.floor(W * random()); us < 9 * W; us += 1 + Math.floor(2 * mean * random())) {
    const burst = random() < 0.15 ? N + 3 : 1;
    for (let one = 0; one < burst; one++)
      parts.push({ invokedUs: us, completedUs: us + 1, outcome: counter(us) ? 'allowed' : 'denied' });
  }
  return parts;
}

const judge = (parts: OperationPart[], promise = `sliding-counter:${N}/${W}us`) =>
  checkHistory(historyOf(parts), { ...options, promise: parsePromise(promise) });

describe('a sliding counter', () => {
  it.each([
    { title: 'of two cells', make: () => weighted((tokens) => tokens, false) },
    { title: 'of two cells that looks before it counts', make: () => weighted((tokens) => tokens, true) },
    { title: 'of two cells that rounds down', make: () => weighted(Math.floor, true) },
    { title: 'of two cells that rounds up', make: () => weighted(Math.ceil, false) },
    ...[2, 3, 4, 5, 10].map((n) => ({ title: `of ${n} cells`, make: () => cellular(n) })),
  ])('$title is no conviction', ({ make }) => {
    const random = makeRandom(3, 'counter');
    for (let round = 0; round < 60; round++) {
      const { windows } = judge(load(make(), random));
      expect(windows.findings[0]?.inequality, `round ${round}`).toBeUndefined();
    }
  });

  it('is no window that may admit twice its limit at once', () => {
    const burst = (count: number, us: number): OperationPart[] =>
      Array.from({ length: count }, () => ({ invokedUs: us }));
    expect(judge([...burst(N, 500), ...burst(1, 501)]).windows.buckets).toBe(0);
    const report = judge([...burst(N, 500), ...burst(3, 501)]);
    expect(report.windows.buckets).toBe(1);
    expect(report.verdict).toBe('fail');
    expect(judge([...burst(N, 1_199), ...burst(N, 1_201)]).windows.buckets).toBe(1);
    expect(judge([...burst(N, 1_199), ...burst(N, 1_201)], `fixed-window:${N}/${W}us`).windows.buckets).toBe(
      0,
    );
  });

  it('that admits what an exact log would not is reported, and no conviction', () => {
    const parts: OperationPart[] = [
      ...Array.from({ length: N }, () => ({ invokedUs: 1_199 })),
      ...Array.from({ length: N }, (_, at) => ({ invokedUs: 1_200 + 100 * (at + 1) - 2 })),
    ];
    const { diagnosis, notes, verdict, windows } = judge(parts);
    expect([verdict, windows.total, diagnosis]).toEqual(['pass', 0, []]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^1 bucket admitted more than the exact log sliding-window:12\/1200us allows, at most \d+ tokens within 0\.0012 s \(b\); a sliding counter may do so$/,
      ),
    ]);
    expect(judge(parts, `sliding-window:${N}/${W}us`).verdict).toBe('fail');
  });

  it('V13: that admits what an exact log would not is a note, also where the verdict is fail or unknown', () => {
    const burst = (us: number) => Array.from({ length: N }, (): OperationPart => ({ invokedUs: us }));
    const failed = judge([...burst(1_199), ...burst(1_201)]);
    const notes = [
      { label: 'not judged', sentence: expect.stringMatching(/^denials: /) },
      { label: 'note', sentence: expect.stringMatching(/; a sliding counter may do so$/) },
    ];
    expect([failed.verdict, listRemarks(failed)]).toEqual(['fail', notes]);
    expect(listRemarks({ ...failed, verdict: 'unknown' })).toEqual(notes);
  });

  it.each([
    { title: 'that is asked for more than it has passes', factor: 1, verdict: 'pass' },
    { title: 'that never used half of its limit does not', factor: 3, verdict: 'unknown' },
  ])('$title', ({ factor, verdict }) => {
    const counter = weighted((tokens) => tokens, false);
    const parts = Array.from({ length: 1_000 }, (_, at): OperationPart => {
      const invokedUs = at * 50;
      return { invokedUs, completedUs: invokedUs + 1, outcome: counter(invokedUs) ? 'allowed' : 'denied' };
    });
    const promise = parsePromise(`sliding-counter:${factor * N}/${W}us`);
    const report = checkHistory(historyOf(parts), {
      ...options,
      ...{ contestedBucketsAtLeast: 1, headroomAtMost: 0.25, promise },
    });
    expect([report.verdict, report.claims.filter(({ status }) => status === 'broken')]).toEqual([
      verdict,
      [],
    ]);
  });
});
