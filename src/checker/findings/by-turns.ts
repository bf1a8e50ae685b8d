import type { OperationTable } from '../../history/columns/table.ts';
import type { LostDecisions } from '../shards/lost-decisions.ts';

/** A primary decides more operations than this before another takes over. */
const LEAST_STAY = 5;
const MANY_CHANGES = 5;

/** Whether several nodes decide the bucket with the largest loss by turns: then none has taken over from another. */
export function isByTurns(table: OperationTable, { buckets }: LostDecisions): boolean {
  const { levels, starts, bucketCount } = table;
  const name = buckets[0]?.bucket;
  let number = 0;
  while (number < bucketCount && table.nameOf(number) !== name) number++;
  if (levels === undefined || number === bucketCount) return false;
  const rows: number[] = [];
  for (let row = starts[number] as number; row < (starts[number + 1] as number); row++)
    if (!Number.isNaN(levels.bucketUs(row))) rows.push(row);
  rows.sort((a, b) => levels.bucketUs(a) - levels.bucketUs(b));
  const changes = rows.filter(
    (row, at) => at > 0 && levels.node(row) !== levels.node(rows[at - 1] as number),
  ).length;
  return changes >= MANY_CHANGES && changes * LEAST_STAY > rows.length;
}
