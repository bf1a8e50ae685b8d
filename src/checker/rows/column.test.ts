import { expect, it } from 'vitest';
import { Column } from './column.ts';

const MANY = 40_000; // three pieces

it.each([
  { title: 'whole', numberAt: (at: number) => at },
  { title: 'below zero from the 51st on', numberAt: (at: number) => (at < 50 ? at : -at) },
  { title: 'a fraction among whole ones', numberAt: (at: number) => (at === 20_000 ? 0.5 : at) },
  { title: 'around 2^32', numberAt: (at: number) => 2 ** 32 - 100 + at },
  { title: 'without an end', numberAt: (at: number) => (at === 3 ? Number.POSITIVE_INFINITY : 7) },
])('a column keeps numbers: $title', ({ numberAt }) => {
  const column = new Column();
  for (let at = 0; at < MANY; at++) column.add(numberAt(at));
  expect(column.length).toBe(MANY);
  for (let at = 0; at < MANY; at++)
    if (column.at(at) !== numberAt(at)) expect(column.at(at)).toBe(numberAt(at));
});
