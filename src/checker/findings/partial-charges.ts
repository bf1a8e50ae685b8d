import { fullBucket, refill } from '../../core/bucket.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';

/**
 * Chosen from runs of such limiters: of the policy that was charged, 95% or more of the false denials were explained, and
 * the shares of what stayed unexplained and of what was contradicted were together 0.5 times those of another policy.
 */
const EXPLAINED_AT_LEAST = 0.85;
const WRONG_AT_MOST = 0.5;
const OTHER_AT_LEAST = 1.4;

export interface PartialCharges {
  readonly policy: string;
  /** False denials that are right if denied requests charge this policy. */
  readonly explained: number;
  readonly falseDenials: number;
}

/**
 * The policy that is charged although another one denied, which is not all or none. For each policy, its buckets are run
 * once more: a denied request charges one that holds its cost. Then the false denials are those that this bucket cannot
 * pay, and the admissions remain possible. Undefined unless that fits one policy clearly better than every other.
 */
export function partialCharges(
  table: OperationTable,
  withFindings: readonly BucketResult[],
): PartialCharges | undefined {
  const byPolicy = new Map<string, Tally>();
  for (const { bucket, denials } of withFindings) {
    const found = new Set<number>();
    for (const row of denials.rows()) if (isOfSeveral(table, row)) found.add(row);
    if (found.size === 0) continue;
    const name = table.policyNameOf(bucket);
    const tally = byPolicy.get(name) ?? { explained: 0, falseDenials: 0, contradicted: 0, admissions: 0 };
    byPolicy.set(name, tally);
    addBucket(tally, { table, bucket, found });
  }
  const [best, next] = [...byPolicy].sort(([, a], [, b]) => wrongShare(a) - wrongShare(b));
  if (best === undefined || next === undefined) return undefined;
  const [policy, tally] = best;
  const { explained, falseDenials } = tally;
  const isClear = wrongShare(next[1]) >= OTHER_AT_LEAST * wrongShare(tally);
  const isLikely = explained >= EXPLAINED_AT_LEAST * falseDenials && wrongShare(tally) <= WRONG_AT_MOST;
  return isClear && isLikely ? { policy, explained, falseDenials } : undefined;
}

/** How badly a policy fits: the share of false denials that it leaves unexplained, and of admissions that it contradicts. */
function wrongShare({ explained, falseDenials, contradicted, admissions }: Tally): number {
  return 1 - explained / Math.max(1, falseDenials) + contradicted / Math.max(1, admissions);
}

interface Tally {
  explained: number;
  falseDenials: number;
  /** Admissions that this bucket could not pay. */
  contradicted: number;
  admissions: number;
}

function addBucket(
  tally: Tally,
  { table, bucket, found }: { table: OperationTable; bucket: number; found: ReadonlySet<number> },
): void {
  const policy = table.policyOf(bucket);
  let state = fullBucket(policy, 0);
  for (const row of rowsInTime(table, bucket)) {
    state = refill(state, policy, middleUs(table, row));
    const quanta = (table.costTokens[row] as number) * policy.quantaPerToken;
    const isDenied = ((table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    const isPaid = state.levelQuanta >= quanta;
    if (isDenied) {
      if (found.has(row)) tally.falseDenials++;
      if (found.has(row) && !isPaid) tally.explained++;
      if (!isPaid) continue;
    } else {
      tally.admissions++;
      const refilled = (table.lastUs(row) - (table.invokedUs[row] as number)) * policy.quantaPerUs;
      if (state.levelQuanta + refilled < quanta) tally.contradicted++; // its moment is somewhere in the interval
    }
    state = { ...state, levelQuanta: Math.max(0, state.levelQuanta - quanta) };
  }
}

/** The moment of a decision is known only as an interval. */
function middleUs(table: OperationTable, row: number): number {
  return ((table.invokedUs[row] as number) + table.lastUs(row)) / 2;
}

/** The allowed and denied operations of a bucket, in the order of their middles. */
function rowsInTime(table: OperationTable, bucket: number): number[] {
  const rows: number[] = [];
  for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
    const outcome = (table.kinds[row] as number) & KIND.outcome;
    if (outcome === KIND.allowed || outcome === KIND.denied) rows.push(row);
  }
  return rows.sort((a, b) => middleUs(table, a) - middleUs(table, b));
}

function isOfSeveral({ kinds }: OperationTable, row: number): boolean {
  return ((kinds[row] as number) & KIND.multiBucket) !== 0;
}
