import type { Policy } from '../../../core/policy.ts';
import { KIND } from '../../../history/columns/table.ts';
import { isReplayed } from '../../rows/decision-order.ts';
import type { Decided } from './rules.ts';
import type { Trial } from './trial.ts';

/** One decision of a bucket and the state that the decision before it left: a full bucket without one. */
export interface Step extends Decided {
  readonly row: number;
  readonly bucket: number;
  /** By the bucket's clock. */
  readonly atUs: number;
  /** The last admission before; absent without one. */
  readonly admission?: { readonly level: number; readonly elapsedUs: number };
}

export interface Steps {
  readonly all: readonly Step[];
  /** Operations that may have changed a bucket and say no level. Each can come between two decisions. */
  readonly unseen: number;
  /** Whether several nodes decide a bucket. Steps are then those of each node by itself. */
  readonly isApart: boolean;
}

/**
 * The decisions of a sample by their levels, bucket by bucket, in the order of the buckets' own time. Undefined without
 * levels.
 */
export function levelSteps(trial: Trial): Steps | undefined {
  const { levels } = trial.table;
  if (levels === undefined) return undefined;
  const all: Step[] = [];
  let [unseen, isApart] = [0, false];
  trial.some((rows, policy) => {
    const ordered = trial.order(rows);
    unseen += countUnseen(trial, rows.bucket);
    const nodes = [...new Set([...ordered].map((row) => levels.node(row)))];
    if (nodes.length > 1) isApart = true;
    for (const node of nodes)
      addSteps(
        trial,
        { rows: ordered.filter((row) => levels.node(row) === node), bucket: rows.bucket, policy },
        all,
      );
    return false;
  });
  return { all, unseen, isApart };
}

function addSteps(
  { table, context }: Trial,
  { rows, bucket, policy }: { rows: Uint32Array; bucket: number; policy: Policy },
  all: Step[],
): void {
  const { levels, kinds, costTokens, invokedUs } = table;
  if (levels === undefined) return;
  const { known } = context;
  let before: { row: number; us: number } | undefined;
  let admission: { level: number; us: number } | undefined;
  for (const row of rows) {
    const us = levels.bucketUs(row);
    const isAllowed = ((kinds[row] as number) & KIND.outcome) === KIND.allowed;
    const isKnown =
      known.initial === 'full' ||
      (before !== undefined && (invokedUs[before.row] as number) >= known.knownFromUs);
    if (isKnown && isReplayed(table, row, known.judgedUntilUs))
      all.push({
        policy,
        bucket,
        row,
        isFirst: before === undefined,
        level: before === undefined ? policy.capacityQuanta : levels.of(before.row),
        elapsedUs: before === undefined ? 0 : us - before.us,
        costQuanta: (costTokens[row] as number) * policy.quantaPerToken,
        isAllowed,
        after: levels.of(row),
        atUs: us,
        ...(admission && { admission: { level: admission.level, elapsedUs: us - admission.us } }),
      });
    before = { row, us };
    if (isAllowed) admission = { level: levels.of(row), us };
  }
}

function countUnseen({ table }: Trial, bucket: number): number {
  let unseen = 0;
  for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++)
    if (Number.isNaN(table.levels?.of(row) ?? Number.NaN)) unseen++;
  return unseen;
}
