import { describe, expect, it } from 'vitest';
import { claimForStrategy } from './contested-share.ts';

describe('a claim of a scenario under another strategy', () => {
  it.each([
    { claim: 'contested >= 80%', strategy: 'lease', want: 'contested >= 40%' },
    { claim: 'contested >= 30%', strategy: 'lease', want: 'contested >= 30%' },
    { claim: 'contested >= 100', strategy: 'lease', want: 'contested >= 100' },
    { claim: 'total-excess <= 0', strategy: 'lease', want: 'total-excess <= 0' },
    { claim: 'contested >= 80%', strategy: 'lease-unacked', want: 'contested >= 80%' },
    { claim: 7, strategy: 'lease', want: 7 },
  ])('$claim under $strategy: $want', ({ claim, strategy, want }) => {
    expect(claimForStrategy(claim, strategy)).toBe(want);
  });
});
