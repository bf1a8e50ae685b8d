import { sortRows } from '../rows/sort-rows.ts';
import { type Demands, ROLE, type Sink } from './demands.ts';
import type { Proof } from './prove-bucket.ts';

export interface OwnWindows {
  readonly limit: number;
  readonly windowUs: number;
  /** Whether a window begins with its first admission; else it begins at any moment. */
  readonly beginsWithFirst: boolean;
}

/**
 * An order of admissions in windows that do not overlap and begin at moments of their own; undefined if none was found.
 * Without denials; without operations of unknown charge if that can be, else with all of them.
 */
export function findWindows(demands: Demands, windows: OwnWindows): Proof | undefined {
  const taken = demands.order.filter((row) => demands.roleOf(row) !== ROLE.denial);
  const sure = taken.filter((row) => demands.roleOf(row) !== ROLE.maybe);
  for (const rows of sure.length === taken.length ? [sure] : [sure, taken]) {
    sortRows(rows, rows.length, (row) => demands.fromUs(row));
    const groups = groupRows(rows, demands, windows);
    if (groups === undefined) continue;
    return { replay: (sink) => replay(rows, groups, { demands, sink }) };
  }
  return undefined;
}

/** The rows of one window: those before `end` that are in no window before. */
interface Group {
  readonly startUs: number;
  readonly end: number;
}

/**
 * Puts rows, sorted by their first moments, into windows one after another. With f(e) the earliest start of the last
 * window if the windows hold the first e rows, and the rows b to e in the last of them,
 *   f(e) = min over b of max(f(b) + W, last first moment - W + 1), at most the earliest last moment of the rows;
 * a window that begins with its first row begins no earlier than that row. A row less makes no start later, so f rises
 * with e, the least b is the best one, and a b that is too small for e is too small for all after it: O(n).
 */
function groupRows(rows: Uint32Array, demands: Demands, windows: OwnWindows): Group[] | undefined {
  const { limit, windowUs, beginsWithFirst } = windows;
  const startsUs = new Float64Array(rows.length + 1).fill(Number.NEGATIVE_INFINITY);
  const begins = new Uint32Array(rows.length + 1);
  const earliest = new EarliestEnd(rows, demands);
  let [begin, tokens] = [0, 0];
  for (let end = 1; end <= rows.length; end++) {
    const row = rows[end - 1] as number;
    tokens += demands.quantaOf(row);
    earliest.add(end - 1);
    for (; ; tokens -= demands.quantaOf(rows[begin++] as number)) {
      if (begin === end) return undefined;
      const firstUs = beginsWithFirst ? demands.fromUs(rows[begin] as number) : Number.NEGATIVE_INFINITY;
      const afterUs = (startsUs[begin] as number) + windowUs;
      startsUs[end] = Math.max(afterUs, demands.fromUs(row) - windowUs + 1, firstUs);
      if (tokens <= limit && (startsUs[end] as number) <= earliest.since(begin)) break;
    }
    begins[end] = begin;
  }
  const groups: Group[] = [];
  for (let end = rows.length; end > 0; end = begins[end] as number)
    groups.push({ startUs: startsUs[end] as number, end });
  return groups.reverse();
}

/** The earliest last moment of the rows from one place on, which never falls. */
class EarliestEnd {
  readonly #rows: Uint32Array;
  readonly #demands: Demands;
  /** Places whose rows end earlier than all rows after them. */
  readonly #places: number[] = [];
  #first = 0;

  constructor(rows: Uint32Array, demands: Demands) {
    this.#rows = rows;
    this.#demands = demands;
  }

  add(place: number): void {
    const untilUs = this.#untilUs(place);
    while (this.#places.length > this.#first && this.#untilUs(this.#places.at(-1) as number) >= untilUs)
      this.#places.pop();
    this.#places.push(place);
  }

  since(place: number): number {
    while ((this.#places[this.#first] as number) < place) this.#first++;
    return this.#untilUs(this.#places[this.#first] as number);
  }

  #untilUs(place: number): number {
    return this.#demands.untilUs(this.#rows[place] as number);
  }
}

/** Every row as early as its window allows, with the refunds and resets at their first moments. */
function replay(
  rows: Uint32Array,
  groups: readonly Group[],
  { demands, sink }: { demands: Demands; sink: Sink },
): void {
  const { gains } = demands;
  let [at, nextGain] = [0, 0];
  const placeGains = (untilUs: number) => {
    for (; nextGain < gains.length; nextGain++) {
      const { row, fromUs } = gains[nextGain] as (typeof gains)[number];
      if (fromUs > untilUs) return;
      sink.place(row, fromUs);
    }
  };
  for (const { startUs, end } of groups) {
    placeGains(startUs);
    sink.begin(startUs);
    for (; at < end; at++) {
      const row = rows[at] as number;
      const us = Math.max(startUs, demands.fromUs(row));
      placeGains(us);
      sink.place(row, us);
    }
  }
  placeGains(Number.POSITIVE_INFINITY);
}
