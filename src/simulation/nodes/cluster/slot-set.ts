import { SLOTS } from '../../../topology/topology.ts';

const WORDS = SLOTS / 32;

interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** A set of slots that does not change. */
export class SlotSet {
  readonly #words: Uint32Array;
  readonly size: number;
  #ranges: readonly SlotRange[] | undefined;

  private constructor(words: Uint32Array, size: number) {
    this.#words = words;
    this.size = size;
  }

  static of(has: (slot: number) => boolean): SlotSet {
    const words = new Uint32Array(WORDS);
    let size = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (!has(slot)) continue;
      words[slot >> 5] = (words[slot >> 5] ?? 0) | (1 << (slot & 31));
      size++;
    }
    return new SlotSet(words, size);
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

  /** First and last of each run, rising. */
  ranges(): readonly SlotRange[] {
    this.#ranges ??= this.#findRanges();
    return this.#ranges;
  }

  #findRanges(): SlotRange[] {
    const ranges: { from: number; to: number }[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (!this.has(slot)) continue;
      const open = ranges.at(-1);
      if (open !== undefined && open.to === slot - 1) open.to = slot;
      else ranges.push({ from: slot, to: slot });
    }
    return ranges;
  }
}
