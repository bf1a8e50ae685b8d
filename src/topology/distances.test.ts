import { describe, expect, it } from 'vitest';
import { type Position, roundTripBetween, roundTripsOf } from './distances.ts';
import { KNOWN_ROUND_TRIPS_MS } from './topology.ts';

const VIRGINIA: Position = [38.9, -77.4];
const DUBLIN: Position = [53.3, -6.3];
const MUMBAI: Position = [19.1, 72.9];

describe('the round trip between two places', () => {
  it.each<[string, Position, Position, number]>([
    ['is that of routers alone within one place', DUBLIN, DUBLIN, 1],
    ['is 15 ms for each 1,000 km: a quarter of the equator', [0, 0], [0, 90], 151],
    ['is the longest on the other side', [90, 0], [-90, 0], 301],
    ['crosses the date line', [0, 179], [0, -179], 4],
  ])('%s', (_title, from, to, ms) => {
    expect(roundTripBetween(from, to)).toBe(ms);
    expect(roundTripBetween(to, from)).toBe(ms);
  });

  it('is about the default of the known regions', () => {
    const trips = roundTripsOf({ 'us-east': VIRGINIA, 'eu-west': DUBLIN, 'ap-south': MUMBAI });
    expect(Object.keys(trips)).toHaveLength(3);
    for (const [pair, ms] of Object.entries(trips)) {
      const known = KNOWN_ROUND_TRIPS_MS[pair] ?? Number.NaN;
      expect(Math.abs(ms - known), pair).toBeLessThanOrEqual(known / 10);
    }
  });
});
