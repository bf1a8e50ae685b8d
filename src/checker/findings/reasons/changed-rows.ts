import type { OperationTable } from '../../../history/columns/table.ts';
import { BucketRows } from '../../rows/bucket-rows.ts';

/** A row with another kind and cost, in its own interval. */
export interface ChangedRow {
  readonly row: number;
  readonly kind: number;
  readonly cost: number;
}

/** The rows of a bucket with others in their place, in the order of invocation. */
export function changedRows({ table, denials }: BucketRows, changed: readonly ChangedRow[]): BucketRows {
  const view: OperationTable = {
    ...table,
    invokedUs: Float64Array.from(changed, ({ row }) => table.invokedUs[row] as number),
    kinds: Uint8Array.from(changed, ({ kind }) => kind),
    costTokens: Int32Array.from(changed, ({ cost }) => cost),
    lastUs: (at) => table.lastUs(changed[at]?.row ?? 0),
  };
  const rows = BucketRows.of(
    view,
    changed.map((_, at) => at),
  );
  rows.denials = denials;
  return rows;
}
