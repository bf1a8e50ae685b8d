import { isReservationStep } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { lacksParts } from '../../history/parts/parts.ts';
import type { ClockSpan } from '../clocks/bounds.ts';
import { findSpans, type Place } from '../shards/places.ts';

/** The part of the run that a history covers. Microseconds of the recorder. */
export interface Known {
  /** The level at the start: full for new keys, unknown for buckets in use. */
  readonly initial: 'full' | 'unknown';
  /** The first completion: with `initial: unknown`, earlier operations are not in the history. */
  readonly knownFromUs: number;
  /** Operations that end later are not judged: the history may lack other operations of that time. */
  readonly judgedUntilUs: number;
}

/** All of a run, from full buckets. */
export const FULL: Known = {
  initial: 'full',
  knownFromUs: Number.NEGATIVE_INFINITY,
  judgedUntilUs: Number.POSITIVE_INFINITY,
};

/** The reason for judging no denial if the bucket made none. */
export const NO_DENIAL = 'there is none';

/** The span in which denials are judged. Microseconds of the recorder. */
export interface JudgedSpan {
  /** Denials that begin then or earlier are not judged. */
  readonly judgedFromUs: number;
  /** Denials that end later are not judged. */
  readonly judgedUntilUs: number;
}

/** The span for which the history is complete. */
export interface Coverage extends JudgedSpan {
  /**
   * The first completion: earlier operations may be missing if `initial` is unknown. Attempts that share a decision do
   * not count, nor do operations that may be charged after their reply: a history also has those from before its start.
   */
  readonly knownFromUs: number;
  /** Denials that are judged. */
  readonly judged: number;
  /** Denials by a failure policy, which do not depend on the shared bucket. */
  readonly byFailurePolicy: number;
  /** From the first invocation to the last known moment. */
  readonly span: ClockSpan;
  /** The longest latency. */
  readonly longestUs: number;
  /** Files that are treated as one log. */
  readonly joined: readonly Place[];
  /** Why some or all denials are not judged; '' if all are. */
  readonly reason: string;
}

/**
 * The span in which denials can be judged: every operation that raced with them is in the history, except requests that
 * were open at its end (for those, the checker counts how many would be needed). If the end is missing, the span ends
 * when the last request was sent: a history in the order of completion has all operations that ended by then, one in the
 * order of invocation all that began by then. If lines are out of order, lines as late may follow. The span is empty if a
 * request took longer than the log lasts (most requests may be missing), if operations are missing from the middle, or if
 * a file has no completion (the time it covers is unknown). Each place has its own logs, so the span is the overlap of
 * all.
 */
export function computeCoverage(history: History, isOpenAtEnd: boolean): Coverage {
  const { operations: table, end, outcomes, header } = history;
  const spans = findSpans(history);
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const isIncomplete = lacksParts(history) || (end !== undefined && end.sent !== recorded);
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
  const isReserving = isOpenAtEnd && history.hasReservations;
  const judgedUntilUs =
    isIncomplete || isUnplaced || isLonger || isReserving
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
    reason: isIncomplete
      ? lacksParts(history)
        ? 'requests of a part of the run are missing'
        : 'operations are missing from the history'
      : isUnplaced
        ? 'a file has no completed operation, so it is unknown which time it covers'
        : isReserving
          ? 'reservations that were open when the history ended are missing from it'
          : isLonger
            ? 'a request took longer than the log lasts, so most requests may be missing from it'
            : counts.judged + counts.byFailurePolicy === counts.all
              ? ''
              : reasonForRest(places, { judgedFromUs, judgedUntilUs }),
  };
}

function reasonForRest(places: readonly Place[], { judgedFromUs, judgedUntilUs }: JudgedSpan): string {
  const before = judgedFromUs === Number.NEGATIVE_INFINITY ? '' : 'before the first reply';
  const after = judgedUntilUs === Number.POSITIVE_INFINITY ? '' : 'after the last request was sent';
  const when = [before, after].filter((text) => text !== '').join(' or ');
  return places.length > 1
    ? `the history is complete only while the ${places.length} logs overlap: denials ${when} in one of them are not judged`
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

/** Whether a row is a denial, also of an extension. Further charges and merged attempts do not count. */
function isDenial(kind: number): boolean {
  const isPart = (kind & KIND.part) !== 0 && !isReservationStep(kind);
  return !isPart && (kind & (KIND.outcome | KIND.merged)) === KIND.denied;
}

/**
 * Whether a row is a counted denial by the shared bucket within the span. A failure policy denies without the shared
 * bucket, which may then hold any number of tokens.
 */
export function isJudgedDenial(table: OperationTable, row: number, span: JudgedSpan): boolean {
  const kind = table.kinds[row] as number;
  if (!isDenial(kind) || (kind & KIND.fallback) !== 0) return false;
  if ((table.invokedUs[row] as number) <= span.judgedFromUs) return false;
  return span.judgedUntilUs === Number.POSITIVE_INFINITY || table.lastUs(row) <= span.judgedUntilUs;
}
