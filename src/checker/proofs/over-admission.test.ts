import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { fullBucket, take } from '../../core/bucket.ts';
import { formatPolicy, makePolicy, type Policy, parsePolicy } from '../../core/policy.ts';
import { makeRandom } from '../../core/prng.ts';
import type { Header } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { findOverAdmission } from './over-admission.ts';
import { findWitness, findWorstWindow } from './worst-window.ts';

interface Admission {
  readonly invokedUs: number;
  readonly completedUs: number;
  readonly costQuanta: number;
}

function checkOverAdmission(
  admissions: readonly Admission[],
  policy: Policy,
  slack = { epsilonUs: 0, rhoPpm: 0 },
) {
  const parts = admissions.map(({ invokedUs, completedUs, costQuanta }) => ({
    invokedUs,
    completedUs,
    cost: costQuanta / policy.quantaPerToken,
  }));
  const { operations } = historyOf(parts, { policy: formatPolicy(policy) });
  const rows = new BucketRows(operations);
  if (operations.bucketCount > 0) rows.load(0);
  const machine = new EdfTimeline(policy, slack);
  const { totalExcessQuanta, drops } = findOverAdmission(rows, policy, slack);
  const worst = findWorstWindow(rows, machine);
  const witness = drops.first && findWitness(rows, machine, drops.first);
  return {
    totalExcessQuanta,
    worstWindowQuanta: worst === undefined ? 0 : worst.admittedQuanta - worst.allowanceQuanta,
    worst,
    witness:
      witness &&
      Array.from(witness.rows, (row) => admissions[operations.indices[row] as number] as Admission),
  };
}

const policy = parsePolicy('20:5/s');
const S = 1_000_000;

/** `count` admissions of one token, each seen during [from, to] seconds. */
function burst(count: number, from: number, to = from): Admission[] {
  return Array.from({ length: count }, () => ({
    invokedUs: from * S,
    completedUs: to * S,
    costQuanta: policy.quantaPerToken,
  }));
}

function tokens(admissions: readonly Admission[]) {
  const { totalExcessQuanta, worstWindowQuanta } = checkOverAdmission(admissions, policy);
  return {
    total: totalExcessQuanta / policy.quantaPerToken,
    worst: worstWindowQuanta / policy.quantaPerToken,
  };
}

describe('over-admission', () => {
  it.each([
    { title: 'nothing at all', admissions: [], total: 0, worst: 0 },
    { title: 'the capacity at one moment', admissions: burst(20, 7), total: 0, worst: 0 },
    { title: 'one more than the capacity', admissions: burst(21, 7), total: 1, worst: 1 },
    {
      title: 'one more, a refill later',
      admissions: [...burst(20, 7), ...burst(1, 7.2)],
      total: 0,
      worst: 0,
    },
    {
      title: 'one more, a microsecond before the refill',
      admissions: [...burst(20, 7), ...burst(1, 7.199999)],
      total: 1 / 200_000,
      worst: 1 / 200_000,
    },
    {
      title: 'one more whose interval reaches the refill',
      admissions: [...burst(20, 7), ...burst(1, 7, 7.2)],
      total: 0,
      worst: 0,
    },
    {
      title: 'five bursts of 60, 12 s apart',
      admissions: [0, 12, 24, 36, 48].flatMap((at) => burst(60, at)),
      total: 200,
      worst: 40,
    },
    {
      title: 'a long time at the refill rate',
      admissions: [...burst(20, 0), ...Array.from({ length: 500 }, (_, i) => burst(1, (i + 1) / 5)).flat()],
      total: 0,
      worst: 0,
    },
    {
      title: 'a bucket that can be filled no further than its capacity',
      admissions: [...burst(20, 0), ...burst(21, 3_600)],
      total: 1,
      worst: 1,
    },
    {
      title: 'admissions that no atomic order explains, but a divisible one does',
      admissions: burst(25, 0, 1),
      total: 0,
      worst: 0,
    },
  ])('of $title is $total in total, $worst in the worst window', ({ admissions, total, worst }) => {
    expect(tokens(admissions)).toEqual({ total, worst });
  });

  it('names the worst window with its numbers', () => {
    const { worst } = checkOverAdmission(
      [...burst(3, 0), ...burst(20, 10), ...burst(10, 11), ...burst(1, 30)],
      policy,
    );
    expect(worst).toMatchObject({
      startUs: 10 * S,
      endUs: 11 * S,
      admittedQuanta: 30 * policy.quantaPerToken,
      allowanceQuanta: 25 * policy.quantaPerToken,
    });
    expect(worst?.rows).toHaveLength(30);
  });

  it.each([
    { title: 'nothing without slack', slack: { rhoPpm: 0, epsilonUs: 0 }, total: 0.05 },
    { title: 'what it may have gained by drift', slack: { rhoPpm: 10_000, epsilonUs: 0 }, total: 0 },
    { title: 'what its readings leave open', slack: { rhoPpm: 0, epsilonUs: 6_000 }, total: 0.02 },
  ])('gives a clock that ran ahead $title', ({ slack, total }) => {
    const admissions = [...burst(20, 0), ...burst(10, 1.99)];
    expect(checkOverAdmission(admissions, policy, slack).totalExcessQuanta / policy.quantaPerToken).toBe(
      total,
    );
  });
});

