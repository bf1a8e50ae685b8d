import { KIND, type OperationTable } from '../history/table.ts';
import type { FalseDenials } from './false-denials.ts';
import { sortRows } from './order.ts';

const FALSE = 1;
const EXPLAINED = 2;

/**
 * A decision over several buckets is denied when any of them lacks its cost. So it is false only when the
 * denial is false for every one of its charges: gives whether a row of `found` is one of those, or of a decision over
 * one bucket. Undefined where all are of one bucket. No bucket lacks a cost of 0 or less, so such a charge is never
 * the reason.
 */
export function falseForEveryCharge(
  table: OperationTable,
  found: Iterable<FalseDenials>,
): ((row: number) => boolean) | undefined {
  const { kinds, indices } = table;
  const isSeveral = (row: number) => ((kinds[row] as number) & KIND.several) !== 0;
  let marks: Uint8Array | undefined;
  for (const denials of found)
    for (const row of denials.rows())
      if (isSeveral(row)) {
        marks ??= new Uint8Array(table.rows);
        marks[row] = FALSE;
      }
  if (marks === undefined) return undefined;
  const charges = deniedCharges(table, isSeveral);
  for (let start = 0, end = 0; start < charges.length; start = end) {
    const index = indices[charges[start] as number];
    while (end < charges.length && indices[charges[end] as number] === index) end++;
    explain(table, charges.subarray(start, end), marks);
  }
  const judged = marks;
  return (row) => judged[row] !== EXPLAINED;
}

/** Charges that can be the reason of a denial over several buckets, in the order of their indices. */
function deniedCharges(
  { rows, kinds, indices, costTokens }: OperationTable,
  isSeveral: (row: number) => boolean,
): Uint32Array {
  const isDenied = (row: number) => ((kinds[row] as number) & KIND.outcome) === KIND.denied;
  const isReason = (row: number) => isSeveral(row) && isDenied(row) && (costTokens[row] as number) > 0;
  let count = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) count++;
  const charges = new Uint32Array(count);
  let next = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) charges[next++] = row;
  sortRows(charges, count, (row) => indices[row] as number);
  return charges;
}

/** Of charges that share an index, a decision is one file's: one of its charges that is not false explains the others. */
function explain(table: OperationTable, charges: Uint32Array, marks: Uint8Array): void {
  if (charges.every((row) => marks[row] === FALSE)) return;
  const fileOf = (row: number) => table.operationOf(row).file;
  const explained = new Set<string>();
  for (const row of charges) if (marks[row] !== FALSE) explained.add(fileOf(row));
  for (const row of charges) if (explained.has(fileOf(row))) marks[row] = EXPLAINED;
}
