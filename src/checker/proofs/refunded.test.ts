import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import { parsePolicy } from '../../core/policy.ts';
import { checkHistory } from '../check.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import type { Drop } from './drops.ts';
import { findOverAdmission, isOverAdmitted } from './over-admission.ts';
import { ProofBudget } from './proof-budget.ts';
import { proveDespiteRefunds } from './refunded.ts';

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const anyPart = fc.record({
  invokedUs: fc.constantFrom(0, 1, 3, 20, 21, 23, 40, 41),
  length: fc.nat(3),
  cost: fc.constantFrom(-2, -1, 1, 1, 1, 1, 2),
});
const overAdmission = (parts: Parameters<typeof historyOf>[0]) =>
  checkHistory(historyOf(parts, { policy: '2:1/4us' }), RULES).overAdmission;

it('with refunds, a witness is a proof, and none of its operations can be left out', () => {
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
        /at least ([\d.]+) tokens .* returned at most ([\d.]+) of them in time$/.exec(finding.inequality) ??
        [];
      expect(Number(admitted ?? beyond)).toBeGreaterThan(Number(allowed ?? back));
      seen[admitted === undefined ? 'several' : 'single']++;
    }),
    { numRuns: 900, seed: 51 },
  );
  expect(seen.single).toBeGreaterThan(50);
  expect(seen.several).toBeGreaterThan(1);
});

describe('the time for a smallest proof with refunds', () => {
  const policy = parsePolicy('20:1/s');
  const slack = { epsilonUs: 0, rhoPpm: 0, slowPpm: 0, backwardUs: 0, spreadUs: 0 };
  const refunds = [{ fromUs: 0, lastUs: 1_000, quanta: 5 * policy.quantaPerToken }];
  const parts = Array.from({ length: 60 }, (_, at) => ({ invokedUs: 10 * at }));
  const bucket = new BucketRows(historyOf(parts, { policy: '20:1/s' }).operations);
  bucket.load(0);
  const drop = findOverAdmission(bucket, policy, slack, refunds).drops.first as Drop;
  const prove = (rowsOfBucket: number) =>
    proveDespiteRefunds(bucket, { policy, slack, refunds }, drop, new ProofBudget({ rowsOfBucket }));

  it.each([
    { rows: 0, says: 'nothing' },
    { rows: 20, says: 'nothing' },
    { rows: 60, says: 'a proof that may not be the smallest' },
    { rows: 300, says: 'a proof that may not be the smallest' },
    { rows: 100_000, says: 'a smallest proof' },
  ])('gives $says after $rows rows', ({ rows, says }) => {
    const proof = prove(rows);
    const kind = proof?.isSmallest ? 'a smallest proof' : 'a proof that may not be the smallest';
    expect(proof === undefined ? 'nothing' : kind).toBe(says);
    if (proof !== undefined) expect(isOverAdmitted(proof.rows, policy, slack, refunds)).toBe(true);
  });

  it('is shared by all buckets', () => {
    const budget = new ProofBudget({ rows: 150, rowsOfBucket: 100 });
    const judged = [1, 2, 3].map(() => {
      budget.startBucket();
      return [60, 60].map((rows) => budget.mayJudge(rows));
    });
    expect(judged).toEqual([
      [true, false],
      [true, false],
      [false, false],
    ]);
  });
});
