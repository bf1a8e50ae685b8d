import { expect, it } from 'vitest';
import { operationOf } from '../../../test/support/history.ts';
import { AgeTally } from './age-tally.ts';

const decided = (node: string, ageUs?: number) => ({
  strategy: 'active-active',
  source: 'redis' as const,
  node,
  ...(ageUs === undefined ? {} : { ageUs }),
});

it('keeps the oldest knowledge that each node admitted on, and counts admissions without any', () => {
  const tally = new AgeTally();
  const operations = [
    { outcome: 'allowed' as const, decision: decided('a', 5) },
    { outcome: 'allowed' as const, decision: decided('a', 7) },
    { outcome: 'denied' as const, decision: decided('a', 9) },
    { outcome: 'allowed' as const, decision: decided('b') },
    { outcome: 'info' as const },
    {
      outcome: 'allowed' as const,
      decision: { strategy: 'active-active', source: 'fallback' as const, node: 'none' }, // no region decided it
    },
  ];
  for (const [index, part] of operations.entries()) tally.add(operationOf(index, part));
  expect(tally.records(100)).toEqual([
    { type: 'event', event: 'age', node: 'a', atUs: 100, args: { ageUs: 7, unheard: 0 } },
    { type: 'event', event: 'age', node: 'b', atUs: 100, args: { ageUs: 0, unheard: 1 } },
  ]);
});
