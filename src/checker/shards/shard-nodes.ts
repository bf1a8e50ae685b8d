import type { OperationTable } from '../../history/columns/table.ts';
import type { Event } from '../../history/records/operation.ts';
import { findPromotions, roleEventsOf } from '../evidence/promotions.ts';
import { type BucketMoves, indexBucketMoves } from '../moves/bucket-moves.ts';
import { type Migration, migrationsIn } from '../moves/migrations.ts';
import { NodeGroups } from './node-groups.ts';
import { joinBySlots } from './same-slots.ts';

/** A process may decide for so long before a watch of its node sees it: a poll waits up to half a second for an answer. */
export const SEEN_LATE_US = 1_000_000;

/** A decision of a bucket that moved. */
export interface MovedDecision {
  readonly node: string;
  /** The index in `all` of the group of its node. */
  readonly place: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

/** Groups the nodes that took over from each other. Nodes have the numbers of the table; 0 is an unknown node. */
export class ShardNodes {
  /** The nodes of each group, in the order in which their first decisions ended: a long one may have begun before. */
  readonly all: readonly (readonly number[])[];
  readonly migrations: readonly Migration[];
  readonly movesOf: BucketMoves;
  readonly #table: OperationTable;
  readonly #groups = new NodeGroups();
  /** By name; those that decided nothing have numbers above those of the table. */
  readonly #numbers: Map<string, number>;
  readonly #firstUs: number[];
  readonly #endedUs: number[];
  readonly #lastUs: number[];
  readonly #places = new Map<number, number>();
  readonly #promotionsOf: (name: string) => ReturnType<typeof findPromotions>;

  constructor(table: OperationTable, events: readonly Event[]) {
    this.#table = table;
    this.migrations = migrationsIn(events);
    const promotions = new Map<string, ReturnType<typeof findPromotions>>();
    this.#promotionsOf = (name) => {
      const known = promotions.get(name) ?? findPromotions(roleEventsOf(name, events));
      promotions.set(name, known);
      return known;
    };
    this.movesOf = indexBucketMoves({ events, operations: table });
    const numbers = (table.levels?.nodeNames ?? ['']).map((_, number) => number);
    this.#numbers = new Map(numbers.map((number) => [this.nameOf(number), number]));
    this.#firstUs = numbers.map(() => Number.POSITIVE_INFINITY);
    this.#endedUs = numbers.map(() => Number.POSITIVE_INFINITY);
    this.#lastUs = numbers.map(() => Number.NEGATIVE_INFINITY);
    const { changes, hasUnknown } = this.#readDecisions();
    this.#join(changes, events);
    const endedUs = (number: number) => this.#endedUs[number] as number;
    const decided = numbers.filter((number) => endedUs(number) < Number.POSITIVE_INFINITY);
    const chains = new Map<number, number[]>();
    for (const number of decided.sort((a, b) => endedUs(a) - endedUs(b))) {
      const root = this.#groups.rootOf(number);
      chains.set(root, [...(chains.get(root) ?? []), number]);
    }
    if (hasUnknown) chains.set(0, [0]);
    this.all = [...chains.values()];
    for (const [place, root] of [...chains.keys()].entries()) this.#places.set(root, place);
  }

