import { expect, it } from 'vitest';
import { EXPLORED } from '../support/lease/configurations.ts';
import { simulatedStates } from '../support/simulated/few-tokens.ts';
import { exploredStates } from '../support/simulated/lease-states.ts';

const TWO_HOLDERS = EXPLORED.find(([what]) => what.startsWith('two holders'))?.[1];

it('simulated leases are in no state that the exploration does not have', { timeout: 300_000 }, async () => {
  if (TWO_HOLDERS === undefined) throw new Error('there is no configuration with two holders');
  const explored = exploredStates(TWO_HOLDERS);
  const simulated = await simulatedStates([1, 2]);
  expect([...simulated].filter((state) => !explored.has(state))).toEqual([]);
  expect(simulated.size).toBeGreaterThan(25);
  expect(explored.size).toBe(83);
});
