import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const planOf = (text: string) =>
  parseScenario(`# Why?\n${text}\nclaims: [total-excess <= 0]\n`, { file: 'x.yaml' });

describe('homes of a scenario', () => {
  it('are in the plan only if there are any', () => {
    expect(planOf('homes: true')).toMatchObject({ homes: true });
    expect(planOf('homes: false')).not.toHaveProperty('homes');
    expect(planOf('seed: 1')).not.toHaveProperty('homes');
  });

  it.each(['central', 'acked', 'lease', 'lease-unacked'])('are possible with %s', (strategy) => {
    expect(planOf(`homes: true\nstrategy: ${strategy}`).homes).toBe(true);
  });

  it.each([
    {
      text: 'homes: us-east',
      says: 'homes: expected true or false; found "us-east"',
    },
    {
      text: 'homes: true\nstrategy: article\nload: { cost: 1 }',
      says: 'homes: strategy article has no homes; remove it, or use central, acked, lease, lease-unacked',
    },
    {
      text: 'homes: true\ntopology: { kind: sentinel }',
      says: 'homes: topology sentinel has one primary for all regions, so no homes; remove it',
    },
    {
      text: 'homes: true\nload: { from: access.log }',
      says: 'homes: the users of a log have names of their own, and no homes; remove it',
    },
    {
      text: 'homes: true\nlimiter: ./mine.mjs',
      says: 'homes: `homes` cannot be combined with `limiter`, which chooses its keys; remove it',
    },
  ])('are refused: $says', ({ text, says }) => {
    expect(() => planOf(text)).toThrow(says);
  });
});
