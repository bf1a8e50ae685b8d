import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClockReading } from '../../history/records/operation.ts';
import { type OffsetPoint, pointOf, ratioOf } from './offset-point.ts';
import { findSegments } from './segments.ts';
import { SteadyOffset } from './steady-offset.ts';
import { SteppingClock } from './stepping-clock.ts';

const RATE = ratioOf(1_000);
const S = 1_000_000;
const END_US = 20 * S;
/** A wall clock: its microseconds have no smaller fraction than a quarter as numbers. */
const EPOCH_US = 1_795_000_000_000_000;

interface Drawn {
  readonly atUs: number;
  readonly thereUs: number;
  readonly backUs: number;
}

const anyReadings = (most: number) =>
  fc.array(
    fc.record({
      atUs: fc.integer({ min: 2 * S, max: 18 * S }),
      thereUs: fc.nat(50_000),
      backUs: fc.nat(50_000),
    }),
    { minLength: 1, maxLength: most },
  );
/** How far a clock has gained at each half second, in ppm of true time. */
const anySlews = fc.array(fc.integer({ min: -499, max: 499 }), { minLength: 40, maxLength: 40 });

/** How far a clock that slews so has gained. */
function gainOf(ppms: readonly number[]): (us: number) => number {
  const sums = [0];
  for (const ppm of ppms) sums.push((sums.at(-1) ?? 0) + (ratioOf(ppm) * S) / 2);
  return (us) => {
    const half = Math.max(0, Math.min(ppms.length - 1, Math.floor((2 * us) / S)));
    return (sums[half] ?? 0) + ratioOf(ppms[half] ?? 0) * (us - (half * S) / 2);
  };
}

/** Readings of a clock, sent and received at whole microseconds of the machine. */
function pointsOf(drawn: readonly Drawn[], shown: (us: number) => number, constantUs = 0): OffsetPoint[] {
  return drawn.map(({ atUs, thereUs, backUs }) => {
    const [fromUs, untilUs] = [atUs - thereUs, atUs + backUs];
    const reading: ClockReading = {
      ...{ type: 'clock', node: 'n', atUs: (fromUs + untilUs) / 2, errorUs: (untilUs - fromUs) / 2 },
      serverUs: Math.floor(shown(atUs)),
    };
    return pointOf({ fromUs, untilUs, shownUs: reading.serverUs - constantUs, reading }, RATE);
  });
}

const moments = Array.from({ length: 41 }, (_, half) => (half * S) / 2);

