import { expect, it } from 'vitest';
import { operationOf } from '../../../test/support/history.ts';
import { parsePolicies } from '../../core/policies.ts';
import { ExcessTally } from './excess-tally.ts';
import { LiveTally } from './live-tally.ts';

it.each([
  { limitTokens: 2, atLimit: 1 },
  { limitTokens: 3, atLimit: 0 },
])('a limit of $limitTokens, 2 admitted and 1 denied: $atLimit at its limit', ({ limitTokens, atLimit }) => {
  const tally = new LiveTally(['r'], ['b'], [{ name: '', limitTokens }]);
  for (const outcome of ['allowed', 'allowed', 'denied'] as const) tally.add(operationOf(0, { outcome }));
  expect(tally.look()).toMatchObject({ atLimit, ofBusiest: 1 });
});

it('counts each of several policies in its own bucket, and shows the worst excess of them', () => {
  const policies = parsePolicies('requests=10:1/h, tokens=20:1/h').map(({ name, policy }) => ({
    name,
    limitTokens: policy.capacityTokens,
    excess: new ExcessTally(policy),
  }));
  const tally = new LiveTally(['r'], ['b (requests)', 'b (tokens)'], policies);
  const charges = [
    { bucket: 'b', cost: 1, policy: 'requests' },
    { bucket: 'b', cost: 7, policy: 'tokens' },
  ];
  const outcomes = ['allowed', 'allowed', 'allowed', 'allowed', 'denied'] as const;
  for (const [at, outcome] of outcomes.entries()) tally.add(operationOf(at, { outcome, charges }));
  const { atLimit, ofBusiest, excess } = tally.look();
  expect([atLimit, ofBusiest]).toEqual([1, 2]);
  expect(excess?.bucket).toBe('b (tokens)');
  expect(excess?.tokens).toBeGreaterThan(7.9);
});
