import { SLOTS } from '../../../topology/topology.ts';
import { SlotSet } from './slot-set.ts';

const NONE = -1;

/** Which node owns each slot, as one node knows it. */
export class SlotTable {
  readonly #names: readonly string[];
  readonly #owners: Int16Array;
  /** Slots whose owner claims them no more: the next node that claims one gets it. */
  readonly #unclaimed: Uint8Array;
  readonly #sets = new Map<string, SlotSet>();

  constructor(names: readonly string[], from?: SlotTable) {
    this.#names = names;
    this.#owners = from === undefined ? new Int16Array(SLOTS).fill(NONE) : from.#owners.slice();
    this.#unclaimed = from === undefined ? new Uint8Array(SLOTS) : from.#unclaimed.slice();
  }

  copy(): SlotTable {
    return new SlotTable(this.#names, this);
  }

  ownerOf(slot: number): string | undefined {
    return this.#names[this.#owners[slot] ?? NONE];
  }

  isUnclaimed(slot: number): boolean {
    return this.#owners[slot] === NONE || this.#unclaimed[slot] === 1;
  }

  /** The same object until its slots change. */
  of(name: string): SlotSet {
    let slots = this.#sets.get(name);
    if (slots === undefined) {
      const index = this.#names.indexOf(name);
      slots = SlotSet.of((slot) => this.#owners[slot] === index);
      this.#sets.set(name, slots);
    }
    return slots;
  }

  /** Every slot has an owner. */
  get isWhole(): boolean {
    return this.#names.reduce((sum, name) => sum + this.of(name).size, 0) === SLOTS;
  }

  give(slot: number, name: string): void {
    const before = this.ownerOf(slot);
    if (before !== undefined) this.#sets.delete(before);
    this.#sets.delete(name);
    this.#owners[slot] = this.#names.indexOf(name);
    this.#unclaimed[slot] = 0;
  }

  /** Its owner claims the slot again, or claims it no more. */
  mark(slot: number, isClaimed: boolean): void {
    this.#unclaimed[slot] = isClaimed ? 0 : 1;
  }

  /** All slots of one node become those of another. */
  move(from: string, to: string): void {
    const moved = this.of(from);
    for (let slot = 0; slot < SLOTS; slot++) if (moved.has(slot)) this.give(slot, to);
  }
}
