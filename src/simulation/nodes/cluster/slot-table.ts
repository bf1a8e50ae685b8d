import { SLOTS } from '../../../topology/topology.ts';
import { type SlotRange, SlotSet } from './slot-set.ts';

const NONE = -1;

/** Slots in a row, the last included, that have the same owner. */
export interface SlotRun {
  readonly from: number;
  readonly to: number;
  readonly owner: string | undefined;
  /** As of each of its slots. */
  readonly isUnclaimed: boolean;
}

/** Which node owns each slot, as one node knows it. */
export class SlotTable {
  readonly #names: readonly string[];
  readonly #owners: Int16Array;
  /** Slots whose owner claims them no more: the next node that claims one gets it. */
  readonly #unclaimed: Uint8Array;
  /** By the place of the name. */
  readonly #sets: (SlotSet | undefined)[];

  constructor(names: readonly string[], from?: SlotTable) {
    this.#names = names;
    this.#owners = from === undefined ? new Int16Array(SLOTS).fill(NONE) : from.#owners.slice();
    this.#unclaimed = from === undefined ? new Uint8Array(SLOTS) : from.#unclaimed.slice();
    this.#sets = from === undefined ? names.map(() => undefined) : from.#sets.slice();
  }

  copy(): SlotTable {
    return new SlotTable(this.#names, this);
  }

  ownerOf(slot: number): string | undefined {
    return this.#names[this.#owners[slot] ?? NONE];
  }

  /** All slots of these ranges, rising. What changes once they are read does not change them. */
  runs(ranges: readonly SlotRange[]): readonly SlotRun[] {
    return ranges.flatMap(({ from, to }) => {
      const runs: SlotRun[] = [];
      for (let first = from, slot = from; slot <= to; slot++) {
        if (slot < to && this.#isLike(slot, slot + 1)) continue;
        runs.push({ from: first, to: slot, owner: this.ownerOf(slot), isUnclaimed: this.#isUnclaimed(slot) });
        first = slot + 1;
      }
      return runs;
    });
  }

  /** The same object until its slots change. */
  of(name: string): SlotSet {
    const place = this.#names.indexOf(name);
    const known = this.#sets[place];
    if (known !== undefined) return known;
    const slots = new SlotSet(this.#rangesOf(place));
    this.#sets[place] = slots;
    return slots;
  }

  /** Every slot has an owner. */
  get isWhole(): boolean {
    return this.#names.reduce((sum, name) => sum + this.of(name).size, 0) === SLOTS;
  }

  give(slot: number, name: string): void {
    this.giveAll(slot, slot, name);
  }

  /** The slots from the first to the last. */
  giveAll(first: number, last: number, name: string): void {
    const place = this.#names.indexOf(name);
    for (let slot = first; slot <= last; slot++) {
      const before = this.#owners[slot] as number;
      if (before !== NONE) this.#sets[before] = undefined;
      this.#owners[slot] = place;
      this.#unclaimed[slot] = 0;
    }
    this.#sets[place] = undefined;
  }

  /** Of its slots, a node claims these again, and the others no more. */
  claim(name: string, claims: SlotSet): void {
    const place = this.#names.indexOf(name);
    for (const { from, to } of this.of(name).ranges) this.#unclaimed.fill(1, from, to + 1);
    for (const { from, to } of claims.ranges)
      for (let slot = from; slot <= to; slot++) if (this.#owners[slot] === place) this.#unclaimed[slot] = 0;
  }

  /** All slots of one node become those of another. */
  move(from: string, to: string): void {
    for (const range of this.of(from).ranges) this.giveAll(range.from, range.to, to);
  }

  #rangesOf(place: number): SlotRange[] {
    const owners = this.#owners;
    const ranges: SlotRange[] = [];
    for (let from = owners.indexOf(place); from >= 0; ) {
      let to = from;
      while (owners[to + 1] === place) to++;
      ranges.push({ from, to });
      from = owners.indexOf(place, to + 1);
    }
    return ranges;
  }

  #isLike(slot: number, other: number): boolean {
    return this.#owners[slot] === this.#owners[other] && this.#unclaimed[slot] === this.#unclaimed[other];
  }

  #isUnclaimed(slot: number): boolean {
    return this.#owners[slot] === NONE || this.#unclaimed[slot] === 1;
  }
}