describe('the offset of a clock that does not step', () => {
  it('lies within the bounds at every moment', () => {
    fc.assert(
      fc.property(anyReadings(12), anySlews, fc.integer({ min: -S, max: 1e13 }), (drawn, slews, apartUs) => {
        const gainedUs = gainOf(slews);
        const shown = (us: number) => us + apartUs + gainedUs(us);
        const offset = new SteadyOffset(pointsOf(drawn, shown), RATE);
        expect(offset.contradiction).toBeUndefined();
        const wrong = [...moments, ...drawn.map(({ atUs }) => atUs)].filter(
          (us) => offset.lowest(us) > shown(us) - us || offset.highest(us) < shown(us) - us,
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 1_000, seed: 27 },
    );
  });

  it('is bounded as each reading bounds it', () => {
    fc.assert(
      fc.property(anyReadings(12), anySlews, (drawn, slews) => {
        const gainedUs = gainOf(slews);
        const points = pointsOf(drawn, (us) => us + gainedUs(us));
        const offset = new SteadyOffset(points, RATE);
        const widestUs = offset.widestUs(0, END_US);
        const wrong = moments.filter((us) => {
          const lowest = Math.max(...points.map((one) => one.lowest - RATE * Math.abs(us - one.atUs)));
          const highest = Math.min(...points.map((one) => one.highest + RATE * Math.abs(us - one.atUs)));
          const apartUs = Math.max(
            Math.abs(offset.lowest(us) - lowest),
            Math.abs(offset.highest(us) - highest),
          );
          return apartUs > 0.001 || widestUs < highest - lowest - 0.001;
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 300, seed: 27 },
    );
  });

  it('is unbounded without readings', () => {
    const offset = new SteadyOffset([], RATE);
    expect([offset.lowest(5), offset.highest(5)]).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('is contradicted by a jump, with the two readings that are furthest apart', () => {
    const drawn = [1, 2, 3, 4].map((second) => ({
      atUs: second * S,
      thereUs: 100 * second,
      backUs: 100 * second,
    }));
    const jumped = new SteadyOffset(
      pointsOf(drawn, (us) => us + (us > 2.5 * S ? 200_000 : 0)),
      RATE,
    );
    expect(jumped.contradiction).toMatchObject({ most: { atUs: 2 * S }, least: { atUs: 3 * S } });
    expect(jumped.contradiction?.apartUs).toBeCloseTo(200_000 - 200 - 300 - 1_000 - 2, -1);
    for (const us of moments) expect(jumped.highest(us)).toBeGreaterThanOrEqual(jumped.lowest(us));
  });
});

/** A clock that slews and has stepped at one moment. */
const anyStep = fc.record({
  atUs: fc.integer({ min: 2 * S, max: 18 * S }),
  byUs: fc.oneof(fc.integer({ min: -150_000, max: 150_000 }), fc.integer({ min: -5 * S, max: 5 * S })),
});

function readStepping(drawn: readonly Drawn[], shown: (us: number) => number) {
  const points = pointsOf(drawn, shown, EPOCH_US);
  const { segments, steps } = findSegments(points, RATE);
  return { points, segments, steps, clock: new SteppingClock(segments, RATE) };
}

/** A bucket's time without the steps that were seen: the most that a clock has shown by then. */
function bucketTimes(
  times: readonly number[],
  shown: (us: number) => number,
  isStepped: (us: number) => number,
) {
  let mostUs = Number.NEGATIVE_INFINITY;
  return times.map((us) => {
    mostUs = Math.max(mostUs, shown(us) - isStepped(us));
    return mostUs;
  });
}

describe('a clock that steps', () => {
  it('without a step lies within the bounds at every moment', () => {
    fc.assert(
      fc.property(anyReadings(16), anySlews, (drawn, slews) => {
        const gainedUs = gainOf(slews);
        const shown = (us: number) => us + EPOCH_US + gainedUs(us);
        const { clock, steps } = readStepping(drawn, shown);
        const wrong = [...moments, ...drawn.map(({ atUs }) => atUs)].filter((us) => {
          const shownUs = Math.floor(shown(us)) - EPOCH_US;
          return clock.least(us) > shownUs || clock.most(us) < shownUs;
        });
        expect([steps, wrong]).toEqual([[], []]);
      }),
      { numRuns: 1_000, seed: 27 },
    );
  });

  it('lies within the bounds with a step between two readings, seen or hidden', () => {
    let seen = 0;
    fc.assert(
      fc.property(anyReadings(24), anySlews, anyStep, (drawn, slews, step) => {
        const times = drawn.map(({ atUs }) => atUs);
        fc.pre(Math.min(...times) < step.atUs && step.atUs <= Math.max(...times));
        const gainedUs = gainOf(slews);
        const shown = (us: number) => us + EPOCH_US + gainedUs(us) + (us >= step.atUs ? step.byUs : 0);
        const { clock, steps } = readStepping(drawn, shown);
        if (steps.length > 1) throw new Error(`one step was seen as ${JSON.stringify(steps)}`);
        if (steps.length === 1) seen++;
        const stepped = (us: number) => EPOCH_US + (us >= step.atUs ? (steps[0]?.byUs ?? 0) : 0);
        const all = [...moments, ...times, step.atUs - 1, step.atUs].sort((a, b) => a - b);
        const bucketUs = bucketTimes(all, shown, stepped);
        const wrong = all.filter((us, at) => {
          const [cutUs, timeUs] = [Math.floor(shown(us) - stepped(us)), bucketUs[at] as number];
          return clock.least(us) > timeUs || clock.most(us) < Math.max(cutUs, timeUs - 1);
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 2_000, seed: 27 },
    );
    expect(seen).toBeGreaterThan(500);
  });

  it('is as narrow as the readings before and after allow', () => {
    fc.assert(
      fc.property(anyReadings(16), anySlews, (drawn, slews) => {
        const gainedUs = gainOf(slews);
        const { clock, points } = readStepping(drawn, (us) => us + EPOCH_US + gainedUs(us));
        const wrong = moments.filter((moment, at) => {
          const us = moment + 0.5;
          const [least, most] = [extremeOf(points, us, 'lowest'), extremeOf(points, us, 'highest')];
          return at % 4 === 0 && Math.max(least - clock.least(us), clock.most(us) - most) > 250; // a reading drifts by 100 us
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 150, seed: 27 },
    );
  });

  it('takes no longer for each reading if all of them contradict their neighbors', {
    timeout: 15_000,
  }, () => {
    const drawn = Array.from({ length: 20_000 }, (_, at) => ({
      atUs: at * 1_000,
      thereUs: 100,
      backUs: 100,
    }));
    const { segments, clock } = readStepping(drawn, (us) => us + EPOCH_US + ((us / 1_000) % 2) * 900);
    expect(segments.length).toBeGreaterThan(10_000);
    expect(clock.most(END_US) - clock.least(END_US)).toBeLessThan(2_000);
  });

  it('is unbounded without readings', () => {
    const clock = new SteppingClock([], RATE);
    expect([clock.least(5), clock.most(5)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});

/** By its definition, from all readings. */
function hullAt(points: readonly OffsetPoint[], us: number) {
  const sideOf = (side: readonly OffsetPoint[]) => ({
    lowest: Math.max(...side.map((one) => one.lowest - RATE * Math.abs(us - one.atUs))),
    highest: Math.min(...side.map((one) => one.highest + RATE * Math.abs(us - one.atUs))),
  });
  const firstUs = Math.min(...points.map(({ untilUs }) => untilUs));
  const lastUs = Math.max(...points.map(({ fromUs }) => fromUs));
  const [ended, begun] = [
    points.filter((one) => one.untilUs <= us),
    points.filter((one) => one.fromUs >= us),
  ];
  const sides = [
    ...(ended.length > 0 ? [ended] : points.filter((one) => one.fromUs <= firstUs).map((one) => [one])),
    ...(begun.length > 0 ? [begun] : points.filter((one) => one.untilUs >= lastUs).map((one) => [one])),
  ].map(sideOf);
  return {
    lowest: Math.min(...sides.map(({ lowest }) => lowest)),
    highest: Math.max(...sides.map(({ highest }) => highest)),
  };
}

/** The most that was shown until then, or the least that was from then on, searched at the ends of all readings. */
function extremeOf(points: readonly OffsetPoint[], us: number, bound: 'lowest' | 'highest'): number {
  const sign = bound === 'lowest' ? 1 : -1;
  const ends = points.flatMap(({ fromUs, untilUs }) => [fromUs, untilUs]);
  const times = [us, ...ends.flatMap((end) => [end - 0.001, end + 0.001])].filter(
    (time) => sign * (time - us) >= 0,
  );
  return sign * Math.min(...times.map((time) => sign * (time + hullAt(points, time)[bound])));
}
