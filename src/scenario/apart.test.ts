import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const planOf = (written: object) =>
  parseScenario(`# why\n${JSON.stringify({ claims: ['total-excess <= 0'], ...written })}`, {
    file: 'mine.yaml',
  });

describe('a strategy whose regions are apart', () => {
  it.each([
    { strategy: 'central', want: { replicas: 1 } },
    { strategy: 'active-active', want: { replicas: 0, apart: true } },
  ])('$strategy plans $want', ({ strategy, want }) => {
    const { topology } = planOf({ strategy });
    expect(topology).toMatchObject(want);
    expect('apart' in topology).toBe('apart' in want);
  });

  it('has no node that a fault on a replica could have', () => {
    const faults = [{ fault: 'failover', node: 'eu-west-1', at: '5s', for: '8s' }];
    expect(() => planOf({ strategy: 'active-active', faults })).toThrow(/eu-west-1/);
  });

  it('is asked for no sides that count together', () => {
    const claim = 'sides >= 100%';
    expect(planOf({ strategy: 'central' }).claims).toContain(claim);
    expect(planOf({ strategy: 'active-active' }).claims).not.toContain(claim);
  });
});
