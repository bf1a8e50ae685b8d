import type { History } from '../history/history.ts';
import { DURATION, KIND, type OperationTable } from '../history/table.ts';

import type { ClockSpan } from './clock.ts';

/** Why no denial was judged where none was made by the bucket itself. */
export const NO_DENIAL = 'there is none';

/** From when to when the history tells all there is to know. Microseconds of the recorder. */
export interface Horizon {
  /**
   * The first completion: what happened before may be missing where `initial` is unknown. Attempts that share a
   * decision do not count, since a history has those from before its start too.
   */
  readonly knownFromUs: number;
  /** Denials that end later are not judged. */
  readonly judgedUntilUs: number;
  /** Denials that are judged. */
  readonly judged: number;
  /** From the first invocation to the last moment that is known. */
  readonly span: ClockSpan;
  /** Why no denial, or not every one, is judged; '' when all are. */
  readonly whyNot: string;
}

/**
 * A denial can be judged only when every operation that it raced with is in the history. When requests that were
 * open at the end are absent (access logs, a recording cut short), that holds until the longest latency before
 * the end; when some are missing and nobody knows which, it holds nowhere. Each file is taken for the log of a place
 * of its own: all is known only while all of them run. One without a completion does not say when that was.
 */
export function horizonOf(history: History, openAtEndMissing: boolean): Horizon {
  const { operations: table, end, outcomes } = history;
  const span = spanOf(history);
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const isIncomplete = end !== undefined && end.sent !== recorded;
  const isOpen = openAtEndMissing || end === undefined;
  const isUnplaced = span.isUnplaced && (isOpen || history.header.initial === 'unknown');
  const judgedUntilUs =
    isIncomplete || isUnplaced
      ? Number.NEGATIVE_INFINITY
      : isOpen
        ? span.lastUs - span.longestUs
        : Number.POSITIVE_INFINITY;
  return {
    knownFromUs: span.firstUs,
    judgedUntilUs,
    span: { fromUs: span.invokedUs, untilUs: span.latestUs },
    judged: countDenials(table, judgedUntilUs),
    whyNot: isIncomplete
      ? 'operations are missing from the history'
      : isUnplaced
        ? 'a file has no completed operation, so it does not say for when it tells all'
        : isOpen
          ? 'requests open at the end are absent, so denials within the longest latency of it are not judged'
          : '',
  };
}

interface Span {
  firstUs: number;
  lastUs: number;
}

/** From when and until when every file tells of completions, and the longest latency. */
function spanOf({ operations: table, files }: History) {
  const byOrigin: Span[] = [];
  let [longestUs, invokedUs, latestUs] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < table.rows; row++) {
    invokedUs = Math.min(invokedUs, table.invokedUs[row] as number);
    latestUs = Math.max(latestUs, table.invokedUs[row] as number);
    const kind = table.kinds[row] as number;
    const outcome = kind & KIND.outcome;
    if (outcome === KIND.info || table.durationUs[row] === DURATION.open) continue;
    const origin = table.origins[row] as number;
    byOrigin[origin] ??= { firstUs: Number.POSITIVE_INFINITY, lastUs: Number.NEGATIVE_INFINITY };
    const span = byOrigin[origin] as Span;
    const lastUs = table.lastUs(row);
    if (lastUs < span.firstUs && (kind & KIND.joined) === 0) span.firstUs = lastUs;
    if (lastUs > span.lastUs) span.lastUs = lastUs;
    latestUs = Math.max(latestUs, lastUs);
    longestUs = Math.max(longestUs, lastUs - (table.invokedUs[row] as number));
  }
  const spans = spansOfFiles(table, byOrigin);
  const placed = [...spans.values()];
  return {
    isUnplaced: placed.length > 0 && files.some(({ name }) => !spans.has(name)),
    firstUs: placed.reduce((last, { firstUs }) => Math.max(last, firstUs), Number.NEGATIVE_INFINITY),
    lastUs: placed.reduce((first, { lastUs }) => Math.min(first, lastUs), Number.POSITIVE_INFINITY),
    longestUs,
    invokedUs,
    latestUs,
  };
}

/** An origin is a file and a region: a file has several. */
function spansOfFiles(table: OperationTable, byOrigin: readonly (Span | undefined)[]): Map<string, Span> {
  const byFile = new Map<string, Span>();
  for (const [origin, span] of byOrigin.entries()) {
    const file = table.fileOf(origin);
    const known = byFile.get(file);
    if (span === undefined) continue;
    if (known === undefined) byFile.set(file, { ...span });
    else {
      known.firstUs = Math.min(known.firstUs, span.firstUs);
      known.lastUs = Math.max(known.lastUs, span.lastUs);
    }
  }
  return byFile;
}

function countDenials(table: OperationTable, untilUs: number): number {
  let denials = 0;
  for (let row = 0; row < table.rows; row++) {
    if (isJudgedDenial(table, row, untilUs)) denials++;
  }
  return denials;
}

/** Whether it is a denial, one of those that are counted, and ends before that. */
export function isJudgedDenial(table: OperationTable, row: number, judgedUntilUs: number): boolean {
  const kind = table.kinds[row] as number;
  const isDenial = (kind & (KIND.outcome | KIND.part | KIND.merged)) === KIND.denied;
  return isDenial && (judgedUntilUs === Number.POSITIVE_INFINITY || table.lastUs(row) <= judgedUntilUs);
}
