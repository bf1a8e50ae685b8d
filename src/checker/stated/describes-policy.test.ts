import { expect, it } from 'vitest';
import { parsePolicy } from '../../core/policy.ts';
import { describesBucket } from './describes-policy.ts';

it.each([
  { policy: '20:5/s', stated: { limit: 20 } },
  { policy: '20:5/s', stated: { limit: 20, windowS: 4 } },
  { policy: '20:5/s', stated: { limit: 5, windowS: 1 } },
  { policy: '20:5/s', stated: { limit: 300 } },
  { policy: '10:1000/12h', stated: { limit: 1_000 } },
  { policy: '50:10000/7d', stated: { limit: 10_000 } },
  { policy: '50:100/7min', stated: { limit: 100 } },
  { policy: '500:1000/1500ms', stated: { limit: 1_000, windowS: 2 } },
])('$stated can describe $policy', ({ policy, stated }) => {
  expect(describesBucket(stated, parsePolicy(policy))).toBe(true);
});

it.each([
  { policy: '20:5/s', stated: { limit: 100, windowS: 60 } },
  { policy: '20:5/s', stated: { limit: 40, windowS: 4 } },
  { policy: '20:5/s', stated: { limit: 19 } },
  { policy: '10:1000/12h', stated: { limit: 999 } },
])('$stated cannot describe $policy', ({ policy, stated }) => {
  expect(describesBucket(stated, parsePolicy(policy))).toBe(false);
});
