import fc from 'fast-check';
import { expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { checkHistory } from './check.ts';

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const anyPart = fc.record({
  invokedUs: fc.constantFrom(0, 1, 3, 20, 21, 23, 40, 41),
  length: fc.nat(3),
  cost: fc.constantFrom(-2, -1, 1, 1, 1, 1, 2),
});
const overAdmission = (parts: Parameters<typeof historyOf>[0]) =>
  checkHistory(historyOf(parts, { policy: '2:1/4us' }), RULES).overAdmission;

it('beside refunds, a witness is a proof too, and none without any one of its operations', () => {
  const seen = { single: 0, several: 0 };
  fc.assert(
    fc.property(fc.array(anyPart, { minLength: 4, maxLength: 20 }), (drawn) => {
      const parts = drawn.map(({ invokedUs, length, cost }) => ({
        invokedUs,
        completedUs: invokedUs + (cost < 0 ? 8 * length : length),
        cost,
      }));
      const refunds = parts.filter(({ cost }) => cost < 0);
      const [finding] = overAdmission(parts).findings;
      if (finding === undefined || refunds.length === 0) return;
      const proof = finding.witness.map(({ operation }) => parts[operation.index] as (typeof parts)[0]);
      expect(overAdmission([...refunds, ...proof]).total).toBeGreaterThan(0);
      for (const left of proof)
        expect(overAdmission([...refunds, ...proof.filter((part) => part !== left)]).total).toBe(0);
      const [, admitted, allowed] = /^([\d.]+) tokens admitted .* = ([\d.]+)$/.exec(finding.inequality) ?? [];
      const [, beyond, back] =
        /at least ([\d.]+) tokens .* given back ([\d.]+) of them in time$/.exec(finding.inequality) ?? [];
      expect(Number(admitted ?? beyond)).toBeGreaterThan(Number(allowed ?? back));
      seen[admitted === undefined ? 'several' : 'single']++;
    }),
    { numRuns: 900, seed: 51 },
  );
  expect(seen.single).toBeGreaterThan(50);
  expect(seen.several).toBeGreaterThan(1);
});
