import { count, secondsText } from '../../core/units.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { Reset } from '../rows/resets.ts';

/** Why buckets are in doubt that only a late reset acquits: a sentence, if there are some. */
export function lateResetProblems(
  table: OperationTable,
  found: ReadonlyMap<number, readonly Reset[]>,
): readonly string[] {
  const [first] = found;
  if (first === undefined) return [];
  const [bucket, resets] = first;
  const [reset] = resets;
  const others = found.size === 1 ? '' : ` (${count(found.size - 1, 'more bucket')} likewise)`;
  return [
    `${table.nameOf(bucket)} admitted too much, unless its reset at ${secondsText(reset?.fromUs ?? 0)} came later than the ` +
      `next decision${others}: the history does not say when it was over; add its end, args.untilUs`,
  ];
}
