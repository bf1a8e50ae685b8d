import { describe, expect, it } from 'vitest';
import { LEASE_SWITCHES } from '../../src/limiter/strategies/lease/protocol.ts';
import { judgeLease } from '../support/simulated/convict.ts';
import type { Rule } from '../support/simulated/lease-rules.ts';

const RULES = Object.keys(LEASE_SWITCHES) as Rule[];
const SEED = 1;
/** Home grants again for each repetition: tokens are kept from others, and none is admitted twice. */
const HOARDS = 'repeatedByTheSameNumber';

/*
 * The lease strategy in simulated runs, whole and without one of the rules of its protocol. lease-exploration.test.ts
 * visits every state of small configurations of the same protocol; here it is judged as a user would judge a run.
 */
describe('leases without one rule admit too much in a simulated run', () => {
  it.each(RULES.filter((rule) => rule !== HOARDS))('%s', { timeout: 120_000 }, async (rule) => {
    const { by, excess } = await judgeLease(rule, { seed: SEED, isRemoved: true });
    expect(by).toContain('over-admission');
    expect(excess).toBeGreaterThan(0.25);
  });
});

it('leases that repeat a request by another number deny what home holds', { timeout: 120_000 }, async () => {
  expect((await judgeLease(HOARDS, { seed: SEED, isRemoved: true })).by).toEqual(['false denial']);
});

describe('leases with all rules are not accused under the same faults and load', () => {
  it.each(RULES)('as for %s', { timeout: 120_000 }, async (rule) => {
    expect((await judgeLease(rule, { seed: SEED, isRemoved: false })).by).toEqual([]);
  });
});
