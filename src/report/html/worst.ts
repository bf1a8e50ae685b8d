import type { BucketResult } from '../../checker/bucket-result.ts';
import type { CheckReport } from '../../checker/check.ts';
import type { ClockBounds } from '../../checker/clocks/bounds.ts';
import type { Finding, WitnessLine } from '../../checker/findings/finding.ts';
import { EdfTimeline } from '../../checker/proofs/edf-timeline.ts';
import { worstWindowQuanta } from '../../checker/proofs/window-excess.ts';
import { BucketRows } from '../../checker/rows/bucket-rows.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Policy } from '../../core/policy.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { findingsOf } from '../check-report.ts';
import { placeText, replyText, returnedText } from '../timeline.ts';
import type { Proof, WindowFormula, WitnessRow, WorstRow } from './page-data.ts';

/** The most rows of the table: a person does not read more. */
const MOST_ROWS = 200;

/** The most lines of all proofs in a page, and of one proof. */
const MOST_LINES = 6_000;
const MOST_LINES_OF_ONE = 300;

/** Places of the buckets in the table: those with the worst findings first, then the busiest. */
export function bucketsInOrder(table: OperationTable, withFindings: readonly BucketResult[]): number[] {
  const weights = (result: BucketResult) => {
    const { over, denials, replay, windows, lies, bucket } = result;
    const { quantaPerToken } = table.policyOf(bucket);
    return [
      over.totalExcessQuanta / quantaPerToken,
      denials.length,
      replay.findings.length,
      windows.length,
      lies.length,
    ] as const;
  };
  const ranks = new Map<number, number>();
  for (const measure of [0, 1, 2, 3, 4] as const) {
    const withSome = withFindings
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
  const rankOf = (bucket: number) => ranks.get(bucket) ?? withFindings.length;
  return sizes
    .map((_, bucket) => bucket)
    .sort((a, b) => rankOf(a) - rankOf(b) || (sizes[b] as number) - (sizes[a] as number));
}

/** The table of the worst buckets, with proofs while there is room. */
export function worstRows(
  table: OperationTable,
  {
    check,
    results,
    order,
  }: { check: CheckReport; results: ReadonlyMap<number, BucketResult>; order: readonly number[] },
): WorstRow[] {
  const findings = groupBy(
    findingsOf(check).flatMap(([, , found]) => found),
    ({ bucket }) => bucket,
  );
  const rows = new BucketRows(table);
  let room = MOST_LINES;
  return order.slice(0, MOST_ROWS).map((bucket) => {
    const result = results.get(bucket);
    const name = table.nameOf(bucket);
    const policy = table.policyOf(bucket);
    const makeWindow = (guilt: BucketResult | undefined) =>
      guilt === undefined || guilt.over.totalExcessQuanta === 0
        ? 0
        : worstWindowQuanta(rows, new EdfTimeline(policy, check.clock), guilt) / policy.quantaPerToken;
    const proofs = (findings.get(name) ?? []).map((finding) => {
      const proof = makeProof(finding, { policy, clock: check.clock, result, room });
      room -= proof.witness.length + (proof.context?.steps.length ?? 0);
      return proof;
    });
    return {
      bucket: name,
      ...countFindings(table, bucket),
      totalExcess: (result?.over.totalExcessQuanta ?? 0) / policy.quantaPerToken,
      worstWindow: makeWindow(result),
      falseDenials: result?.denials.length ?? 0,
      replay: result?.replay.findings.length ?? 0,
      windows: result?.windows.length ?? 0,
      dishonest: result?.lies.length ?? 0,
      proofs,
    };
  });
}

function countFindings(table: OperationTable, bucket: number): { admitted: number; denied: number } {
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

function makeProof(finding: Finding, { policy, clock, result, room }: ProofContext): Proof {
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
    witness: fits ? witness.map(makeRow) : [],
    ...(context === undefined || !fits
      ? {}
      : {
          context: {
            startLevel: context.startLevel,
            atUs: context.atUs,
            steps: context.steps.map((step) => ({
              row: makeRow(step),
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

function makeRow(line: WitnessLine): WitnessRow {
  const { operation, outcome, cost, invokedUs, lastUs, decision } = line;
  return {
    index: operation.index,
    region: placeText(line),
    outcome,
    cost,
    fromUs: invokedUs,
    toUs: lastUs,
    ...(decision === undefined ? {} : { reply: `level ${decision.level} on ${decision.node}` }),
    ...(line.stated === undefined ? {} : { reply: replyText(line) }),
    ...(line.returned === undefined ? {} : { reply: returnedText(line) }),
  };
}
