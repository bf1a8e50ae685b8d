import type { History } from '../history/history.ts';
import type { OperationTable } from '../history/table.ts';
import type { PassRules } from './bucket-result.ts';
import { lengthText, widthsOf } from './interval-width.ts';
import { checkBuckets } from './pass.ts';

/** Rounding that is finer is not asked about: every log has some. */
const COARSE_US = 10_000;

/**
 * Whether a log is acquitted only because its intervals were widened: by `slackUs` for clocks that are not one, and by a
 * unit of times that are rounded coarsely. Then it is proven neither wrong nor right. Gives what to say of that, if anything.
 */
export function acquittedByWidth(history: History, passing: PassRules, slackUs: number): readonly string[] {
  const { roundUs, leastUs } = widthsOf(history.operations);
  const widenedUs = slackUs + (roundUs >= COARSE_US ? roundUs : 0);
  if (widenedUs === 0 || leastUs < 2 * widenedUs) return [];
  const { guilty } = checkBuckets(
    { ...history, operations: narrowed(history.operations, widenedUs) },
    passing,
  );
  const buckets = guilty.filter(({ over, windows }) => over.drops.length + windows.length > 0).length;
  if (buckets === 0) return [];
  return [
    `${buckets} ${buckets === 1 ? 'bucket' : 'buckets'} admitted too much unless both ends of every interval are widened by ` +
      `${lengthText(widenedUs)}, as they are: a smaller --clock-slack, or times with more digits, would tell`,
  ];
}

function narrowed(table: OperationTable, us: number): OperationTable {
  return {
    ...table,
    invokedUs: table.invokedUs.map((invokedUs) => invokedUs + us),
    lastUs: (row) => table.lastUs(row) - us,
  };
}
