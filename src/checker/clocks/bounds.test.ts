import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClockReading } from '../../history/records/operation.ts';
import { boundClock, joinReadings } from './bounds.ts';

const EPOCH_US = 1_795_000_000_000_000;
const reading = (atUs: number, gainedUs: number, errorUs = 10, node = 'a'): ClockReading => ({
  type: 'clock',
  node,
  atUs,
  serverUs: EPOCH_US + atUs + gainedUs,
  errorUs,
});
const S = 1_000_000;

describe('clock bounds', () => {
  it('treat clocks without readings as one clock', () =>
    expect(boundClock([])).toMatchObject({
      epsilonUs: 0,
      rhoPpm: 0,
      slowPpm: 0,
      backwardUs: 0,
      spreadUs: 0,
      steps: [],
    }));

  it('are the errors of reading where the clocks agree', () => {
    const { epsilonUs, rhoPpm, steps } = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, 0)]);
    expect({ rhoPpm, steps }).toEqual({ rhoPpm: 0, steps: [] });
    expect(epsilonUs).toBe(20 + 1_000); // and a slew of 500 ppm there and back in the second between readings
  });

  it.each([100, -100])('find a drift of %i ppm', (ppm) => {
    const readings = Array.from({ length: 41 }, (_, i) => reading(i * S, i * ppm));
    expect(boundClock(readings)).toMatchObject({ rhoPpm: ppm, steps: [] });
    expect(boundClock(readings).epsilonUs).toBeLessThan(1_150);
  });

  it('let a blurred reading widen nothing that its neighbours bound', () => {
    const sharp = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, 0)]).epsilonUs;
    const blurred = boundClock([reading(0, 0), reading(S, 0, 500_000), reading(2 * S, 0)]).epsilonUs;
    expect(blurred).toBeLessThanOrEqual(sharp + 2_000); // a slew of 1,000 ppm either way in a second
  });

  it.each([5_000, -5_000])('report a step of %i us and let it widen nothing', (byUs) => {
    const bounds = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, byUs), reading(3 * S, byUs)]);
    expect(bounds.steps).toEqual([{ node: 'a', atUs: 2 * S, byUs, fromUs: S - 10 }]);
    expect(bounds).toMatchObject({ rhoPpm: 0, epsilonUs: 1_020 });
  });

  it('give a limiter all that a jump too small to be called a step may have given', () => {
    const { epsilonUs, steps } = boundClock([reading(0, 0), reading(S / 10, 1_100), reading(S / 5, 1_100)]);
    expect(steps).toEqual([]);
    expect(epsilonUs).toBeGreaterThanOrEqual(1_100);
  });

  it('find a step that hides behind a blurred reading, and take it for no drift', () => {
    const { rhoPpm, epsilonUs, steps } = boundClock([
      ...[0, 1, 2, 3].map((i) => reading(i * S, 0)),
      reading(4 * S, 50_000, 200_000),
      ...[5, 6, 7, 8, 9, 10].map((i) => reading(i * S, 100_000)),
    ]);
    expect(steps).toEqual([{ node: 'a', atUs: 5 * S, byUs: 100_000, fromUs: 3 * S - 10 }]);
    expect(Math.abs(rhoPpm)).toBeLessThan(100);
    expect(epsilonUs).toBeLessThan(5_000);
  });

  it('hold for a step that only blurred decisions saw: how far it was is known to within their errors', () => {
    const sharp = [0, 1, 2, 3, 4, 5].map((i) => reading(i * S, 0));
    const blurred = reading(6 * S, -500_000, 100_000);
    const { steps, epsilonUs, backwardUs } = boundClock(joinReadings([], [...sharp, blurred]));
    expect(steps).toEqual([{ node: 'a', atUs: 6 * S, byUs: -500_000, fromUs: 5 * S - 10 }]);
    expect(epsilonUs + backwardUs).toBeGreaterThanOrEqual(600_000);
  });

  it('leave a blurred decision out that says what its neighbours say', () => {
    const sharp = [0, 1, 2, 3, 4, 5].map((i) => reading(i * S, i < 3 ? 0 : -500_000));
    const blurred = [reading(2.4 * S, -100_000, 150_000), reading(2.6 * S, -400_000, 150_000)];
    expect(joinReadings([], [...sharp, ...blurred])).toEqual(sharp);
  });

  it('keep nodes apart: different clocks are no steps', () => {
    const both = [reading(0, 0), reading(0, 9 * S, 10, 'b'), reading(S, 0), reading(S, 9 * S, 10, 'b')];
    expect(boundClock(both).steps).toEqual([]);
  });
});

