import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { makeRandom, type Random } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import { checkHistory } from '../check.ts';

const options = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const W = 1_000;

interface Load {
  readonly random: Random;
  /** Requests in a thousandth of a second; bursts at an edge of the windows where it is 0. */
  readonly perMs: number;
  readonly latencyUs: number;
}

/** When requests come: at random, or hammering in bursts. Microseconds. */
function arrivals({ random, perMs }: Load, untilUs: number): number[] {
  const found: number[] = [];
  for (let us = 0; us < untilUs; ) {
    us +=
      perMs > 0
        ? Math.ceil((-Math.log(1 - random()) * 1_000) / perMs)
        : random() < 0.9
          ? 2
          : Math.ceil(900 * random());
    found.push(us);
  }
  return found;
}

/** What windows of `limit` admit that start at multiples of W on a clock that is `offsetUs` ahead, and drifts. */
function epochWindows(
  limit: number,
  { offsetUs, ppm = 0 }: { offsetUs: number; ppm?: number },
  load: Load,
): OperationPart[] {
  const used = new Map<number, number>();
  return arrivals(load, 12 * W).map((invokedUs) => {
    const decidedUs = invokedUs + Math.floor(load.latencyUs * load.random());
    const window = Math.floor((decidedUs * (1 + ppm / 1e6) + offsetUs) / W);
    const count = (used.get(window) ?? 0) + 1;
    const isAllowed = count <= limit;
    if (isAllowed) used.set(window, count);
    return {
      invokedUs,
      completedUs: Math.max(decidedUs, invokedUs + Math.ceil(load.latencyUs * load.random())),
      outcome: isAllowed ? 'allowed' : 'denied',
    };
  });
}

const judge = (parts: OperationPart[], promise = 'fixed-window:10/1000us:epoch') =>
  checkHistory(historyOf(parts, { header: { clocks: 'apart', clockSlackUs: 0 } }), {
    ...options,
    promise: parsePromise(promise),
  });

describe('windows of the epoch, of a clock whose time of day is not known', () => {
  it('are never broken by a limiter that keeps them, at any offset', () => {
    const random = makeRandom(5, 'phases');
    for (let round = 0; round < 60; round++) {
      const load = { random, perMs: [0, 5, 20, 80][round % 4] ?? 0, latencyUs: [1, 30, 400][round % 3] ?? 1 };
      const offsetUs = Math.floor(3 * W * random());
      const { windows } = judge(epochWindows(10, { offsetUs, ppm: round % 2 === 0 ? 900 : -900 }, load));
      expect(windows.findings[0]?.inequality, `round ${round}`).toBeUndefined();
    }
  });

  it('are broken at every phase by one that admits one more of a steady load', () => {
    const random = makeRandom(6, 'phases');
    const parts = epochWindows(11, { offsetUs: 300 }, { random, perMs: 80, latencyUs: 10 });
    const { windows, verdict } = judge(parts);
    expect(verdict).toBe('fail');
    expect(windows.buckets).toBe(1);
    expect(windows.findings[0]?.inequality).toMatch(
      /^admitted at least 11 tokens in one window of 0\.001 s between \d.* s and .* s, wherever the windows start, so at most 10 \(proof: \d+ windows that together cover every start\)$/,
    );
    expect(judge(parts, 'fixed-window:11/1000us:epoch').windows.buckets).toBe(0);
  });

  it('prove that some window is broken wherever they start', () => {
    const random = makeRandom(7, 'phases');
    const parts = epochWindows(11, { offsetUs: 700 }, { random, perMs: 60, latencyUs: 20 });
    const [finding] = judge(parts).windows.findings;
    const seen = finding?.witness ?? [];
    expect(seen.length).toBeGreaterThan(10);
    for (let phase = 0; phase < W; phase++) {
      const held = new Map<number, number>();
      for (const { invokedUs, lastUs } of seen) {
        const window = Math.floor((invokedUs - phase) / W);
        if (Math.floor(((lastUs ?? 0) - phase) / W) === window) held.set(window, (held.get(window) ?? 0) + 1);
      }
      expect(Math.max(...held.values()), `phase ${phase}`).toBeGreaterThan(10);
    }
  });

  it('are not those of a sequence that is not periodic', () => {
    const parts = Array.from({ length: 66 }, (_, at): OperationPart => ({ invokedUs: 90 * at })); // 11 in any window
    expect(judge(parts).windows.buckets).toBe(1);
    expect(judge(parts, 'fixed-window:10/1000us').windows.buckets).toBe(0);
  });

  it.each([1, 700_000_000])(
    'leave no headroom where the fullest holds all that it may at each phase, of requests of %i tokens',
    (cost) => {
      const parts = Array.from({ length: 18 }, (_, at): OperationPart => ({ cost, invokedUs: 160 * at + 1 }));
      const denied: OperationPart = { cost, invokedUs: 2_900, outcome: 'denied' };
      const limit = 6 * cost;
      const { headroom } = checkHistory(
        historyOf([...parts, denied], {
          policy: `${limit}:1/ms`,
          header: { clocks: 'apart', clockSlackUs: 0 },
        }),
        { ...options, promise: parsePromise(`fixed-window:${limit}/1000us:epoch`) },
      );
      expect(headroom?.median.tokens).toBe(0);
    },
  );
});
