import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { sortRows } from '../rows/sort-rows.ts';
import type { FalseDenials } from './false-denials.ts';

const FALSE = 1;
const EXPLAINED = 2;

/**
 * A decision over several buckets is denied if any of them lacks its cost. So it is false only if it is false for every
 * one of its charges. Returns a predicate for rows of `found`: such a charge, or a decision over one bucket. Undefined if
 * all are over one bucket. No bucket lacks a cost of 0 or less, so such a charge is never the reason.
 */
export function falseForEveryCharge(
  table: OperationTable,
  found: Iterable<FalseDenials>,
): ((row: number) => boolean) | undefined {
  const { kinds, indices } = table;
  const isMultiBucket = (row: number) => ((kinds[row] as number) & KIND.multiBucket) !== 0;
  let marks: Uint8Array | undefined;
  for (const denials of found)
    for (const row of denials.rows())
      if (isMultiBucket(row)) {
        marks ??= new Uint8Array(table.rows);
        marks[row] = FALSE;
      }
  if (marks === undefined) return undefined;
  const charges = deniedCharges(table, isMultiBucket);
  for (let start = 0, end = 0; start < charges.length; start = end) {
    const index = indices[charges[start] as number];
    while (end < charges.length && indices[charges[end] as number] === index) end++;
    explain(table, charges.subarray(start, end), marks);
  }
  const judged = marks;
  return (row) => judged[row] !== EXPLAINED;
}

/** The charges that can be the reason of a denial over several buckets, in the order of their indices. */
function deniedCharges(
  { rows, kinds, indices, costTokens }: OperationTable,
  isMultiBucket: (row: number) => boolean,
): Uint32Array {
  const isDenied = (row: number) => ((kinds[row] as number) & KIND.outcome) === KIND.denied;
  const isReason = (row: number) => isMultiBucket(row) && isDenied(row) && (costTokens[row] as number) > 0;
  let count = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) count++;
  const charges = new Uint32Array(count);
  let next = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) charges[next++] = row;
  sortRows(charges, count, (row) => indices[row] as number);
  return charges;
}

/** Charges with the same index are one decision if they are from one file: a charge that is not false explains the others. */
function explain(table: OperationTable, charges: Uint32Array, marks: Uint8Array): void {
  if (charges.every((row) => marks[row] === FALSE)) return;
  const fileOf = (row: number) => table.operationOf(row).file;
  const explained = new Set<string>();
  for (const row of charges) if (marks[row] !== FALSE) explained.add(fileOf(row));
  for (const row of charges) if (explained.has(fileOf(row))) marks[row] = EXPLAINED;
}