/** A clock that slews as it likes within 500 ppm: how far it has gained at each whole second. */
const anyClock = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 20, maxLength: 20 });
const anyReadings = fc.array(
  fc.record({ atUs: fc.nat(20 * S), errorUs: fc.nat(3_000), share: fc.integer({ min: -1, max: 1 }) }),
  { minLength: 1, maxLength: 12 },
);

describe('clock bounds of any clock that the kernel slews', () => {
  it('hold between any two moments of the run, read or not', () => {
    fc.assert(
      fc.property(
        anyClock,
        anyReadings,
        fc.array(fc.nat(20 * S), { minLength: 8, maxLength: 8 }),
        (ppms, drawn, moments) => {
          const gainedUs = (us: number) =>
            ppms.reduce((sum, ppm, second) => sum + (ppm * Math.max(0, Math.min(S, us - second * S))) / S, 0);
          const readings = drawn.map(({ atUs, errorUs, share }) =>
            reading(atUs, gainedUs(atUs) + share * errorUs, errorUs),
          );
          const { epsilonUs, rhoPpm, slowPpm, steps } = boundClock(readings, { fromUs: 0, untilUs: 20 * S });
          expect(steps).toEqual([]);
          for (const from of moments) {
            for (const to of moments.filter((us) => us > from)) {
              const gained = gainedUs(to) - gainedUs(from);
              expect(gained).toBeLessThanOrEqual((rhoPpm * (to - from)) / S + epsilonUs + 1);
              expect(-gained).toBeLessThanOrEqual((-slowPpm * (to - from)) / S + epsilonUs + 1);
            }
          }
        },
      ),
      { numRuns: 2_000, seed: 31 },
    );
  });
});

describe('clock bounds of a clock that stepped back once between its readings, seen or not', () => {
  const MS = 1_000;
  const anySharp = fc.array(
    fc.record({ atUs: fc.nat(20 * MS), errorUs: fc.nat(2_000), share: fc.integer({ min: -1, max: 1 }) }),
    { minLength: 2, maxLength: 12 },
  );

  it('say how much it may have lost between any two moments', () => {
    fc.assert(
      fc.property(
        anySharp,
        fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), byUs: fc.nat(4_000) }),
        (drawn, step) => {
          const times = drawn.map(({ atUs }) => atUs);
          const [firstUs, lastUs] = [Math.min(...times), Math.max(...times)];
          const stepUs = firstUs + step.share * (lastUs - firstUs);
          const lostUs = (us: number) => (us > stepUs ? step.byUs : 0);
          const readings = drawn.map(({ atUs, errorUs, share }) =>
            reading(atUs, share * errorUs - lostUs(atUs), errorUs),
          );
          fc.pre(lostUs(lastUs) > 0);
          const { epsilonUs, slowPpm, backwardUs } = boundClock(readings, { fromUs: 0, untilUs: 20 * MS });
          for (let from = 0; from < 20 * MS; from += 4 * MS) {
            for (let to = from; to <= 20 * MS; to += 4 * MS) {
              const lost = lostUs(to) - lostUs(from);
              expect(lost).toBeLessThanOrEqual((-slowPpm * (to - from)) / S + epsilonUs + backwardUs + 1);
            }
          }
        },
      ),
      { numRuns: 1_000, seed: 31 },
    );
  });
});

it('bounds the clocks of any number of nodes', () => {
  const readings = Array.from({ length: 200_000 }, (_, at) => ({
    type: 'clock' as const,
    node: `n${at}`,
    atUs: at,
    serverUs: at + (at % 7),
    errorUs: 3,
  }));
  expect(boundClock(readings)).toMatchObject({ rhoPpm: 0, slowPpm: 0, spreadUs: 12 });
});

it('a step forward that the errors of reading hide is granted', () => {
  const hidden = Array.from({ length: 200 }, (_, i) => reading(i * 1_000, i < 100 ? 0 : 700, 400));
  const { epsilonUs, steps } = boundClock(hidden);
  expect(steps).toEqual([]);
  expect(epsilonUs).toBeGreaterThanOrEqual(700);
});

describe('how far clocks are apart', () => {
  const every = (gained: (second: number) => number, node: string) =>
    Array.from({ length: 40 }, (_, second) => reading(second * S, gained(second), 10, node));

  it('counts the steps of one of them', () => {
    const readings = [...every((second) => (second < 20 ? 0 : 10 * S), 'a'), ...every(() => 0, 'b')];
    expect(boundClock(readings).spreadUs).toBeGreaterThanOrEqual(10 * S);
  });

  it('is as far as they have drifted at the end, and no drift that they share', () => {
    const apart = [...every((second) => 400 * second, 'a'), ...every((second) => -400 * second, 'b')];
    expect(boundClock(apart).spreadUs).toBeGreaterThanOrEqual(800 * 39);
    const shared = [...every((second) => 400 * second, 'a'), ...every((second) => 400 * second + 50, 'b')];
    expect(boundClock(shared).spreadUs).toBeLessThan(100);
  });
});

