import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const CLAIMS = 'claims: [total-excess <= 0]\n';
const read = (text: string) =>
  parseScenario(`# Are large files read at once?\n${CLAIMS}${text}`, { file: 'large.yaml' });
const refusal = (text: string) => {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

// A parser that compares each key with all others takes minutes for the first of these.
describe('a large scenario', { timeout: 40_000 }, () => {
  it('with 110,000 keys is refused with the first of them', () => {
    const keys = Array.from({ length: 110_000 }, (_, i) => `k${i.toString(36)}: 1`).join('\n');
    expect(keys.length).toBeLessThan(1_000_000);
    expect(refusal(keys)).toMatch(/^110000 problems\n {2}large\.yaml:3:1 k0: unknown key "k0"/);
  });

  it('has at most 1,000 faults', () => {
    const faults = (many: number) => {
      const each = (i: number) => `{ fault: kill, node: us-east-0, at: ${10 * i}ms, for: 1ms }`;
      return `faults: [${Array.from({ length: many }, (_, i) => each(i)).join(', ')}]`;
    };
    expect(refusal(faults(1_001))).toBe('large.yaml:3:1 faults: expected at most 1000 faults; found 1001');
    expect(read(faults(1_000)).faults).toHaveLength(1_000);
  });
});
