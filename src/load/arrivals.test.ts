import { expect, it } from 'vitest';
import { type Arrivals, peakArrivals, steadyArrivals } from './arrivals.ts';

/** Those before this time. */
function before(arrivals: Arrivals, endUs: number) {
  const taken = [];
  for (let next = arrivals.next(); !next.done && next.value.atUs < endUs; next = arrivals.next())
    taken.push(next.value);
  return taken;
}

const inside = (from: number, to: number, times: readonly { atUs: number }[]) =>
  times.filter(({ atUs }) => from <= atUs && atUs < to).length;

it('a steady load is due at equal distances, in the regions in turn', () => {
  expect(before(steadyArrivals(4, 3), 1_000_000)).toEqual([
    { atUs: 0, region: 0 },
    { atUs: 250_000, region: 1 },
    { atUs: 500_000, region: 2 },
    { atUs: 750_000, region: 0 },
  ]);
});

it('each period of a load with peaks ends with its peak', () => {
  const peaks = { ratePerSecond: 100, everyMs: 2_000, forMs: 500 };
  const due = before(peakArrivals(10, 3, peaks), 6_000_000);
  expect(due).toHaveLength(3 * (15 + 50));
  for (const from of [0, 2_000_000, 4_000_000]) {
    expect(inside(from, from + 1_500_000, due)).toBe(15);
    expect(inside(from + 1_500_000, from + 2_000_000, due)).toBe(50);
  }
  const gaps = due.slice(1).map(({ atUs }, nth) => atUs - (due[nth]?.atUs ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(9_999);
});

it.each([
  { rate: 0.3, peak: 7.7, everyMs: 900, forMs: 100 },
  { rate: 33.3, peak: 1.1, everyMs: 1_000, forMs: 999 },
])('no request is lost where a period has no whole number of them: $rate and $peak a second', (one) => {
  const { rate, peak, everyMs, forMs } = one;
  const periods = 1_000;
  const due = before(
    peakArrivals(rate, 1, { ratePerSecond: peak, everyMs, forMs }),
    1_000 * everyMs * periods,
  );
  const mean = (rate * (everyMs - forMs) + peak * forMs) / 1_000;
  expect(Math.abs(due.length - periods * mean)).toBeLessThanOrEqual(1);
  for (const [nth, { atUs }] of due.entries()) expect(atUs).toBeGreaterThanOrEqual(due[nth - 1]?.atUs ?? 0);
});
