import { expect, it } from 'vitest';
import { operationOf } from '../../../test/support/history.ts';
import { LiveTally } from './live-tally.ts';

it.each([
  { limitTokens: 2, atLimit: 1 },
  { limitTokens: 3, atLimit: 0 },
])('a limit of $limitTokens, 2 admitted and 1 denied: $atLimit at its limit', ({ limitTokens, atLimit }) => {
  const tally = new LiveTally(['r'], ['b'], [{ name: '', limitTokens }]);
  for (const outcome of ['allowed', 'allowed', 'denied'] as const) tally.add(operationOf(0, { outcome }));
  expect(tally.look()).toMatchObject({ atLimit, ofBusiest: 1 });
});
