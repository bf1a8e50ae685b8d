import { SLOTS } from '../../../topology/topology.ts';

const WORDS = SLOTS / 32;

export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** A set of slots that does not change. */
export class SlotSet {
  readonly #words: Uint32Array;
  readonly size: number;
  /** First and last of each run, rising. */
  readonly ranges: readonly SlotRange[];

  private constructor(words: Uint32Array, size: number, ranges: readonly SlotRange[]) {
    this.#words = words;
    this.size = size;
    this.ranges = ranges;
  }

  static of(has: (slot: number) => boolean): SlotSet {
    const words = new Uint32Array(WORDS);
    const ranges: SlotRange[] = [];
    let size = 0;
    let from: number | undefined;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (has(slot)) {
        words[slot >> 5] = (words[slot >> 5] ?? 0) | (1 << (slot & 31));
        size++;
        from ??= slot;
      } else if (from !== undefined) {
        ranges.push({ from, to: slot - 1 });
        from = undefined;
      }
    }
    if (from !== undefined) ranges.push({ from, to: SLOTS - 1 });
    return new SlotSet(words, size, ranges);
  }

  has(slot: number): boolean {
    return (((this.#words[slot >> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
  }

  equals(other: SlotSet): boolean {
    if (this === other) return true;
    if (this.size !== other.size) return false;
    for (let at = 0; at < WORDS; at++) if (this.#words[at] !== other.#words[at]) return false;
    return true;
  }
}
