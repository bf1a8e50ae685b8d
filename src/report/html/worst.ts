import type { BucketResult } from '../../checker/bucket-result.ts';
import { BucketRows } from '../../checker/bucket-rows.ts';
import type { CheckReport } from '../../checker/check.ts';
import type { ClockBounds } from '../../checker/clock.ts';
import type { Finding, WitnessLine } from '../../checker/finding.ts';
import { Machine } from '../../checker/machine.ts';
import { worstWindowQuanta } from '../../checker/window-excess.ts';
import type { Policy } from '../../core/policy.ts';
import { KIND, type OperationTable } from '../../history/table.ts';
import type { Proof, WindowFormula, WitnessRow, WorstRow } from './page-data.ts';

/** Rows of the table: beyond them nobody sorts by hand. */
const MOST_ROWS = 200;

/** Lines of proofs that a page holds, of all of them together, and of one. */
const MOST_LINES = 6_000;
const MOST_LINES_OF_ONE = 300;

/** The buckets against which there is most, as their places in the table; then the busiest. */
export function bucketsInOrder(table: OperationTable, guilty: readonly BucketResult[]): number[] {
  const weights = (result: BucketResult) => {
    const { over, denials, replay, windows, bucket } = result;
    const { quantaPerToken } = table.policyOf(bucket);
    return [
      over.totalExcessQuanta / quantaPerToken,
      denials.length,
      replay.findings.length,
      windows.length,
    ] as const;
  };
  const ranks = new Map<number, number>();
  for (const measure of [0, 1, 2, 3] as const) {
    const withSome = guilty
      .map((result) => ({ bucket: result.bucket, weight: weights(result)[measure] }))
      .filter(({ weight }) => weight > 0)
      .sort((a, b) => b.weight - a.weight);
    for (const [rank, { bucket }] of withSome.entries())
      ranks.set(bucket, Math.min(rank, ranks.get(bucket) ?? Number.POSITIVE_INFINITY));
  }
  const sizes = Array.from(
    { length: table.bucketCount },
    (_, bucket) => (table.starts[bucket + 1] as number) - (table.starts[bucket] as number),
  );
  const rankOf = (bucket: number) => ranks.get(bucket) ?? guilty.length;
  return sizes
    .map((_, bucket) => bucket)
    .sort((a, b) => rankOf(a) - rankOf(b) || (sizes[b] as number) - (sizes[a] as number));
}

/** The table of the worst buckets, each with its proofs as long as there is room. */
export function worstRows(
  table: OperationTable,
  {
    check,
    guilty,
    order,
  }: { check: CheckReport; guilty: ReadonlyMap<number, BucketResult>; order: readonly number[] },
): WorstRow[] {
  const { overAdmission, falseDenials, replay, windows } = check;
  const findings = groupByBucket(
    [overAdmission, falseDenials, replay, windows].flatMap((all) => all.findings),
  );
  const rows = new BucketRows(table);
  let room = MOST_LINES;
  return order.slice(0, MOST_ROWS).map((bucket) => {
    const result = guilty.get(bucket);
    const name = table.nameOf(bucket);
    const policy = table.policyOf(bucket);
    const windowOf = (guilt: BucketResult | undefined) =>
      guilt === undefined || guilt.over.totalExcessQuanta === 0
        ? 0
        : worstWindowQuanta(rows, new Machine(policy, check.clock), guilt) / policy.quantaPerToken;
    const proofs = (findings.get(name) ?? []).map((finding) => {
      const proof = proofOf(finding, { policy, clock: check.clock, result, room });
      room -= proof.witness.length + (proof.context?.steps.length ?? 0);
      return proof;
    });
    return {
      bucket: name,
      ...countsOf(table, bucket),
      totalExcess: (result?.over.totalExcessQuanta ?? 0) / policy.quantaPerToken,
      worstWindow: windowOf(result),
      falseDenials: result?.denials.length ?? 0,
      replay: result?.replay.findings.length ?? 0,
      windows: result?.windows.length ?? 0,
      proofs,
    };
  });
}

function groupByBucket(findings: readonly Finding[]): Map<string, Finding[]> {
  const byBucket = new Map<string, Finding[]>();
  for (const finding of findings) {
    const known = byBucket.get(finding.bucket);
    if (known === undefined) byBucket.set(finding.bucket, [finding]);
    else known.push(finding);
  }
  return byBucket;
}

function countsOf(table: OperationTable, bucket: number): { admitted: number; denied: number } {
  let [admitted, denied] = [0, 0];
  for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
    const kind = table.kinds[row] as number;
    if ((kind & KIND.merged) !== 0) continue;
    if ((kind & KIND.outcome) === KIND.allowed) admitted += Math.max(0, table.costTokens[row] as number);
    if ((kind & KIND.outcome) === KIND.denied) denied++;
  }
  return { admitted, denied };
}

interface ProofContext {
  readonly policy: Policy;
  readonly clock: ClockBounds;
  readonly result: BucketResult | undefined;
  readonly room: number;
}

function proofOf(finding: Finding, { policy, clock, result, room }: ProofContext): Proof {
  const { kind, count, inequality: sentence, witness, witnessCount, context } = finding;
  const isRefunded = (result?.refunds.length ?? 0) > 0;
  const first = result?.denials.first;
  const lines = witness.length + (context?.steps.length ?? 0);
  const fits = lines <= Math.min(room, MOST_LINES_OF_ONE);
  return {
    kind,
    count,
    sentence,
    ...(kind === 'over-admission' && !isRefunded && witnessCount === undefined
      ? { formula: windowFormula(witness, policy, clock) }
      : {}),
    ...(kind === 'false-denial' && first !== undefined
      ? { floor: { cost: witness[0]?.cost ?? 0, lowest: first.lowestQuanta / policy.quantaPerToken } }
      : {}),
    witness: fits ? witness.map(rowOf) : [],
    ...(context === undefined || !fits
      ? {}
      : {
          context: {
            startLevel: context.startLevel,
            atUs: context.atUs,
            steps: context.steps.map((step) => ({
              row: rowOf(step),
              takenUs: step.takenUs,
              after: step.lowestAfter,
            })),
          },
        }),
  };
}

/** The inequality of `over-admission.ts` in the numbers of a proof. */
function windowFormula(witness: readonly WitnessLine[], policy: Policy, clock: ClockBounds): WindowFormula {
  const startUs = witness.reduce(
    (least, { invokedUs }) => Math.min(least, invokedUs),
    Number.POSITIVE_INFINITY,
  );
  const endUs = witness.reduce((most, { lastUs }) => Math.max(most, lastUs ?? most), startUs);
  const admitted = witness.reduce((sum, { cost }) => sum + cost, 0);
  const perUs = policy.quantaPerUs / policy.quantaPerToken;
  const slack = perUs * (clock.epsilonUs + (clock.rhoPpm / 1_000_000) * (endUs - startUs));
  const capacity = policy.capacityTokens;
  return {
    startUs,
    endUs,
    admitted,
    capacity,
    perSecond: 1_000_000 * perUs,
    slack,
    allowance: capacity + perUs * (endUs - startUs) + slack,
  };
}

function rowOf({ operation, region, outcome, cost, invokedUs, lastUs, decision }: WitnessLine): WitnessRow {
  return {
    index: operation.index,
    region,
    outcome,
    cost,
    fromUs: invokedUs,
    toUs: lastUs,
    ...(decision === undefined ? {} : { said: `level ${decision.level} on ${decision.node}` }),
  };
}
