import { DURATION, KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { lacksParts } from '../../history/parts/parts.ts';
import { RESET_EVENT } from '../../history/records/operation.ts';
import type { CheckOptions } from '../check-options.ts';
import type { Coverage } from '../rows/coverage.ts';

/** What may be missing from the history. */
export interface Unrecorded {
  /** The most missing requests of one bucket, refunds included; 0 if the history is complete. */
  mostRequests(): number;
  /** Whether refunds and resets can be missing, also those from before the history began. */
  readonly mayRefund: boolean;
  /**
   * Whether attempts of decisions can be missing. A recorded attempt may then repeat the reply of a decision from before
   * its own interval.
   */
  readonly mayRepeat: boolean;
  /** The source of `mostRequests`, as a sentence. */
  aboutRequests(): string;
}

/** As many requests as a part of a run may have. */
export const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

/** Requests open at the end, per request seen in flight at once: the log lacks requests that were still running. */
const OPEN_TIMES = 10;

/** Whether a history lacks the requests that were open at its end. */
export function isOpenAtEnd({ end }: History, { openAtEndMissing, isComplete }: CheckOptions): boolean {
  return isComplete !== true && (openAtEndMissing === true || end === undefined);
}

/** What may be missing from the history, according to its own records and the options of the check. */
export function findUnrecorded(
  history: History,
  { options, coverage, unaccounted }: { options: CheckOptions; coverage: Coverage; unaccounted: number },
): Unrecorded {
  const { header, events, operations: table } = history;
  const givesBack =
    history.hasReservations ||
    table.costTokens.some((cost) => cost < 0) ||
    events.some(({ event }) => event === RESET_EVENT);
  const mayRefund = givesBack || (header.refunds !== 'none' && options.withoutRefunds !== true);
  const isOpen = isOpenAtEnd(history, options);
  let inFlight: number | undefined;
  const openAtEnd = () => {
    if (!isOpen) return 0;
    if (options.openAtEndAtMost !== undefined) return options.openAtEndAtMost;
    inFlight ??= mostInFlight(table, coverage.longestUs);
    return OPEN_TIMES * inFlight;
  };
  const missing = unaccounted < 0 ? Number.POSITIVE_INFINITY : lacksParts(history) ? ANY_NUMBER : unaccounted;
  return {
    mayRefund,
    mayRepeat: history.hasDecisionIds,
    mostRequests: () => Math.max(openAtEnd(), missing),
    aboutRequests() {
      if (missing === ANY_NUMBER)
        return 'any number of requests is missing from the history, with a part of the run';
      const most = openAtEnd();
      if (missing > most)
        return `${missing} ${missing === 1 ? 'request is' : 'requests are'} missing from the history`;
      const why =
        options.openAtEndAtMost === undefined
          ? `${OPEN_TIMES} times the most in flight at once; --open-at-end sets another number`
          : '--open-at-end';
      return `at most ${most} requests of one bucket were open when the history ended and are not in it (${why})`;
    },
  };
}

/** The most operations in flight at once; one without an end counts for the longest latency. */
function mostInFlight(table: OperationTable, longestUs: number): number {
  const starts = new Float64Array(table.rows);
  const ends = new Float64Array(table.rows);
  let count = 0;
  for (let row = 0; row < table.rows; row++) {
    if (((table.kinds[row] as number) & KIND.part) !== 0) continue;
    const startUs = table.invokedUs[row] as number;
    starts[count] = startUs;
    ends[count++] = table.durationUs[row] === DURATION.open ? startUs + longestUs : table.lastUs(row);
  }
  starts.subarray(0, count).sort();
  ends.subarray(0, count).sort();
  let [most, over] = [0, 0];
  for (let begun = 1; begun <= count; begun++) {
    while ((ends[over] as number) < (starts[begun - 1] as number)) over++;
    most = Math.max(most, begun - over);
  }
  return most;
}
