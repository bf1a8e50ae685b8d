import { describe, expect, it } from 'vitest';
import { beyondOf, compareOutcomes, isFound, isWorse, type Outcome } from './outcome.ts';

const outcome = (own: Partial<Outcome>): Outcome => ({
  ...{
    excess: 0,
    bound: 0,
    lacking: 20,
    verdict: 'pass',
    requests: 100,
    lostPerSecond: 0,
    ...own,
  },
});

describe('of two outcomes, the worse is', () => {
  it.each<{ title: string; worse: Partial<Outcome>; than: Partial<Outcome> }>([
    {
      title: 'a finding, whatever else was nearer',
      worse: { excess: 1, verdict: 'fail' },
      than: { excess: 24, bound: 25, lacking: 0 },
    },
    {
      title: 'the finding with more tokens beyond its bound',
      worse: { excess: 4, bound: 1, verdict: 'fail' },
      than: { excess: 9, bound: 7, verdict: 'fail' },
    },
    {
      title: 'the one with fewer tokens left of its bound',
      worse: { excess: 0, bound: 0 },
      than: { excess: 24, bound: 25, lacking: 0 },
    },
    {
      title: 'of as many tokens left, the one that reached the larger share of its bound',
      worse: { excess: 40, bound: 45 },
      than: { excess: 20, bound: 25, lacking: 0 },
    },
    { title: 'the one that stated more wrong values', worse: { misstated: 1 }, than: { lacking: 0.1 } },
    { title: 'the one that lacked less', worse: { lacking: 1.5 }, than: { lacking: 1.6 } },
    {
      title: 'the one that lacked less, where no bound is declared',
      worse: { bound: null, lacking: 1 },
      than: { bound: null, lacking: 2, excess: 9 },
    },
    { title: 'one that was judged', worse: { bound: null }, than: { failure: 'the nodes do not settle' } },
  ])('$title', ({ worse, than }) => {
    expect(isWorse(outcome(worse), outcome(than))).toBe(true);
    expect(isWorse(outcome(than), outcome(worse))).toBe(false);
  });
});

it('for availability the worse is the one that lost more decisions a second', () => {
  const [one, other] = [
    outcome({ lostPerSecond: 3, excess: 9, verdict: 'fail' }),
    outcome({ lostPerSecond: 4 }),
  ];
  expect(isWorse(other, one, 'availability')).toBe(true);
  expect(isWorse(other, one)).toBe(false);
});

it.each([20, Number.POSITIVE_INFINITY])('equal outcomes that lack %d tokens are in no order', (lacking) =>
  expect(compareOutcomes(outcome({ lacking }), outcome({ lacking }))).toBe(0),
);

it.each([
  { title: 'above the bound', own: { excess: 3, bound: 2, verdict: 'fail' }, found: true },
  { title: 'at the bound', own: { excess: 2, bound: 2, verdict: 'pass' }, found: false },
  { title: 'without a bound', own: { excess: 3, bound: null, verdict: 'unknown' }, found: false },
  {
    title: 'above the bound by clocks that contradict',
    own: { excess: 3, verdict: 'unknown' },
    found: false,
  },
] as const)('an outcome $title is found: $found', ({ own, found }) => {
  expect(isFound(outcome(own))).toBe(found);
});

it('without a bound nothing is beyond it', () =>
  expect(beyondOf(outcome({ excess: 5, bound: null }))).toBe(Number.NEGATIVE_INFINITY));
