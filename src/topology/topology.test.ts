import { expect, it } from 'vitest';
import { oneWayMs } from './topology.ts';

it.each([
  { trip: 80, there: 40, back: 40 },
  { trip: 5, there: 3, back: 2 },
  { trip: 4.6, there: 3, back: 2 },
  { trip: 0, there: 0, back: 0 },
])('a round trip of $trip ms is $there ms there and $back ms back', ({ trip, there, back }) => {
  const topology = { regions: ['a', 'b'], roundTripMs: { 'a:b': trip } };
  expect(oneWayMs(topology, { from: 'a', to: 'b' })).toBe(there);
  expect(oneWayMs(topology, { from: 'b', to: 'a' })).toBe(back);
});
