import { groupBy } from '../../core/group-by.ts';
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
  const { kinds } = table;
  const isMultiBucket = (row: number) => ((kinds[row] as number) & KIND.multiBucket) !== 0;
  let marks: Uint8Array | undefined;
  for (const denials of found)
    for (const row of denials.rows())
      if (isMultiBucket(row)) {
        marks ??= new Uint8Array(table.rows);
        marks[row] = FALSE;
      }
  if (marks === undefined) return undefined;
  const judged = marks;
  eachDenialOfSeveral(table, (charges) => {
    if (charges.every((row) => judged[row] === FALSE)) return;
    for (const row of charges) judged[row] = EXPLAINED;
  });
  return (row) => judged[row] !== EXPLAINED;
}

/** Calls back with the charges of each denial over several buckets that can be its reason: those of at least one token. */
export function eachDenialOfSeveral(
  table: OperationTable,
  visit: (charges: readonly number[]) => void,
): void {
  const { indices, origins } = table;
  const charges = deniedCharges(table);
  const fileOf = (row: number) => table.fileOf(origins[row] as number);
  for (let start = 0, end = 0; start < charges.length; start = end) {
    const index = indices[charges[start] as number];
    while (end < charges.length && indices[charges[end] as number] === index) end++;
    const same = charges.subarray(start, end); // of one decision if they are of one file
    for (const decision of groupBy(same, fileOf).values()) visit(decision);
  }
}

/** The charges that can be the reason of a denial over several buckets, in the order of their indices. */
function deniedCharges({ rows, kinds, indices, costTokens }: OperationTable): Uint32Array {
  const ofSeveral = KIND.multiBucket | KIND.outcome;
  const denied = KIND.multiBucket | KIND.denied;
  const isReason = (row: number) =>
    ((kinds[row] as number) & ofSeveral) === denied && (costTokens[row] as number) > 0;
  let count = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) count++;
  const charges = new Uint32Array(count);
  let next = 0;
  for (let row = 0; row < rows; row++) if (isReason(row)) charges[next++] = row;
  sortRows(charges, count, (row) => indices[row] as number);
  return charges;
}
