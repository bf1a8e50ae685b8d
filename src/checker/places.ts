import type { FileOrder, History } from '../history/history.ts';
import type { OperationTable } from '../history/table.ts';
import { DURATION, KIND } from '../history/table.ts';

/** From when until when something tells of completions, and of what was asked last. Microseconds of the recorder. */
interface Span {
  firstUs: number;
  lastUs: number;
  askedUs: number;
}

/** The logs of one place: a file, or several of which each begins where the one before ends. */
export interface Place {
  readonly files: readonly string[];
  readonly firstUs: number;
  readonly lastUs: number;
  /** Until then every request that was sent and answered is in it. */
  readonly knownUntilUs: number;
}

/** What is known of when operations were sent and when they ended. */
export interface Spans {
  readonly places: readonly Place[];
  /** Whether a file has no completed operation, so that it does not say when it was written. */
  readonly isUnplaced: boolean;
  readonly longestUs: number;
  readonly invokedUs: number;
  readonly latestUs: number;
}

/** Finds the spans of a history, and which of its files are of one place. */
export function spansOf({ operations: table, files, orders }: History): Spans {
  const byOrigin: Span[] = [];
  let [longestUs, invokedUs, latestUs] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < table.rows; row++) {
    const startUs = table.invokedUs[row] as number;
    if (startUs < invokedUs) invokedUs = startUs;
    if (startUs > latestUs) latestUs = startUs;
    const kind = table.kinds[row] as number;
    const origin = table.origins[row] as number;
    byOrigin[origin] ??= { firstUs: Number.POSITIVE_INFINITY, ...NEVER };
    const span = byOrigin[origin] as Span;
    if (startUs > span.askedUs) span.askedUs = startUs;
    if ((kind & KIND.outcome) === KIND.info || table.durationUs[row] === DURATION.open) continue;
    const lastUs = table.lastUs(row);
    if (lastUs < span.firstUs && (kind & KIND.joined) === 0 && !isChargedLater(table, row))
      span.firstUs = lastUs;
    if (lastUs > span.lastUs) span.lastUs = lastUs;
    if (lastUs > latestUs) latestUs = lastUs;
    if (lastUs - startUs > longestUs) longestUs = lastUs - startUs;
  }
  const spans = spansOfFiles(table, byOrigin);
  return {
    places: placesOf(spans, orders),
    isUnplaced: spans.size > 0 && files.some(({ name }) => !spans.has(name)),
    longestUs,
    invokedUs,
    latestUs,
  };
}

/** Whether it may be charged after its reply: such a one is in a history that began after that reply, too. */
function isChargedLater(table: OperationTable, row: number): boolean {
  const isSurplus = ((table.kinds[row + 1] ?? 0) & KIND.surplus) !== 0;
  return isSurplus && table.lastUs(row + 1) > table.lastUs(row);
}

const NEVER = { lastUs: Number.NEGATIVE_INFINITY, askedUs: Number.NEGATIVE_INFINITY };

/** An origin is a file and a region: a file has several. */
function spansOfFiles(table: OperationTable, byOrigin: readonly (Span | undefined)[]): Map<string, Span> {
  const byFile = new Map<string, Span>();
  for (const [origin, span] of byOrigin.entries()) {
    if (span === undefined || span.lastUs === Number.NEGATIVE_INFINITY) continue;
    const file = table.fileOf(origin);
    const known = byFile.get(file);
    if (known === undefined) byFile.set(file, { ...span });
    else {
      known.firstUs = Math.min(known.firstUs, span.firstUs);
      known.lastUs = Math.max(known.lastUs, span.lastUs);
      known.askedUs = Math.max(known.askedUs, span.askedUs);
    }
  }
  return byFile;
}

/** Logs that are started again every so often overlap by what was written while they changed, and pause no longer. */
const OVERLAP_US = 1_000_000;

/**
 * Two files are one log when the second begins where the first ends: they overlap by no more than a second and a
 * hundredth of either, and the pause between them is no longer than a pause within one of them, or a second. Two
 * places whose logs merely touch are not expected; a file that is missing in between shows as a pause.
 */
function placesOf(spans: ReadonlyMap<string, Span>, orders: ReadonlyMap<string, FileOrder>): Place[] {
  const places: Place[] = [];
  for (const [name, span] of [...spans].sort(([, a], [, b]) => a.firstUs - b.firstUs)) {
    const { firstUs, lastUs, askedUs } = span;
    const { disorderUs = 0, pauseUs = 0 } = orders.get(name) ?? {};
    const at = places.findIndex((place) => {
      const shortestUs = Math.min(lastUs - firstUs, place.lastUs - place.firstUs);
      const pausedUs = Math.max(pauseUs, orders.get(place.files.at(-1) ?? '')?.pauseUs ?? 0, OVERLAP_US);
      const gapUs = firstUs - place.lastUs;
      return gapUs <= pausedUs && gapUs >= -Math.min(OVERLAP_US, shortestUs / 100);
    });
    const before = places[at];
    const place = {
      files: [...(before?.files ?? []), name],
      firstUs: before?.firstUs ?? firstUs,
      lastUs: Math.max(lastUs, before?.lastUs ?? lastUs),
      knownUntilUs: askedUs - disorderUs,
    };
    if (before === undefined) places.push(place);
    else places[at] = place;
  }
  return places;
}
