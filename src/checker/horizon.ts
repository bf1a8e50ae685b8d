import type { History } from '../history/history.ts';
import { DURATION, KIND, type OperationTable } from '../history/table.ts';

/** From when to when the history tells all there is to know. Microseconds of the recorder. */
export interface Horizon {
  /** The first completion: what happened before may be missing where `initial` is unknown. */
  readonly knownFromUs: number;
  /** Denials that end later are not judged. */
  readonly judgedUntilUs: number;
  /** Denials that are judged. */
  readonly judged: number;
  /** Why no denial, or not every one, is judged; '' when all are. */
  readonly whyNot: string;
}

/**
 * A denial can be judged only when every operation that it raced with is in the history. When requests that were
 * open at the end are absent (access logs, a recording cut short), that holds until the longest latency before
 * the end; when some are missing and nobody knows which, it holds nowhere.
 */
export function horizonOf(history: History, openAtEndMissing: boolean): Horizon {
  const { operations: table, end, outcomes } = history;
  const span = spanOf(table);
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const isIncomplete = end !== undefined && end.sent !== recorded;
  const isOpen = openAtEndMissing || end === undefined;
  const judgedUntilUs = isIncomplete
    ? Number.NEGATIVE_INFINITY
    : isOpen
      ? span.lastUs - span.longestUs
      : Number.POSITIVE_INFINITY;
  return {
    knownFromUs: span.firstUs,
    judgedUntilUs,
    judged: countDenials(table, judgedUntilUs),
    whyNot: isIncomplete
      ? 'operations are missing from the history'
      : isOpen
        ? 'requests open at the end are absent, so denials within the longest latency of it are not judged'
        : '',
  };
}

/** First and last completion and the longest latency. */
function spanOf(table: OperationTable): { firstUs: number; lastUs: number; longestUs: number } {
  const span = { firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY, longestUs: 0 };
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    if ((kind & KIND.outcome) === KIND.info || table.durationUs[row] === DURATION.open) continue;
    const lastUs = table.lastUs(row);
    span.firstUs = Math.min(span.firstUs, lastUs);
    span.lastUs = Math.max(span.lastUs, lastUs);
    span.longestUs = Math.max(span.longestUs, lastUs - (table.invokedUs[row] as number));
  }
  return span;
}

function countDenials(table: OperationTable, untilUs: number): number {
  let denials = 0;
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    const isDenial = (kind & (KIND.outcome | KIND.part | KIND.merged)) === KIND.denied;
    if (isDenial && (untilUs === Number.POSITIVE_INFINITY || table.lastUs(row) <= untilUs)) denials++;
  }
  return denials;
}