const anyPolicy = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }))
  .map(([capacity, n, perUs]) => makePolicy(capacity, { tokens: n, perUs }));
const anyAdmissions = fc.array(
  fc.record({ at: fc.nat(300), length: fc.nat(60), cost: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 14 },
);

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

describe('times beyond 2^52', () => {
  const days = 86_400_000_000;
  const fast = (parts: OperationPart[]) =>
    checkHistory(historyOf(parts, { policy: '2:1/us' }), RULES).overAdmission.total;

  it('hold up nothing where the bucket was idle in between', () => {
    const wide = { invokedUs: 0, completedUs: 60_000 * days };
    const late = { invokedUs: 59_000 * days };
    expect(fast([wide, late, late])).toBe(0);
    expect(fast([wide, late, late, late])).toBe(1);
  });

  it('are judged exactly where a bucket is never idle until then', () => {
    const vast = { invokedUs: 0, completedUs: 8e15, cost: 2 ** 30 }; // 8e12 and some tokens are born until then
    const judge = (count: number) =>
      checkHistory(
        historyOf(Array<OperationPart>(count).fill(vast), { policy: '1073741824:1000/999983us' }),
        RULES,
      ).overAdmission;
    expect(judge(7_451).total).toBe(0);
    const one = judge(7_452);
    const beyond = 7_451n * 2n ** 30n * 999_983n - 8n * 10n ** 18n;
    expect(one).toMatchObject({ total: 1, totalExcess: Number(beyond) / 999_983 });
    expect(one.worst?.worstWindow).toBeCloseTo(one.totalExcess, 3);
  });
});

describe('refunds before a history began in mid-traffic', () => {
  const header = { initial: 'unknown' as const };
  const first = { invokedUs: 0, completedUs: 10 };
  const judge = (parts: OperationPart[], changes: Partial<Header> = {}) =>
    checkHistory(historyOf(parts, { policy: '2:1/s', header: { ...header, ...changes } }), RULES)
      .overAdmission.total;

  it('may have given back to what began before it', () => {
    const parts = [first, first, { invokedUs: 5, completedUs: 12 }];
    expect(judge(parts)).toBe(0);
    expect(judge(parts, { refunds: 'none' })).toBe(1);
    expect(judge([...parts, { cost: -1, invokedUs: 90 }], { refunds: 'none' })).toBe(0); // it has refunds all the same
  });

  it('have given nothing to what began later', () => {
    const later = { invokedUs: 20, completedUs: 22 };
    expect(judge([first, later, later, later, { cost: -1, invokedUs: 90 }])).toBe(1);
  });
});

describe('the theorem', () => {
  it('makes the worst window the largest excess over all windows', () => {
    fc.assert(
      fc.property(anyPolicy, anyAdmissions, (drawn, ops) => {
        const admissions = ops.map(({ at, length, cost }) => ({
          invokedUs: at,
          completedUs: at + length,
          costQuanta: Math.min(cost, drawn.capacityTokens) * drawn.quantaPerToken,
        }));
        const found = checkOverAdmission(admissions, drawn);
        expect(found.worstWindowQuanta).toBe(largestExcess(admissions, drawn));
        expect(found.totalExcessQuanta > 0).toBe(found.worstWindowQuanta > 0);
        expect(found.totalExcessQuanta).toBeGreaterThanOrEqual(found.worstWindowQuanta);
      }),
      { numRuns: 2_000, seed: 2 },
    );
  });

  it('gives a witness that is a proof, and none without any one of its operations', () => {
    let proofs = 0;
    fc.assert(
      fc.property(anyPolicy, anyAdmissions, (drawn, ops) => {
        const admissions = ops.map(({ at, length, cost }) => ({
          invokedUs: at,
          completedUs: at + length,
          costQuanta: Math.min(cost, drawn.capacityTokens) * drawn.quantaPerToken,
        }));
        const { witness } = checkOverAdmission(admissions, drawn);
        if (witness === undefined) return;
        proofs++;
        expect(checkOverAdmission(witness, drawn).totalExcessQuanta).toBeGreaterThan(0);
        for (const left of witness) {
          const rest = witness.filter((one) => one !== left);
          expect(checkOverAdmission(rest, drawn).totalExcessQuanta).toBe(0);
        }
      }),
      { numRuns: 4_500, seed: 3 },
    );
    expect(proofs).toBeGreaterThan(100);
  });

  it('never accuses an ideal bucket, however wide the intervals', () => {
    let denied = 0;
    const admitted = { count: 0 };
    for (const drawn of fc.sample(anyPolicy, { numRuns: 300, seed: 4 }))
      denied += runIdealBucket(drawn, admitted);
    expect(admitted.count).toBeGreaterThan(10_000);
    expect(denied).toBeGreaterThan(10_000); // the buckets were really drained
  });
});

/** Tries every window that starts at an invocation and ends at a completion. */
function largestExcess(admissions: readonly Admission[], { capacityQuanta, quantaPerUs }: Policy): number {
  let largest = 0;
  for (const { invokedUs: start } of admissions) {
    for (const { completedUs: end } of admissions) {
      const inside = admissions.filter((op) => op.invokedUs >= start && op.completedUs <= end);
      const admitted = inside.reduce((sum, { costQuanta }) => sum + costQuanta, 0);
      if (inside.length > 0)
        largest = Math.max(largest, admitted - capacityQuanta - quantaPerUs * (end - start));
    }
  }
  return largest;
}

/** Runs an exact bucket under random demand, blurs when each take was seen, and checks it; gives its denials. */
function runIdealBucket(policy: Policy, admitted: { count: number }): number {
  const random = makeRandom(5, JSON.stringify(policy));
  const admissions: Admission[] = [];
  let bucket = fullBucket(policy, 0);
  let denied = 0;
  let nowUs = 0;
  for (let i = 0; i < 300; i++) {
    nowUs += Math.floor(random() * 2 * (policy.quantaPerToken / policy.quantaPerUs));
    const costTokens = 1 + Math.floor(random() * Math.min(3, policy.capacityTokens));
    const taken = take(bucket, policy, { costTokens, nowUs });
    bucket = taken.bucket;
    if (!taken.result.allowed) denied++;
    else
      admissions.push({
        invokedUs: nowUs - Math.floor(random() * 50),
        completedUs: nowUs + Math.floor(random() * 50),
        costQuanta: costTokens * policy.quantaPerToken,
      });
  }
  admitted.count += admissions.length;
  expect(checkOverAdmission(admissions, policy).totalExcessQuanta).toBe(0);
  return denied;
}
