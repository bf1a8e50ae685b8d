import { describe, expect, it } from 'vitest';
import type { ClockReading } from '../history/operation.ts';
import { boundClock } from './clock.ts';

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
  it('take clocks that nobody read for one clock', () =>
    expect(boundClock([])).toMatchObject({ epsilonUs: 0, rhoPpm: 0, slowPpm: 0, backwardUs: 0, spreadUs: 0, steps: [] }));

  it('are the errors of reading where the clocks agree', () => {
    const { epsilonUs, rhoPpm, steps } = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, 0)]);
    expect({ rhoPpm, steps }).toEqual({ rhoPpm: 0, steps: [] });
    expect(epsilonUs).toBe(20 + 1_000); // and a slew of 500 ppm there and back in the second between readings
  });

  it.each([100, -100])('find a drift of %i ppm', (ppm) => {
    const readings = Array.from({ length: 41 }, (_, i) => reading(i * S, i * ppm));
    expect(boundClock(readings)).toMatchObject({ rhoPpm: ppm, steps: [] });
    expect(boundClock(readings).epsilonUs).toBeLessThan(1_100);
  });

  it('let a blurred reading widen nothing that its neighbours bound', () => {
    const sharp = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, 0)]).epsilonUs;
    const blurred = boundClock([reading(0, 0), reading(S, 0, 500_000), reading(2 * S, 0)]).epsilonUs;
    expect(blurred).toBeLessThanOrEqual(sharp + 1_000);
  });

  it.each([5_000, -5_000])('report a step of %i us and let it widen nothing', (byUs) => {
    const bounds = boundClock([reading(0, 0), reading(S, 0), reading(2 * S, byUs), reading(3 * S, byUs)]);
    expect(bounds.steps).toEqual([{ node: 'a', atUs: 2 * S, byUs }]);
    expect(bounds).toMatchObject({ rhoPpm: 0, epsilonUs: 1_020 });
  });

  it('keep nodes apart: different clocks are no steps', () => {
    const both = [reading(0, 0), reading(0, 9 * S, 10, 'b'), reading(S, 0), reading(S, 9 * S, 10, 'b')];
    expect(boundClock(both).steps).toEqual([]);
  });
});
