import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePolicy } from '../../src/core/policy.ts';
import { advance, type Home, outstandingTokens } from '../../src/limiter/strategies/lease/home.ts';
import { leaseModel } from '../support/lease/model.ts';
import { SETTINGS, type World, type WorldSettings } from '../support/lease/world.ts';

/** Far too large to explore whole. */
const LARGE: WorldSettings = {
  ...SETTINGS,
  holders: 3,
  capacity: 12,
  ticksPerToken: 3,
  leaseTicks: 8,
  marginTicks: 3,
  driftTicks: 2,
  inFlight: 4,
  requestsPerLease: 30,
  wants: [1, 4, 12],
  failover: true,
  crash: true,
  neighbour: true,
};

const STEPS = 300;

/** Goes on at random: each number chooses one of what can happen. What went wrong, if anything did, and what was seen. */
function walk(settings: WorldSettings, choices: readonly number[]) {
  const model = leaseModel(settings);
  let world = model.initial[0] as World;
  const path: string[] = [];
  for (const choice of choices) {
    const steps = [...model.next(world)];
    const step = steps[choice % steps.length];
    if (step === undefined) break;
    path.push(step.action);
    world = step.state;
    const what = model.violation(world);
    if (what !== undefined) return { what, path };
  }
  return { path };
}

describe('random walks through larger configurations of the lease protocol', () => {
  const choices = fc.array(fc.nat(), { minLength: STEPS, maxLength: STEPS });
  it.each([
    { title: 'three holders, failovers, crashes', settings: LARGE },
    {
      title: "steps of home's clock and restarts without state",
      settings: { ...LARGE, holders: 2, clockSteps: 1, stepTicks: 4, emptyRestarts: 1 },
    },
  ])('keep the promise: $title', { timeout: 300_000 }, ({ settings }) => {
    const seen = { admitted: 0, failovers: 0, lost: 0 };
    fc.assert(
      fc.property(choices, (drawn) => {
        const { what, path } = walk(settings, drawn);
        expect(what, path.join('\n')).toBeUndefined();
        for (const action of path) {
          if (action.includes('admits')) seen.admitted++;
          if (action.startsWith('failover')) seen.failovers++;
          if (action.includes('(lost')) seen.lost++;
        }
      }),
      { numRuns: 25, seed: 20_261_125 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(25);
  });
});

describe('home brought up to date', () => {
  const anyHome = fc
    .record({
      capacity: fc.integer({ min: 1, max: 1_000 }),
      tokens: fc.integer({ min: 1, max: 1_000 }),
      perUs: fc.integer({ min: 1, max: 1_000_000 }),
      level: fc.double({ min: 0, max: 1, noNaN: true }),
      grants: fc.array(fc.record({ granted: fc.nat(50), ends: fc.nat(5_000_000) }), { maxLength: 5 }),
    })
    .map(({ capacity, tokens, perUs, level, grants }) => {
      const policy = makePolicy(capacity, { tokens, perUs });
      let room = capacity;
      const accounts = grants.map(({ granted, ends }, lease) => {
        const lent = Math.min(granted, room);
        room -= lent;
        return { holder: 1, lease, seq: 1, granted: lent, used: 0, returned: 0, takenBackAtUs: ends };
      });
      const levelQuanta = Math.floor(level * room * policy.quantaPerToken);
      return { policy, home: { levelQuanta, updatedAtUs: 0, accounts, keyExpiresAtUs: 2 ** 52 } as Home };
    });
  const moments = fc.array(fc.nat(8_000_000), { minLength: 1, maxLength: 6 });

  it('is the same when repeated, with any steps of the clock between', () => {
    fc.assert(
      fc.property(anyHome, moments, ({ policy, home }, times) => {
        const last = Math.max(...times);
        const often = [...times, last].reduce((state, nowUs) => advance(state, policy, nowUs), home);
        expect(often).toEqual(advance(home, policy, last));
      }),
      { numRuns: 5_000, seed: 1 },
    );
  });

  it('never holds and lends more than the capacity', () => {
    fc.assert(
      fc.property(anyHome, fc.nat(8_000_000), ({ policy, home }, nowUs) => {
        const { levelQuanta, accounts } = advance(home, policy, nowUs);
        const out = accounts.reduce((sum, account) => sum + outstandingTokens(account), 0);
        expect(levelQuanta + out * policy.quantaPerToken).toBeLessThanOrEqual(policy.capacityQuanta);
      }),
      { numRuns: 5_000, seed: 2 },
    );
  });
});