  /** The indices in `all` of the groups that decided this bucket, rising: one, unless the bucket moved. */
  ofBucket(bucket: number): readonly number[] {
    const { levels, starts } = this.#table;
    const places = new Set<number>();
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
      const node = levels?.node(row) ?? 0;
      if (node === 0) continue;
      places.add(this.#placeOf(node));
      if (!this.#hasMoved(bucket)) break;
    }
    return places.size === 0 ? [this.#placeOf(0)] : [...places].sort((a, b) => a - b);
  }

  /** The index in `all` of the group of the node of this name; undefined if it decided nothing. */
  placeOfNode(name: string): number | undefined {
    return this.#places.get(this.#groups.rootOf(this.#numberOf(name)));
  }

  get bucketCount(): number {
    return this.#table.bucketCount;
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

  /** The decisions of a bucket whose node and end are known. */
  decisionsOf(bucket: number): MovedDecision[] {
    const { levels, starts, invokedUs } = this.#table;
    const decisions: MovedDecision[] = [];
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
      const [node, lastUs] = [levels?.node(row) ?? 0, this.#table.lastUs(row)];
      if (node === 0 || lastUs === Number.POSITIVE_INFINITY) continue;
      const of = { node: this.nameOf(node), place: this.#placeOf(node) };
      decisions.push({ ...of, firstUs: invokedUs[row] as number, lastUs });
    }
    return decisions;
  }

  #hasMoved(bucket: number): boolean {
    return this.migrations.length > 0 || this.movesOf(bucket).length > 0;
  }

  #placeOf(node: number): number {
    return this.#places.get(this.#groups.rootOf(node)) ?? 0;
  }

  #numberOf(name: string): number {
    const number = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }

  /** The changes of node of each bucket, and whether a bucket has no decision of a known node. */
  #readDecisions(): { changes: Changes; hasUnknown: boolean } {
    const { levels, starts, bucketCount, invokedUs } = this.#table;
    const changes: Changes = new Map();
    let hasUnknown = false;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      let [before, rowBefore] = [0, 0];
      for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
        const node = levels?.node(row) ?? 0;
        const lastUs = this.#table.lastUs(row);
        if (node === 0 || lastUs === Number.POSITIVE_INFINITY) continue;
        this.#firstUs[node] = Math.min(this.firstUs(node), invokedUs[row] as number);
        this.#endedUs[node] = Math.min(this.#endedUs[node] as number, lastUs);
        this.#lastUs[node] = Math.max(this.lastUs(node), lastUs);
        if (before !== 0 && before !== node) this.#note(changes, { bucket, rowBefore, row });
        [before, rowBefore] = [node, row];
      }
      hasUnknown ||= before === 0;
    }
    return { changes, hasUnknown };
  }

  /** Changes between the same nodes are one; what matters is how many there are of each kind. */
  #note(
    changes: Changes,
    { bucket, rowBefore, row }: { bucket: number; rowBefore: number; row: number },
  ): void {
    const { levels, invokedUs } = this.#table;
    const nodes = [levels?.node(rowBefore) ?? 0, levels?.node(row) ?? 0] as const;
    const fromUs = Math.min(invokedUs[rowBefore] as number, invokedUs[row] as number);
    const untilUs = Math.max(this.#table.lastUs(rowBefore), this.#table.lastUs(row));
    const moves = this.movesOf(bucket);
    const hasMoved = moves.some((move) => move.fromUs <= untilUs && move.untilUs >= fromUs);
    const isMove = hasMoved && !nodes.some((node) => this.#isPromoted(node, fromUs, untilUs));
    const cause = isMove ? 'move' : moves.length > 0 ? 'takeover or defect' : 'takeover or migration';
    const key = `${nodes} ${cause}`;
    changes.set(key, { nodes, cause, count: 1 + (changes.get(key)?.count ?? 0) });
  }

  #isPromoted(node: number, fromUs: number, untilUs: number): boolean {
    return this.#promotionsOf(this.nameOf(node)).some(
      ({ atUs, wasReplica }) => wasReplica && fromUs <= atUs && atUs <= untilUs + SEEN_LATE_US,
    );
  }

  /**
   * Joins the nodes that took over from each other. Nodes between which slots or a bucket moved are primaries side by side.
   * That holds for all their buckets: if one that moved is decided by its former primary again, that is no takeover. Most
   * buckets first: those that moved while a replica took over show another pair of nodes.
   */
  #join(changes: Changes, events: readonly Event[]): void {
    const groups = this.#groups;
    const ofCause = (wanted: Change['cause']) =>
      [...changes.values()].filter(({ cause }) => cause === wanted).sort((a, b) => b.count - a.count);
    for (const { from, to } of this.migrations) groups.keepApart(this.#numberOf(from), this.#numberOf(to));
    joinBySlots(events, (a, b) => groups.join(this.#numberOf(a), this.#numberOf(b)));
    for (const { nodes } of ofCause('takeover or migration')) groups.join(...nodes);
    for (const { nodes } of ofCause('move')) groups.keepApart(...nodes);
    for (const { nodes } of ofCause('takeover or defect')) groups.join(...nodes);
  }
}

/** Two decisions of one bucket, one after the other in the history, by different nodes. */
interface Change {
  readonly nodes: readonly [number, number];
  readonly cause: 'move' | 'takeover or migration' | 'takeover or defect';
  readonly count: number;
}

type Changes = Map<string, Change>;
