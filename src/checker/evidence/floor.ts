import type { WindowPromise } from '../../core/promise.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import type { CheckerContext } from '../bucket-result.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { type Demanded, leastAdmitted, windowsBehind } from '../windows/least-admitted.ts';
import { mostOnRecorder } from '../windows/spans.ts';

/** What one bucket admitted, and what every limiter of the promise must have admitted of the same requests, in tokens. */
export interface BucketFloor {
  readonly bucket: string;
  readonly admitted: number;
  readonly ideal: number;
  /** The part of `admitted` that may have been admitted before the first denial. */
  readonly before: number;
}

/** Of the buckets that denied and whose ideal is more than one limit. */
export interface FloorFacts {
  readonly buckets: number;
  /** Buckets that denied, with those of a smaller ideal. */
  readonly denied: number;
  /** The bucket that admitted the smallest share of its ideal. */
  readonly least?: BucketFloor;
  /** The bucket of which a limiter that admits nothing after its first denial would have admitted the smallest share. */
  readonly clearest?: BucketFloor;
  /** The most that requests missing from the history can have been charged in one bucket. */
  readonly missing: number;
}

/** Of a promise of windows. */
export function floorFacts(history: History, context: CheckerContext): { readonly floor?: FloorFacts } {
  const { windows, known, movesOf, unrecorded } = context;
  if (windows === undefined) return {};
  const { operations: table } = history;
  const floor = new Floor(history, { windows, known });
  const rows = new BucketRows(table);
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    if (movesOf(bucket).length > 0) continue; // a window may begin again with its move
    rows.load(bucket);
    floor.add(rows);
  }
  return { floor: floor.found(() => unrecorded.mostRequests()) };
}

interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Not decided by this bucket alone, or not at that time: a failure policy, several buckets, an attempt of a decision. */
const APART = KIND.fallback | KIND.multiBucket | KIND.joined | KIND.part;

/**
 * Compares what buckets admitted with the least that a limiter of the promise must admit (`leastAdmitted`). The demand of a
 * bucket is what it allowed and denied, from the window before its first denial on. A denial needs what was admitted
 * before it, so the demand of each span without faults begins one look back after the span does, and what is admitted from
 * then on counts. What may have been charged counts as admitted, so a correct limiter has at least its ideal.
 */
class Floor {
  readonly #table: OperationTable;
  readonly #promise: WindowPromise;
  readonly #lengthUs: number;
  readonly #spans: readonly Span[];
  #denied = 0;
  #buckets = 0;
  #least: BucketFloor | undefined;
  #clearest: BucketFloor | undefined;

  constructor({ operations, faults }: History, { windows, known }: Judged) {
    this.#table = operations;
    this.#promise = windows.promise;
    this.#lengthUs = mostOnRecorder(windowsBehind(windows.promise) * windows.promise.windowUs, windows.clock);
    const whole = { fromUs: windows.clock.knownFromUs, untilUs: known.judgedUntilUs };
    this.#spans = withoutFaults(whole, faults);
  }

