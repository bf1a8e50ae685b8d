import type { History } from '../history/history.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { ClockSpan } from './clock.ts';
import { type Place, spansOf } from './places.ts';

/** Why no denial was judged where none was made by the bucket itself. */
export const NO_DENIAL = 'there is none';

/** Of which denials a history tells all there is to know. Microseconds of the recorder. */
export interface JudgedSpan {
  /** Denials that begin then or earlier are not judged. */
  readonly judgedFromUs: number;
  /** Denials that end later are not judged. */
  readonly judgedUntilUs: number;
}

/** From when to when the history tells all there is to know. */
export interface Horizon extends JudgedSpan {
  /**
   * The first completion: what happened before may be missing where `initial` is unknown. Attempts that share a
   * decision do not count, nor does what may be charged after its reply: a history has those from before its start too.
   */
  readonly knownFromUs: number;
  /** Denials that are judged. */
  readonly judged: number;
  /** Denials of a failure policy, which are no evidence of the shared bucket. */
  readonly byFailurePolicy: number;
  /** From the first invocation to the last moment that is known. */
  readonly span: ClockSpan;
  /** The longest latency. */
  readonly longestUs: number;
  /** Files that were taken for one log. */
  readonly joined: readonly Place[];
  /** Why no denial, or not every one, is judged; '' when all are. */
  readonly whyNot: string;
}

/**
 * A denial can be judged where every operation that raced with it is in the history, but for requests that were open
 * at its end: of those it is counted how many would be needed. Where the end is missing, that holds until the
 * moment at which the last request was sent: a history in the order of completion has all that ended by then, and one
 * in the order of invocation all that began by then; lines that are out of either order may be followed by others
 * as late. Where a request took longer than the log lasts, most may be missing from it, and where operations are missing
 * from the middle it holds nowhere. All is known only while the logs of every place run. A file without a completion
 * does not say when it was written.
 */
export function horizonOf(history: History, isOpenAtEnd: boolean): Horizon {
  const { operations: table, end, outcomes, header } = history;
  const spans = spansOf(history);
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const isIncomplete = end !== undefined && end.sent !== recorded;
  const isUnplaced = spans.isUnplaced && (isOpenAtEnd || header.initial === 'unknown');
  const { places } = spans;
  const knownFromUs = places.reduce((last, { firstUs }) => Math.max(last, firstUs), Number.NEGATIVE_INFINITY);
  const knownUntilUs = places.reduce(
    (first, place) => Math.min(first, place.knownUntilUs),
    Number.POSITIVE_INFINITY,
  );
  const lastUs = places.reduce((first, place) => Math.min(first, place.lastUs), Number.POSITIVE_INFINITY);
  const lengthUs = lastUs - knownFromUs;
  const isLonger = isOpenAtEnd && places.length > 0 && lengthUs >= 0 && spans.longestUs > lengthUs;
  const judgedUntilUs =
    isIncomplete || isUnplaced || isLonger
      ? Number.NEGATIVE_INFINITY
      : isOpenAtEnd
        ? knownUntilUs
        : Number.POSITIVE_INFINITY;
  const judgedFromUs = header.initial === 'full' ? Number.NEGATIVE_INFINITY : knownFromUs;
  const counts = countDenials(table, { judgedFromUs, judgedUntilUs });
  return {
    knownFromUs,
    judgedFromUs,
    judgedUntilUs,
    longestUs: spans.longestUs,
    span: { fromUs: spans.invokedUs, untilUs: spans.latestUs },
    judged: counts.judged,
    byFailurePolicy: counts.byFailurePolicy,
    joined: places.filter(({ files }) => files.length > 1),
    whyNot: isIncomplete
      ? 'operations are missing from the history'
      : isUnplaced
        ? 'a file has no completed operation, so it does not say for when it tells all'
        : isLonger
          ? 'a request took longer than the log lasts, so most of what was asked may be missing from it'
          : counts.judged + counts.byFailurePolicy === counts.all
            ? ''
            : whyNotAll(places, { judgedFromUs, judgedUntilUs }),
  };
}

function whyNotAll(places: readonly Place[], { judgedFromUs, judgedUntilUs }: JudgedSpan): string {
  const before = judgedFromUs === Number.NEGATIVE_INFINITY ? '' : 'before the first reply';
  const after = judgedUntilUs === Number.POSITIVE_INFINITY ? '' : 'after the last request was sent';
  const when = [before, after].filter((text) => text !== '').join(' or ');
  return places.length > 1
    ? `all is known only while the ${places.length} logs overlap: denials ${when} in one of them are not judged`
    : `denials ${when} are not judged`;
}

function countDenials(table: OperationTable, span: JudgedSpan) {
  const counts = { all: 0, judged: 0, byFailurePolicy: 0 };
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    if (!isDenial(kind)) continue;
    counts.all++;
    if ((kind & KIND.fallback) !== 0) counts.byFailurePolicy++;
    else if (isJudgedDenial(table, row, span)) counts.judged++;
  }
  return counts;
}

/** Whether it is one of the denials that are counted. */
function isDenial(kind: number): boolean {
  return (kind & (KIND.outcome | KIND.part | KIND.merged)) === KIND.denied;
}

/**
 * Whether it is a denial, one of those that are counted, by the shared bucket, and within that span. A failure policy
 * denies by a bucket of its own, while the shared one may hold any number of tokens.
 */
export function isJudgedDenial(table: OperationTable, row: number, span: JudgedSpan): boolean {
  const kind = table.kinds[row] as number;
  if (!isDenial(kind) || (kind & KIND.fallback) !== 0) return false;
  if ((table.invokedUs[row] as number) <= span.judgedFromUs) return false;
  return span.judgedUntilUs === Number.POSITIVE_INFINITY || table.lastUs(row) <= span.judgedUntilUs;
}
