import { isReservationStep, isReserved, mayGiveBack } from '../../history/columns/reservation-rows.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import { DURATION, KIND } from '../../history/columns/table.ts';
import type { FileOrder, History } from '../../history/history.ts';

/** The first and last completion, and the last invocation, of a file. Microseconds of the recorder. */
interface Span {
  firstUs: number;
  lastUs: number;
  askedUs: number;
}

/** The logs of one place: one file, or several that continue each other. */
export interface Place {
  readonly files: readonly string[];
  readonly firstUs: number;
  readonly lastUs: number;
  /** Every request that was answered until then is in the logs. */
  readonly knownUntilUs: number;
}

/** When operations were sent and when they ended. */
export interface Spans {
  readonly places: readonly Place[];
  /** Whether a file has no completed operation, so that its time is unknown. */
  readonly isUnplaced: boolean;
  readonly longestUs: number;
  readonly invokedUs: number;
  readonly latestUs: number;
}

/** Finds the spans of a history, and which of its files are from one place. */
export function findSpans({ operations: table, files, orders, parts }: History): Spans {
  const byOrigin: Span[] = [];
  let [longestUs, invokedUs, latestUs] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < table.rows; row++) {
    if (mayGiveBack(table, row)) continue;
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
    if (lastUs < span.firstUs && (kind & KIND.joined) === 0 && !isDecidedLater(table, row))
      span.firstUs = lastUs;
    if (lastUs > span.lastUs) span.lastUs = lastUs;
    if (lastUs > latestUs) latestUs = lastUs;
    if (lastUs - startUs > longestUs) longestUs = lastUs - startUs;
  }
  const spans = spansOfFiles(table, byOrigin);
  return {
    places: findPlaces(spans, orders),
    isUnplaced: spans.size > 0 && files.some(({ name }) => !spans.has(name) && name !== parts?.control?.file),
    longestUs,
    invokedUs,
    latestUs,
  };
}

/**
 * Whether the bucket may decide the operation, or a later step of a reservation, after its reply. A history that began
 * after the reply may then contain it. For a failure policy's answer to a request with cost 0, the history does not show it.
 */
function isDecidedLater(table: OperationTable, row: number): boolean {
  if (((table.kinds[row] as number) & KIND.fallback) !== 0 && table.costTokens[row] === 0) return true;
  if (isReservationStep(table.kinds[row] as number) || isReserved(table, row)) return true;
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

/** A rotated log overlaps its successor by the lines written during the change, and pauses no longer than that. */
const OVERLAP_US = 1_000_000;

/**
 * Whether two files are one log: the second begins where the first ends. They overlap by at most a second and a hundredth
 * of either, and the pause between them is at most a second or a pause within one of them. Two places whose logs merely
 * touch are not expected; a missing file in between shows as a pause. Files of the own format are never one log: each has
 * a header, and one without an end may have continued for any time.
 */
function findPlaces(spans: ReadonlyMap<string, Span>, orders: ReadonlyMap<string, FileOrder>): Place[] {
  const places: Place[] = [];
  for (const [name, span] of [...spans].sort(([, a], [, b]) => a.firstUs - b.firstUs)) {
    const { firstUs, lastUs, askedUs } = span;
    const { disorderUs = 0, pauseUs = 0 } = orders.get(name) ?? {};
    const at = places.findIndex((place) => {
      const orderBefore = orders.get(place.files.at(-1) ?? '');
      if (orderBefore?.mayGoOn !== true) return false;
      const shortestUs = Math.min(lastUs - firstUs, place.lastUs - place.firstUs);
      const pausedUs = Math.max(pauseUs, orderBefore.pauseUs, OVERLAP_US);
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
