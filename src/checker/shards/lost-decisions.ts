import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';

/** Admissions that one primary acknowledged and its successor did not know. */
export interface LostDecisions {
  readonly from: string;
  readonly to: string;
  /** The first decision of the new primary that shows the loss. Microseconds of the recorder. */
  readonly atUs: number;
  /** A lower bound: refill may have covered others. */
  readonly decisions: number;
  readonly tokens: number;
  /** The buckets with the largest losses first, at most 100. */
  readonly buckets: readonly {
    readonly bucket: string;
    readonly decisions: number;
    readonly tokens: number;
  }[];
}

const MOST_BUCKETS = 100;

interface Loss {
  readonly from: string;
  readonly to: string;
  readonly atUs: number;
  readonly bucket: string;
  readonly decisions: number;
  readonly tokens: number;
}

/**
 * Finds the decisions that failovers lost, by replay: a level above that of the math, on another node than the previous
 * decision. The tokens are the gap; the decisions are the last admissions of the old node that add up to it.
 */
export function findLostDecisions(
  table: OperationTable,
  withFindings: readonly BucketResult[],
): LostDecisions[] {
  const losses = withFindings.flatMap((result) => findLosses(table, result));
  const groups = new Map<string, Loss[]>();
  for (const loss of losses) {
    const key = JSON.stringify([loss.from, loss.to]);
    groups.set(key, [...(groups.get(key) ?? []), loss]);
  }
  return [...groups.values()].map(sumUp).sort((a, b) => a.atUs - b.atUs);
}

function findLosses(table: OperationTable, { bucket, replay }: BucketResult): Loss[] {
  const { quantaPerToken } = table.policyOf(bucket);
  return replay.findings.flatMap(({ row, before, gapQuanta, reason }) => {
    if (reason !== 'level' || before === undefined || gapQuanta <= 0) return [];
    const nodeOf = (one: number) => table.levels?.nodeName(one) ?? '';
    const [from, to] = [nodeOf(before), nodeOf(row)];
    if (from === to) return [];
    const decisions = admissionsWorth(table, { bucket, before, quanta: gapQuanta });
    const loss = { from, to, atUs: table.lastUs(row), bucket: table.nameOf(bucket) };
    return [{ ...loss, decisions, tokens: gapQuanta / quantaPerToken }];
  });
}

/** How many of that node's last admissions, back from `before`, add up to the gap. */
function admissionsWorth(
  table: OperationTable,
  { bucket, before, quanta }: { bucket: number; before: number; quanta: number },
): number {
  const { starts, kinds, levels, costTokens } = table;
  const { quantaPerToken } = table.policyOf(bucket);
  const timeOf = (row: number) => levels?.bucketUs(row) ?? 0;
  const costs: { us: number; quanta: number }[] = [];
  for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
    const isAllowed = ((kinds[row] as number) & KIND.outcome) === KIND.allowed;
    if (!isAllowed || levels?.node(row) !== levels?.node(before) || timeOf(row) > timeOf(before)) continue;
    costs.push({ us: timeOf(row), quanta: (costTokens[row] as number) * quantaPerToken });
  }
  let left = quanta;
  let count = 0;
  for (const cost of costs.sort((a, b) => b.us - a.us)) {
    if (left <= 0) break;
    left -= cost.quanta;
    count++;
  }
  return count;
}

function sumUp(all: readonly Loss[]): LostDecisions {
  const [first] = all as [Loss, ...Loss[]];
  const losses = largestOfBuckets(all);
  return {
    from: first.from,
    to: first.to,
    atUs: all.reduce((least, { atUs }) => Math.min(least, atUs), Number.POSITIVE_INFINITY),
    decisions: losses.reduce((sum, { decisions }) => sum + decisions, 0),
    tokens: losses.reduce((sum, { tokens }) => sum + tokens, 0),
    buckets: losses
      .slice(0, MOST_BUCKETS)
      .map(({ bucket, decisions, tokens }) => ({ bucket, decisions, tokens })),
  };
}

/** While two primaries decide a bucket by turns, each turn lacks the same decisions again: the largest loss counts. */
function largestOfBuckets(losses: readonly Loss[]): Loss[] {
  const largest = new Map<string, Loss>();
  for (const loss of losses.toSorted((a, b) => b.tokens - a.tokens))
    if (!largest.has(loss.bucket)) largest.set(loss.bucket, loss);
  return [...largest.values()];
}
