import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { formatPolicy, makePolicy, type Policy, parsePolicy } from '../../core/policy.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { findOverAdmission } from './over-admission.ts';
import { findWorstWindow } from './worst-window.ts';

interface Admission {
  readonly invokedUs: number;
  readonly completedUs: number;
  readonly cost: number;
}

function judge(admissions: readonly Admission[], policy: Policy) {
  const { operations } = historyOf(admissions as OperationPart[], { policy: formatPolicy(policy) });
  const rows = new BucketRows(operations);
  rows.load(0);
  const slack = { epsilonUs: 0, rhoPpm: 0 };
  const worst = findWorstWindow(rows, new EdfTimeline(policy, slack));
  return {
    total: findOverAdmission(rows, policy, slack).totalExcessQuanta,
    worst: worst === undefined ? 0 : worst.admittedQuanta - worst.allowanceQuanta,
  };
}

/** The same by integers of any size: EDF that drops at deadlines, and every window. */
function judgeByHand(admissions: readonly Admission[], policy: Policy) {
  const [perUs, perToken] = [BigInt(policy.quantaPerUs), BigInt(policy.quantaPerToken)];
  const jobs = admissions
    .map(({ invokedUs, completedUs, cost }) => ({
      start: BigInt(invokedUs) * perUs,
      end: BigInt(completedUs) * perUs,
      work: BigInt(cost) * perToken,
    }))
    .sort((a, b) => Number(a.start - b.start));
  const burst = BigInt(policy.capacityQuanta);
  let worst = 0n;
  for (const { start } of jobs)
    for (const { end } of jobs) {
      const inside = jobs.filter((job) => job.start >= start && job.end <= end);
      const sum = inside.reduce((total, { work }) => total + work, 0n);
      const excess = sum - burst - (end - start);
      if (inside.length > 0 && excess > worst) worst = excess;
    }
  const beyond = jobs.reduce((sum, { work }) => sum + (work > burst ? work - burst : 0n), 0n);
  const held = jobs.map((job) => ({ ...job, work: job.work > burst ? burst : job.work })); // no bucket holds more at once
  return { total: beyond + dropped(held, burst), worst };
}

function dropped(jobs: readonly { start: bigint; end: bigint; work: bigint }[], burst: bigint): bigint {
  const moments = [...new Set(jobs.flatMap(({ start, end }) => [start - burst, end]))].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const left = jobs.map(({ work }) => work);
  for (const [i, from] of moments.entries()) {
    let time = (moments[i + 1] ?? from) - from;
    const ready = jobs
      .map((job, at) => ({ ...job, at }))
      .filter(({ start, end }) => start - burst <= from && end > from)
      .sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : 0));
    for (const { at } of ready) {
      const step = (left[at] as bigint) < time ? (left[at] as bigint) : time;
      left[at] = (left[at] as bigint) - step;
      time -= step;
    }
  }
  return left.reduce((sum, one) => sum + one, 0n);
}

const anyPolicy = fc
  .tuple(fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([capacity, tokens, perUs]) => ({
    capacity: 2 ** capacity + 3,
    tokens: 2 ** tokens + 1,
    perUs: 2 ** perUs + 7,
  }))
  .filter(({ capacity, tokens, perUs }) => capacity * perUs + tokens < 2 ** 52)
  .map(({ capacity, tokens, perUs }) => makePolicy(capacity, { tokens, perUs }));
const anyTime = fc.oneof(
  fc.nat(300),
  fc.integer({ min: -1_000_000, max: 86_400_000_000 }),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
);
const anyAdmission = fc
  .record({ from: anyTime, to: anyTime, cost: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(2 ** 31 - 1)) })
  .map(({ from, to, cost }) => ({
    invokedUs: Math.min(from, to),
    completedUs: Math.max(from, to),
    cost: Math.max(1, cost),
  }));

describe('a machine', () => {
  it('is exact for every policy and cost that is accepted, at any time', () => {
    let [convicted, vast] = [0, 0];
    fc.assert(
      fc.property(anyPolicy, fc.array(anyAdmission, { minLength: 1, maxLength: 12 }), (policy, drawn) => {
        const most = Math.floor(2 ** 52 / policy.quantaPerToken);
        const admissions = drawn.map((one) => ({ ...one, cost: Math.min(one.cost, most) }));
        const admitted = admissions.reduce(
          (sum, { cost }) => sum + BigInt(cost) * BigInt(policy.quantaPerToken),
          0n,
        );
        const [found, wanted] = [judge(admissions, policy), judgeByHand(admissions, policy)];
        for (const measure of ['total', 'worst'] as const) {
          expect(found[measure] > 0).toBe(wanted[measure] > 0n);
          if (admitted < 2n ** 53n) expect(found[measure]).toBe(Number(wanted[measure]));
          else {
            const off = Math.abs(found[measure] - Number(wanted[measure]));
            expect(off).toBeLessThanOrEqual(8 + 1e-12 * found[measure]); // differences of rounded sums
          }
          if (wanted[measure] >= 2n ** 53n) vast++;
        }
        if (wanted.total > 0n) convicted++;
      }),
      { numRuns: 2_000, seed: 6 },
    );
    expect(convicted).toBeGreaterThan(500);
    expect(vast).toBeGreaterThan(100);
  });

  it('ends where what was admitted takes longer than 2^53 quanta, one of them half served', () => {
    const policy = parsePolicy('50000:1/d');
    const burst = Array.from({ length: 6 }, (_, at) => ({
      invokedUs: 101 * at,
      completedUs: 101 * at + 37,
      cost: 50_000,
    }));
    const { total, worst } = judge([{ invokedUs: -1_001, completedUs: 500_000, cost: 1 }, ...burst], policy);
    expect([total, worst].map((quanta) => Math.round(quanta / policy.quantaPerToken))).toEqual([
      250_001, 250_001,
    ]);
  });

  it('grants a clock that ran backwards nothing, and refuses one that leaves too much open', () => {
    const policy = parsePolicy('20:5/s');
    const of = (rhoPpm: number, epsilonUs: number) => new EdfTimeline(policy, { rhoPpm, epsilonUs });
    expect(of(-3_000_000, 0).allowance(1_000_000) / policy.quantaPerToken).toBeCloseTo(20, 4);
    expect(() => of(0, 2 ** 53)).toThrow(/the clock readings leave 9007199254740992 us/);
    expect(() => of(1e30, 0)).toThrow(/leave 0 us and 1e\+30 ppm/);
  });
});
