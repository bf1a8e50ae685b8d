import type { OperationTable } from '../../history/columns/table.ts';
import type { Event } from '../../history/records/operation.ts';

/** Groups the nodes that decided the same buckets. Nodes have the numbers of the table; 0 is an unknown node. */
export class ShardNodes {
  /** The nodes of each group, in the order of their first decisions. */
  readonly all: readonly (readonly number[])[];
  readonly #table: OperationTable;
  readonly #parents: number[];
  readonly #firstUs: number[];
  readonly #lastUs: number[];
  readonly #places = new Map<number, number>();

  constructor(table: OperationTable, events: readonly Event[]) {
    this.#table = table;
    const numbers = (table.levels?.nodeNames ?? ['']).map((_, number) => number);
    this.#parents = [...numbers];
    this.#firstUs = numbers.map(() => Number.POSITIVE_INFINITY);
    this.#lastUs = numbers.map(() => Number.NEGATIVE_INFINITY);
    const unknown = this.#readDecisions();
    this.#joinBySlots(events);
    const decided = numbers.filter((number) => this.firstUs(number) < Number.POSITIVE_INFINITY);
    const chains = new Map<number, number[]>();
    for (const number of decided.sort((a, b) => this.firstUs(a) - this.firstUs(b))) {
      const root = this.#rootOf(number);
      chains.set(root, [...(chains.get(root) ?? []), number]);
    }
    if (unknown) chains.set(0, [0]);
    this.all = [...chains.values()];
    for (const [place, root] of [...chains.keys()].entries()) this.#places.set(root, place);
  }

  /** The index in `all` of the group that decided this bucket. */
  ofBucket(bucket: number): number {
    return this.#places.get(this.#rootOf(this.#nodeOfBucket(bucket))) ?? 0;
  }

  nameOf(node: number | undefined): string {
    return this.#table.levels?.nodeNames[node ?? 0] ?? '';
  }

  firstUs(node: number): number {
    return this.#firstUs[node] ?? Number.POSITIVE_INFINITY;
  }

  lastUs(node: number): number {
    return this.#lastUs[node] ?? Number.NEGATIVE_INFINITY;
  }

  /** Calls `use` for every decision of these nodes, with its invocation and completion. */
  eachDecision(nodes: readonly number[], use: (node: number, firstUs: number, lastUs: number) => void): void {
    const { levels, invokedUs, rows } = this.#table;
    for (let row = 0; row < rows; row++) {
      const node = levels?.node(row) ?? 0;
      const lastUs = this.#table.lastUs(row);
      if (node > 0 && lastUs < Number.POSITIVE_INFINITY && nodes.includes(node))
        use(node, invokedUs[row] as number, lastUs);
    }
  }

  /** Whether a bucket has no decision of a known node. */
  #readDecisions(): boolean {
    const { levels, starts, bucketCount, invokedUs } = this.#table;
    let unknown = false;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      let before = 0;
      for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
        const node = levels?.node(row) ?? 0;
        const lastUs = this.#table.lastUs(row);
        if (node === 0 || lastUs === Number.POSITIVE_INFINITY) continue;
        this.#firstUs[node] = Math.min(this.firstUs(node), invokedUs[row] as number);
        this.#lastUs[node] = Math.max(this.lastUs(node), lastUs);
        if (before !== 0 && before !== node) this.#join(before, node);
        before = node;
      }
      unknown ||= before === 0;
    }
    return unknown;
  }

  /** Joins nodes with the same slots, even if no bucket was decided by both. */
  #joinBySlots(events: readonly Event[]): void {
    const bySlots = new Map<unknown, number>();
    for (const { event, node, args } of events) {
      const number = this.#table.levels?.nodeNames.indexOf(node ?? '') ?? -1;
      if (event !== 'role' || number <= 0 || typeof args?.slots !== 'string' || args.slots === '') continue;
      const known = bySlots.get(args.slots);
      if (known === undefined) bySlots.set(args.slots, number);
      else this.#join(known, number);
    }
  }

  #nodeOfBucket(bucket: number): number {
    const { levels, starts } = this.#table;
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
      const node = levels?.node(row) ?? 0;
      if (node !== 0) return node;
    }
    return 0;
  }

  #join(a: number, b: number): void {
    const [rootA, rootB] = [this.#rootOf(a), this.#rootOf(b)];
    if (rootA !== rootB) this.#parents[rootA] = rootB;
  }

  #rootOf(node: number): number {
    let root = node;
    while (this.#parents[root] !== root) root = this.#parents[root] as number;
    return root;
  }
}
