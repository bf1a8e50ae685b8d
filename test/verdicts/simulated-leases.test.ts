import { describe, expect, it } from 'vitest';
import { LEASE_SWITCHES } from '../../src/limiter/strategies/lease/protocol.ts';
import { judgeLease } from '../support/simulated/convict.ts';
import type { Rule } from '../support/simulated/lease-rules.ts';
import { UNSEEN } from '../support/simulated/lease-scenarios.ts';

const RULES = Object.keys(LEASE_SWITCHES) as Rule[];
const SEED = 1;

/*
 * The lease strategy in simulated runs, whole and without one of the rules of its protocol. lease-exploration.test.ts
 * visits every state of small configurations of the same protocol; here it is judged as a user would judge a run.
 */
describe('leases without one rule admit too much in a simulated run', () => {
  it.each(RULES.filter((rule) => UNSEEN[rule] === undefined))('%s', { timeout: 120_000 }, async (rule) => {
    const { by, excess } = await judgeLease(rule, { seed: SEED, isRemoved: true });
    expect(by).toContain('over-admission');
    expect(excess).toBeGreaterThan(0.5);
  });

  it.each(Object.entries(UNSEEN))('but not %s: %s', { timeout: 120_000 }, async (rule) => {
    expect((await judgeLease(rule as Rule, { seed: SEED, isRemoved: true })).by).toEqual([]);
  });
});

describe('leases with all rules are not accused under the same faults and load', () => {
  it.each(RULES)('as for %s', { timeout: 120_000 }, async (rule) => {
    expect((await judgeLease(rule, { seed: SEED, isRemoved: false })).by).toEqual([]);
  });
});