  add(rows: BucketRows): void {
    const first = this.#firstDenial(rows);
    if (first === undefined) return;
    this.#denied++;
    const { limit } = this.#promise;
    const fromUs = (this.#table.invokedUs[first] as number) - this.#lengthUs;
    const ideal = leastAdmitted(this.#demand(rows, fromUs), { limit, lengthUs: this.#lengthUs });
    if (ideal <= limit) return;
    this.#buckets++;
    const counted = this.#charged(rows, fromUs - this.#lengthUs);
    const sum = (tokens: number, row: number) => tokens + (this.#table.costTokens[row] as number);
    const isBefore = (row: number) => (this.#table.invokedUs[row] as number) <= this.#table.lastUs(first);
    const found: BucketFloor = {
      bucket: this.#table.nameOf(rows.bucket),
      admitted: counted.reduce(sum, 0),
      ideal,
      before: counted.filter(isBefore).reduce(sum, 0),
    };
    this.#least = smaller(this.#least, found, admittedShare);
    this.#clearest = smaller(this.#clearest, found, lockedShare);
  }

  found(mostMissing: () => number): FloorFacts {
    const isLess = this.#least !== undefined && admittedShare(this.#least) < 1;
    const missing = isLess ? Math.min(Number.MAX_SAFE_INTEGER, mostMissing() * this.#promise.limit) : 0;
    return {
      ...{ buckets: this.#buckets, denied: this.#denied, missing },
      ...(this.#least && { least: this.#least }),
      ...(this.#clearest && { clearest: this.#clearest }),
    };
  }

  #firstDenial(rows: BucketRows): number | undefined {
    if (rows.denials === 0) return undefined;
    const isDenial = (row: number) => ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    return rows.byInvoked.subarray(0, rows.count).find((row) => isDenial(row) && this.#isDemanded(row));
  }

  #demand({ byInvoked, count }: BucketRows, fromUs: number): Demanded[] {
    const { invokedUs, costTokens } = this.#table;
    const demand: Demanded[] = [];
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      const startUs = invokedUs[row] as number;
      if (startUs >= fromUs && this.#isDemanded(row))
        demand.push({ fromUs: startUs, untilUs: this.#table.lastUs(row), cost: costTokens[row] as number });
    }
    return demand;
  }

  #isDemanded(row: number): boolean {
    const { kinds, costTokens, invokedUs } = this.#table;
    const kind = kinds[row] as number;
    if ((kind & KIND.outcome) === KIND.info || (kind & APART) !== 0) return false;
    if ((costTokens[row] as number) > this.#promise.limit) return false;
    const startUs = invokedUs[row] as number;
    const lastUs = this.#table.lastUs(row);
    return this.#spans.some(({ fromUs, untilUs }) => startUs >= fromUs + this.#lengthUs && lastUs <= untilUs);
  }

  /** The rows that may have been charged at `sinceUs` or later, outside of faults. */
  #charged({ byInvoked, count }: BucketRows, sinceUs: number): number[] {
    const { kinds, invokedUs } = this.#table;
    const charged: number[] = [];
    for (let at = 0; at < count; at++) {
      const row = byInvoked[at] as number;
      const lastUs = this.#table.lastUs(row);
      if (((kinds[row] as number) & KIND.outcome) === KIND.denied || lastUs < sinceUs) continue;
      const startUs = invokedUs[row] as number;
      if (this.#spans.some(({ fromUs, untilUs }) => lastUs >= fromUs && startUs <= untilUs))
        charged.push(row);
    }
    return charged;
  }
}

interface Judged {
  readonly windows: NonNullable<CheckerContext['windows']>;
  readonly known: CheckerContext['known'];
}

/** The share of its ideal that a bucket admitted. */
export function admittedShare({ admitted, ideal }: BucketFloor): number {
  return admitted / ideal;
}

/** The share that it would have admitted if it had admitted nothing after its first denial. */
export function lockedShare({ before, ideal }: BucketFloor): number {
  return before / ideal;
}

function smaller(
  known: BucketFloor | undefined,
  found: BucketFloor,
  shareOf: (found: BucketFloor) => number,
): BucketFloor {
  return known !== undefined && shareOf(known) <= shareOf(found) ? known : found;
}

/**
 * The spans in which no fault is in force, from the first moment after the heal at which the system had settled, if one is
 * recorded, else from the heal. A window that began on a clock which faults moved may last as much longer as they moved it.
 */
function withoutFaults({ fromUs, untilUs }: Span, faults: readonly FaultRecord[]): Span[] {
  const spans: Span[] = [];
  let [healthyUs, active, movedByUs, hasSettled] = [fromUs, 0, 0, true];
  for (const { phase, atUs, args } of faults.toSorted((a, b) => a.atUs - b.atUs)) {
    if (phase === 'inject') {
      if (active === 0) spans.push({ fromUs: healthyUs, untilUs: Math.min(atUs, untilUs) });
      [healthyUs, hasSettled] = [Number.POSITIVE_INFINITY, false];
      movedByUs += movedUs(args);
      active++;
      continue;
    }
    if (phase === 'heal') active--;
    if (active > 0 || hasSettled) continue;
    healthyUs = Math.max(fromUs, atUs + movedByUs);
    hasSettled = phase === 'settled';
  }
  return [...spans, { fromUs: healthyUs, untilUs }].filter((span) => span.fromUs < span.untilUs);
}

function movedUs({ stepMs, offsetMs }: Readonly<Record<string, unknown>> = {}): number {
  const movedMs = stepMs ?? offsetMs;
  return typeof movedMs === 'number' ? 1_000 * Math.abs(movedMs) : 0;
}
