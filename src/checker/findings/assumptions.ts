import { count } from '../../core/units.ts';
import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import { hasUnseenTime } from '../clocks/unseen-time.ts';
import type { BucketMoves } from '../moves/bucket-moves.ts';
import type { Coverage } from '../rows/coverage.ts';
import type { CheckerResults } from '../run-checkers.ts';

/** What the verdict assumes in addition to the history, as sentences. */
export function listAssumptions(
  { end, ...history }: History,
  {
    options: { isComplete, openAtEndMissing, withoutRefunds },
    coverage,
    results: {
      assumptions,
      withFindings,
      counts: { earlierTokens },
    },
    isJudged,
    movesOf,
  }: {
    options: CheckOptions;
    coverage: Coverage;
    results: CheckerResults;
    isJudged: boolean;
    movesOf: BucketMoves;
  },
): string[] {
  const isEndSaid = end !== undefined && openAtEndMissing !== true;
  const isExceeded = withFindings.some(({ over, windows }) => over.drops.length + windows.length > 0);
  const taken = [
    isComplete === true && !isEndSaid && 'no request was open when the history ended (--complete)',
    withoutRefunds === true &&
      isExceeded &&
      'nothing was refunded: a log without costs (--cost) cannot show refunds',
    earlierTokens !== 0 &&
      `the ${earlierTokens} tokens admitted before the first reply may have been refunded before the history began`,
    ...coverage.joined.map(
      ({ files }) => `${files.join(', ')} are one log: each begins where the one before ends`,
    ),
    isJudged && coverage.judged > 0 && movedText(history, movesOf),
    isJudged &&
      coverage.judged > 0 &&
      hasUnseenTime(history, coverage.span) &&
      "the limiter's clock did not go back (by a step or a failover) before the history first shows it or after the history last shows it",
  ];
  return [...assumptions, ...taken.filter((sentence) => typeof sentence === 'string')];
}

/** What buckets that their limiter moved are granted; false if none was. */
function movedText({ operations: table }: Pick<History, 'operations'>, movesOf: BucketMoves): string | false {
  const buckets = Array.from({ length: table.bucketCount }, (_, bucket) => bucket);
  const moved = buckets.filter((bucket) => movesOf(bucket).length > 0);
  if (moved.length === 0) return false;
  const open = moved.filter((bucket) => movesOf(bucket).at(-1)?.untilUs === Number.POSITIVE_INFINITY);
  const unjudged =
    open.length === 0 ? '' : `; no denial is judged of ${open.length}, whose last move has no end`;
  return `${count(moved.length, 'bucket')} that the limiter moved may have lost the refill of the way and of what the clocks may differ${unjudged}`;
}
