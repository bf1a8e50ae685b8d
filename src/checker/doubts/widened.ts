import type { OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { CheckerContext } from '../bucket-result.ts';
import { lengthText, widthsOf } from '../evidence/interval-width.ts';
import { checkBuckets } from '../run-checkers.ts';

/** Rounding finer than 10 ms is not reported: every log rounds its times a little. */
const COARSE_US = 10_000;

/**
 * Whether a log passes only because its intervals were widened, by `slackUs` for different clocks and by a unit of
 * coarsely rounded times. Such a log proves nothing either way. Returns the problem as a sentence, or nothing.
 */
export function acquittedByWidth(
  history: History,
  context: CheckerContext,
  slackUs: number,
): readonly string[] {
  const { roundUs, leastUs } = widthsOf(history.operations);
  const widenedUs = slackUs + (roundUs >= COARSE_US ? roundUs : 0);
  if (widenedUs === 0 || leastUs < 2 * widenedUs) return [];
  const { withFindings } = checkBuckets(
    { ...history, operations: narrowed(history.operations, widenedUs) },
    context,
  );
  const buckets = withFindings.filter(({ over, windows }) => over.drops.length + windows.length > 0).length;
  if (buckets === 0) return [];
  return [
    `${buckets} ${buckets === 1 ? 'bucket' : 'buckets'} would have admitted too much if both ends of every interval were not widened by ` +
      `${lengthText(widenedUs)}: use a smaller --clock-slack, or times with more digits`,
  ];
}

function narrowed(table: OperationTable, us: number): OperationTable {
  return {
    ...table,
    invokedUs: table.invokedUs.map((invokedUs) => invokedUs + us),
    lastUs: (row) => table.lastUs(row) - us,
  };
}
