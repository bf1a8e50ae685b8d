import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const planOf = (text: string) =>
  parseScenario(`# Why?\n${text}\nclaims: [info <= 5%]`, { file: 'dir/some.yaml' });

describe('a load of reservations', () => {
  it('has what requests really cost, one value or several', () => {
    expect(planOf('load: {cost: 10, actual: [0, 3, 10]}').load).toMatchObject({
      costs: [10],
      actuals: [0, 3, 10],
    });
    expect(planOf('strategy: acked\nload: {cost: [4, 5], actual: 4}').load.actuals).toEqual([4]);
    expect(planOf('load: {cost: 10}').load.actuals).toBeUndefined();
  });

  it.each([
    {
      text: 'load: {cost: [5, 10], actual: [1, 6]}',
      says: '2:23 load.actual: expected at most the 5 tokens that a request reserves (cost); found 6',
    },
    {
      text: 'load: {cost: 5, actual: -1}',
      says: '2:25 load.actual: expected a whole number of tokens, at least 0, or a list of them; found -1',
    },
    {
      text: 'strategy: lease\nload: {cost: 5, actual: 1}',
      says: '3:17 load.actual: strategy lease cannot reserve tokens; remove it, or use central or acked',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nload: {cost: 5, actual: 1}',
      says: '3:17 load.actual: requests reserve tokens of one policy only; remove it, or use one policy',
    },
  ])('is refused: $text', ({ text, says }) => {
    expect(() => planOf(text)).toThrow(says);
  });
});
