import { KIND, type OperationTable } from '../history/table.ts';

/**
 * A decision over several buckets is denied when any of them lacks its cost. So it is false only when the
 * denial is false for every one of its charges: gives those rows among `falseRows`, and all that are of one charge.
 * No bucket lacks a cost of 0 or less, so such a charge is never the reason.
 */
export function falseForEveryCharge(table: OperationTable, falseRows: readonly number[]): Set<number> {
  const isSeveral = (row: number) => ((table.kinds[row] as number) & KIND.several) !== 0;
  const confirmed = new Set(falseRows.filter((row) => !isSeveral(row)));
  const doubtful = falseRows.filter(isSeveral);
  if (doubtful.length === 0) return confirmed;
  const left = new Map(doubtful.map((row) => [keyOf(table, row), 0]));
  for (let row = 0; row < table.rows; row++) {
    if (!isSeveral(row) || ((table.kinds[row] as number) & KIND.outcome) !== KIND.denied) continue;
    if ((table.costTokens[row] as number) <= 0) continue;
    const charges = left.get(keyOf(table, row));
    if (charges !== undefined) left.set(keyOf(table, row), charges + 1);
  }
  for (const row of doubtful) left.set(keyOf(table, row), (left.get(keyOf(table, row)) ?? 0) - 1);
  for (const row of doubtful) if (left.get(keyOf(table, row)) === 0) confirmed.add(row);
  return confirmed;
}

function keyOf(table: OperationTable, row: number): string {
  const { file, index } = table.operationOf(row);
  return `${index} ${file}`;
}