it('a step between readings that overlap may have been in either direction', () => {
  const backwardUs = (errorUs: number) =>
    boundClock([reading(0, 0), reading(S, 0, errorUs), reading(1.05 * S, S, errorUs), reading(2 * S, S)])
      .backwardUs;
  expect(backwardUs(40_000)).toBeGreaterThanOrEqual(0.9 * S);
  expect(backwardUs(10_000)).toBeLessThan(0.1 * S);
});

it('clocks were as far apart as blurred readings leave it, before a step that only a sharp one showed', () => {
  const every = (fromMs: number, untilMs: number, gainedUs: number, [errorUs, node]: [number, string]) =>
    Array.from({ length: (untilMs - fromMs) / 100 }, (_, i) =>
      reading((fromMs + 100 * i) * 1_000, gainedUs, errorUs, node),
    );
  const readings = [
    ...every(0, 1_600, 0, [65_000, 'a']),
    ...every(1_600, 2_600, 127_000, [65_000, 'a']),
    ...every(2_600, 4_000, 127_000, [100, 'a']),
    ...every(0, 4_000, S, [100, 'b']),
  ];
  expect(boundClock(readings).steps).toHaveLength(1);
  expect(boundClock(readings).spreadUs).toBeGreaterThanOrEqual(S);
});

describe('clock bounds of a clock with one step that its readings show and one forward that they hide', () => {
  const MS = 1_000;
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const anyReading = fc.record({
    atUs: fc.nat(20 * MS),
    errorUs: fc.nat(2_000),
    share: fc.integer({ min: -1, max: 1 }),
  });

  it('say how much it may have gained between any two moments, without the step that was seen', () => {
    fc.assert(
      fc.property(
        fc.array(anyReading, { minLength: 3, maxLength: 12 }),
        fc.record({ at: share, byUs: fc.constantFrom(-30 * MS, -12 * MS, 12 * MS, 30 * MS) }),
        fc.record({ at: share, byUs: fc.nat(4_000) }),
        (drawn, seen, hidden) => {
          const times = drawn.map(({ atUs }) => atUs).sort((a, b) => a - b);
          const [firstUs, lastUs] = [times[0] as number, times.at(-1) as number];
          const momentOf = (at: number) => firstUs + at * (lastUs - firstUs);
          const gainedUs = (us: number, seenUs: number) =>
            (us > momentOf(seen.at) ? seenUs : 0) + (us > momentOf(hidden.at) ? hidden.byUs : 0);
          const readings = drawn.map(({ atUs, errorUs, share }) =>
            reading(atUs, share * errorUs + gainedUs(atUs, seen.byUs), errorUs),
          );
          const [earlierUs, laterUs] = [seen.at, hidden.at].map(momentOf).sort((a, b) => a - b) as [
            number,
            number,
          ];
          const { epsilonUs, rhoPpm, steps } = boundClock(readings, { fromUs: 0, untilUs: 20 * MS });
          const byUs = steps[0]?.byUs ?? 0;
          fc.pre(steps.length === 1 && Math.abs(byUs - seen.byUs) < 8 * MS);
          fc.pre(laterUs < lastUs && times.some((us) => us > earlierUs && us <= laterUs)); // else they are one step
          for (let from = 0; from < 20 * MS; from += MS)
            for (let to = from; to <= 20 * MS; to += MS) {
              const gained = gainedUs(to, seen.byUs - byUs) - gainedUs(from, seen.byUs - byUs);
              expect(gained).toBeLessThanOrEqual((rhoPpm * (to - from)) / S + epsilonUs + 1);
            }
        },
      ),
      { numRuns: 1_000, seed: 31 },
    );
  });

  it('are not wider for a step that is seen, where the readings are sharp', () => {
    const readings = Array.from({ length: 40 }, (_, i) => reading((i * S) / 4, 0, 10));
    const stepped = readings.map((one, i) => (i < 20 ? one : { ...one, serverUs: one.serverUs + 5 * S }));
    const { epsilonUs, steps } = boundClock(stepped);
    expect({ epsilonUs, steps: steps.length }).toEqual({
      epsilonUs: boundClock(readings).epsilonUs,
      steps: 1,
    });
  });
});
