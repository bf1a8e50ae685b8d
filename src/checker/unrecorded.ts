import type { History } from '../history/history.ts';
import { DURATION, KIND, type OperationTable } from '../history/table.ts';
import type { Horizon } from './horizon.ts';
import type { EvidenceRules } from './rules.ts';

/** What may have happened to the buckets and is not in the history. */
export interface Unrecorded {
  /** The most requests of one bucket, refunds among them; 0 where the history is whole. */
  mostRequests(): number;
  /** Whether refunds and resets can be missing, those from before the history began among them. */
  readonly mayRefund: boolean;
  /**
   * Whether attempts of decisions can be missing, whose answers others repeat: such an answer may be of a decision from
   * before its interval.
   */
  readonly mayRepeat: boolean;
  /** Where `mostRequests` is from, as a sentence. */
  aboutRequests(): string;
}

/** So many times what was seen in flight at once may have been open at the end: what is open for long is never seen. */
const OPEN_TIMES = 10;

/** Whether requests that were open at its end are absent from a history. */
export function isOpenAtEnd({ end }: History, { openAtEndMissing, isComplete }: EvidenceRules): boolean {
  return isComplete !== true && (openAtEndMissing === true || end === undefined);
}

/** What may be missing, by what the history says of itself and what the rules say of it. */
export function unrecordedOf(
  history: History,
  { rules, horizon, unaccounted }: { rules: EvidenceRules; horizon: Horizon; unaccounted: number },
): Unrecorded {
  const { header, events, operations: table } = history;
  const givesBack =
    table.costTokens.some((cost) => cost < 0) || events.some(({ event }) => event === 'reset');
  const mayRefund = givesBack || (header.refunds !== 'none' && rules.withoutRefunds !== true);
  const isOpen = isOpenAtEnd(history, rules);
  let inFlight: number | undefined;
  const openAtEnd = () => {
    if (!isOpen) return 0;
    if (rules.openAtEndAtMost !== undefined) return rules.openAtEndAtMost;
    inFlight ??= mostInFlight(table, horizon.longestUs);
    return OPEN_TIMES * inFlight;
  };
  const missing = unaccounted < 0 ? Number.POSITIVE_INFINITY : unaccounted;
  return {
    mayRefund,
    mayRepeat: history.hasDecisionIds,
    mostRequests: () => Math.max(openAtEnd(), missing),
    aboutRequests() {
      const most = openAtEnd();
      if (missing > most)
        return `${missing} ${missing === 1 ? 'request is' : 'requests are'} missing from the history`;
      const why =
        rules.openAtEndAtMost === undefined
          ? `${OPEN_TIMES} times the most in flight at once; --open-at-end says another number`
          : '--open-at-end';
      return `at most ${most} requests of one bucket were open when the history ended and are not in it (${why})`;
    },
  };
}

/** The most operations that were in flight at once; one without a last moment counts for as long as the longest. */
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
