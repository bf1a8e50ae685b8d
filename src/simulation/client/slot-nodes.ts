import { SLOTS } from '../../topology/topology.ts';

/** Which nodes have each slot as a client knows it: the primary, and its replicas. Clients read all slots often. */
export class SlotNodes {
  readonly #numbers = new Uint16Array(SLOTS);
  /** By number; 0 is that of a slot without nodes. */
  readonly #nodes: (readonly string[] | undefined)[] = [undefined];
  readonly #numberOf = new Map<string, number>();

  of(slot: number): readonly string[] | undefined {
    return this.#nodes[this.#numbers[slot] as number];
  }

  /** All slots from the first to the last. */
  set(first: number, last: number, nodes: readonly string[]): void {
    this.#numbers.fill(this.#number(nodes), first, last + 1);
  }

  #number(nodes: readonly string[]): number {
    const key = nodes.join(' ');
    const known = this.#numberOf.get(key);
    if (known !== undefined) return known;
    const number = this.#nodes.push(nodes) - 1;
    this.#numberOf.set(key, number);
    return number;
  }
}
