import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const planOf = (text: string) =>
  parseScenario(`# Why?\n${text}\nclaims: [info <= 5%]`, { file: 'dir/some.yaml' });

describe('a scenario with several policies', () => {
  it('has them in its plan as one text, and costs by name', () => {
    const text = 'policies: {burst: 10:10/s, hourly: 1000:60000/h}\nload: {cost: {hourly: [1, 5]}}';
    const { policy, load } = planOf(text);
    expect(policy).toBe('burst=10:10/s, hourly=1000:1000/min');
    expect(load).toMatchObject({ costs: [1], costsByPolicy: { hourly: [1, 5] } });
  });

  it('takes one cost for all of them', () => {
    const { load } = planOf('policies: {burst: 10:10/s, hourly: 1000:60000/h}\nload: {cost: [1, 5]}');
    expect(load.costs).toEqual([1, 5]);
    expect(load.costsByPolicy).toBeUndefined();
  });

  it.each([
    {
      text: 'policy: 5:1/s\npolicies: {burst: 10:10/s, hourly: 20:2/s}',
      says: '3:1 policies: `policy` and `policies` are mutually exclusive; remove one',
    },
    {
      text: 'policies:\n  burst: 10:10/s',
      says: '2:1 policies: expected a mapping of 2 to 10 policies, each by its name, like burst: 10:10/s; found 1',
    },
    {
      text: 'policies:\n  9x: 10:10/s\n  burst: 5:1/s',
      says: '3:3 policies.9x: expected a policy\'s name of letters, digits and _ . - that begins with a letter; found "9x"',
    },
    {
      text: 'policies:\n  burst: 10\n  hourly: 20:2/s',
      says: '3:10 policies.burst: expected a policy as capacity:rate, like 20:5/s; found 10',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nstrategy: lease',
      says: '2:1 policies: strategy lease supports one policy; found 2; give one, or use strategy central or acked',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nload: {cost: 11}',
      says: '3:14 load.cost: expected costs of at most 10 tokens, the capacity of burst; found 11',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nload:\n  cost:\n    burst: 2\n    hourly: [1, 21]',
      says: '6:5 load.cost.hourly: expected costs of at most 20 tokens, the capacity of hourly; found 21',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nload:\n  cost:\n    hourli: 2',
      says: '5:5 load.cost.hourli: expected one of the policies burst, hourly; found "hourli"; did you mean "hourly"?',
    },
    {
      text: 'policies: {burst: 10:10/s, hourly: 20:2/s}\nload:\n  cost:\n    burst: [1, 0]',
      says: '5:16 load.cost.burst[1]: expected a whole number of tokens, at least 1, or a list of them; found 0',
    },
    {
      text: 'load: {cost: {tokens: 2}}',
      says: '2:15 load.cost.tokens: expected no name, since there is one policy; found "tokens"',
    },
  ])('is refused with the place: $says', ({ text, says }) =>
    expect(() => planOf(text)).toThrow(/^\d/.test(says) ? `dir/some.yaml:${says}` : says),
  );
});
