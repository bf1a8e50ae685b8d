import { encodeRecord } from '../history/records/codec.ts';
import { type HistoryRecord, OUTSIDE_EVENT } from '../history/records/operation.ts';
import type { Difference } from './outside.ts';

/** Of a long or fast run. With a few hundred bytes each they are little beside its history. */
const MOST_KEPT = 20_000;
/** So many characters of a record are shown before its first difference, and from there on. */
const BEFORE = 30;
const AFTER = 60;

interface Kept {
  /** Of the history, from 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * The first records of a history, as its file has them. What a plug-in was seen to use is left out: it is seen once, also
 * if it is used in two runs.
 */
export class Beginning {
  readonly #untilUs: number;
  readonly #kept: Kept[] = [];
  #lines = 0;
  #lastUs = 0;

  /** Times count from the start of the load. */
  constructor(untilUs: number) {
    this.#untilUs = untilUs;
  }

  /** Until when it has all records. */
  get endUs(): number {
    return this.#kept.length < MOST_KEPT ? this.#untilUs : this.#lastUs + 1;
  }

  /** Gives the next record of the history back. */
  kept<T extends HistoryRecord>(record: T, atUs: number): T {
    this.#lines++;
    const isOutside = record.type === 'event' && record.event === OUTSIDE_EVENT;
    if (atUs < this.#untilUs && !isOutside) this.#keep(encodeRecord(record).trimEnd(), atUs);
    return record;
  }

  /** The run has failed with this error: no record follows. */
  fail(message: string): void {
    this.#lines++;
    this.#keep(message, this.#lastUs);
  }

  #keep(text: string, atUs: number): void {
    if (this.#kept.length >= MOST_KEPT) return;
    this.#kept.push({ line: this.#lines, text });
    this.#lastUs = atUs;
  }

  /** The first record that is not the same in another run of this length. */
  differenceFrom(other: Beginning): Difference | undefined {
    const most = Math.max(this.#kept.length, other.#kept.length);
    for (let at = 0; at < most; at++) {
      const [one, two] = [this.#kept[at], other.#kept[at]];
      if (one?.text === two?.text) continue;
      const [first, second] = excerpts(one?.text ?? 'no record', two?.text ?? 'no record');
      return { line: one?.line ?? two?.line ?? 0, first, second };
    }
    return undefined;
  }
}

function excerpts(one: string, two: string): [string, string] {
  let same = 0;
  while (same < one.length && one[same] === two[same]) same++;
  const from = Math.max(0, same - BEFORE);
  const cut = (text: string) => (from > 0 ? '...' : '') + text.slice(from, same + AFTER);
  return [cut(one), cut(two)];
}
