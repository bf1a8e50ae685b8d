import { describe, expect, it, onTestFinished } from 'vitest';
import { formatPolicy, makePolicy, parsePolicy } from '../../src/core/policy.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { type Change, type Replayed, replay, rollOut } from '../support/policy-change/rolling.ts';
import { SERVERS } from '../support/server.ts';

/** `npm run bench:policy-change` takes longer, and prints what it finds. */
const SECONDS = Number(process.env.POLICY_CHANGE_SECONDS ?? 3);
const SHOWS = process.env.POLICY_CHANGE_SECONDS !== undefined;

const CHANGES: readonly Change[] = [
  { before: parsePolicy('1000:1/h'), after: parsePolicy('5:5/s') },
  { before: parsePolicy('20:50/s'), after: parsePolicy('60:50/s') }, // one unit
  { before: parsePolicy('40:600/min'), after: makePolicy(30, { tokens: 7, perUs: 999_983 }) }, // no common divisor
  { before: parsePolicy('10:100/s'), after: parsePolicy('100:10/s') },
  { before: parsePolicy('2:1/d'), after: makePolicy(50, { tokens: 1_000_003, perUs: 86_400_000_001 }) }, // past 2^53
];

/** A busy machine may stop a node for seconds: no failover may lose a decision that is replayed. */
const REGIONS = {
  regions: ['a', 'b', 'c'],
  roundTripMs: { 'a:b': 4, 'a:c': 4, 'b:c': 4 },
  nodeTimeoutMs: 10_000,
};

const HEADS = ['before', 'after', 'decisions', 'admitted', 'in the other unit', 'excess', 'lost'];

describe.each(SERVERS)('a rolling change of a policy on three regions of %s', (command) => {
  it(`is exact while both are in use for ${SECONDS} s`, { timeout: 120_000 + 1_000 * SECONDS }, async () => {
    const { regions, stop } = await startLocalRegions(command, REGIONS);
    onTestFinished(stop, 60_000);
    const views = regions.topology.regions.map((region) => regions.view(region));
    const recorded = await Promise.all(
      CHANGES.map((change, i) =>
        rollOut(change, { views, prefix: `change-${i}`, seconds: SECONDS, seed: i }),
      ),
    );
    const found = CHANGES.map((change, i) => replay(change, recorded[i] as (typeof recorded)[number]));
    if (SHOWS) process.stdout.write(table(command, found));
    for (const [i, { changes, excessTokens, lostQuanta, decisions }] of found.entries()) {
      const { before, after } = CHANGES[i] as Change;
      expect(recorded[i]?.failures).toBe(0);
      expect(decisions).toBeGreaterThan(100);
      if (before.quantaPerToken !== after.quantaPerToken) expect(changes).toBeGreaterThan(6);
      expect(excessTokens).toBe(0);
      expect(lostQuanta).toBeLessThan(1);
    }
  });
});

function table(command: string, found: readonly Replayed[]): string {
  const rows = found.map(({ decisions, admittedTokens, changes, excessTokens, lostQuanta }, i) => {
    const { before, after } = CHANGES[i] as Change;
    const names = [before, after].map((policy) => `\`${formatPolicy(policy)}\``);
    return [
      ...names,
      decisions,
      admittedTokens,
      changes,
      excessTokens,
      Math.floor(1_000 * lostQuanta) / 1_000,
    ];
  });
  const lines = [HEADS, HEADS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
  return `\n${command}, ${SECONDS} s side by side; lost: the most by one decision, in quanta of the coarser\n\n${lines.join('')}\n`;
}
