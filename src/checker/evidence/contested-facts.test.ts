import { expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { countContested } from './contested-facts.ts';

const policies = {
  burst: { capacity: 10, refill: { tokens: 1, perUs: 1 } },
  hourly: { capacity: 20, refill: { tokens: 1, perUs: 9 } },
};
const history = historyOf(
  ['a', 'b', 'c'].map((bucket) => ({
    charges: Object.keys(policies).map((policy) => ({ bucket, cost: 1, policy })),
  })),
  { header: { policies } },
);
const named = (...names: string[]) =>
  new Map(
    names.map((name) => {
      const { bucketCount, nameOf } = history.operations;
      return [Array.from({ length: bucketCount }, (_, at) => nameOf(at)).indexOf(name), 1] as const;
    }),
  );
const BUSIEST = ['a (burst)', 'b (burst)', 'a (hourly)', 'b (hourly)'];

it('shows the policy that was at its limit the least', () =>
  expect(countContested(history, named('a (burst)', 'a (hourly)', 'b (hourly)'), BUSIEST)).toEqual({
    ...{ buckets: 3, busiest: 3, ofBusiest: 4 },
    least: { policy: 'burst', buckets: 1, busiest: 1, ofBusiest: 2 },
  }));

it('shows a policy that never was at its limit', () =>
  expect(countContested(history, named('a (burst)', 'c (burst)'), BUSIEST).least).toEqual({
    ...{ policy: 'hourly', buckets: 0, busiest: 0, ofBusiest: 2 },
  }));

it('shows none of a history without a plan', () =>
  expect(countContested(history, named('a (burst)'), [])).toEqual({ buckets: 1, busiest: 0, ofBusiest: 0 }));
