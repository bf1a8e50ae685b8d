import { CHUNK_BITS, gather, memoryOf, narrowColumn, ROWS, type Targets } from './chunks.ts';
import type { Draft } from './draft.ts';

/**
 * The evidence of decisions: their node, and the level of the shared bucket after them. A row takes 9 bytes instead of
 * the 18 of plain numbers, so that ten million operations fit into half a gigabyte. A level is its low 32 bits, with a
 * column for the higher ones only if a policy needs them. The bucket's time is the invocation plus the offset of the
 * node's clock, which is nearly constant: only the difference is kept, or the time itself if the difference is more than
 * 35 minutes.
 */
export class Levels {
  readonly #columns: LevelColumns;
  readonly #invokedUs: Float64Array;

  constructor(columns: LevelColumns, invokedUs: Float64Array) {
    this.#columns = columns;
    this.#invokedUs = invokedUs;
  }

  /** The level after the decision, in quanta; NaN if there is none. */
  of(row: number): number {
    const { nodes, low, high, distances } = this.#columns;
    if (nodes[row] === NO_NODE || distances[row] === NO_LEVEL) return Number.NaN;
    return (low[row] as number) + (high === undefined ? 0 : (high[row] as number) * TWO_32);
  }

  /** The bucket's own time after the decision; NaN if there is no level. */
  bucketUs(row: number): number {
    const { nodes, distances, offsetsUs, farUs } = this.#columns;
    if (nodes[row] === NO_NODE) return Number.NaN;
    const distance = distances[row] as number;
    if (distance === NO_LEVEL) return Number.NaN;
    if (distance === FAR) return farUs.get(row) ?? 0;
    return (this.#invokedUs[row] as number) + (offsetsUs[nodes[row] as number] as number) + distance;
  }

  /** The number of the node that decided; 0 if it is unknown. */
  node(row: number): number {
    return this.#columns.nodes[row] as number;
  }

  nodeName(row: number): string {
    return this.nodeNames[this.node(row)] ?? '';
  }

  /** Names of nodes by their numbers; number 0 is no node. */
  get nodeNames(): readonly string[] {
    return this.#columns.names;
  }

  /** Removes the level and the node of a row. */
  drop(row: number): void {
    this.#columns.nodes[row] = NO_NODE;
  }
}

interface LevelColumns {
  readonly low: Uint32Array;
  readonly high: Int32Array | undefined;
  /** From invocation plus the node's offset to the bucket's time. Microseconds, or FAR. */
  readonly distances: Int32Array;
  readonly nodes: Uint16Array | Uint8Array;
  readonly names: readonly string[];
  readonly offsetsUs: readonly number[];
  readonly farUs: ReadonlyMap<number, number>;
}

const TWO_32 = 2 ** 32;
const NO_NODE = 0;
const MOST_NODES = 65_535;
/** Stands for a distance that 32 bits cannot hold, or that is not a whole number. */
const FAR = -(2 ** 31);
/** Stands for a decision with a node and without a level. */
const NO_LEVEL = FAR + 1;

class LevelChunk {
  readonly low: Uint32Array;
  readonly distances: Int32Array;
  readonly nodes: Uint16Array;
  high: Int32Array | undefined;

  constructor(number: number) {
    const memory = memoryOf(number);
    this.low = new Uint32Array(memory(4));
    this.distances = new Int32Array(memory(4));
    this.nodes = new Uint16Array(memory(2));
  }
}

/** Takes levels row by row, and groups them when all rows are known. */
export class LevelsBuilder {
  readonly #chunks: LevelChunk[] = [];
  readonly #nodes = new Map<number, number>();
  readonly #names = [''];
  /** Clock offsets by node; NaN until its first decision. */
  readonly #offsetsUs = [0];
  readonly #farUs = new Map<number, number>();
  #hasHigh = false;

  /** Adds the evidence of the draft, if any. Nodes beyond the first 65,535 are left out. */
  add(row: number, draft: Draft, nameOf: (text: number) => string): void {
    const { levelQuanta, bucketUs, invokedUs, node: text } = draft;
    if (text < 0) return;
    const node = this.#nodes.get(text) ?? this.#addNode(text, nameOf);
    if (node === NO_NODE) return;
    const number = row >>> CHUNK_BITS;
    this.#chunks[number] ??= new LevelChunk(number);
    const chunk = this.#chunks[number] as LevelChunk;
    const at = row & (ROWS - 1);
    chunk.nodes[at] = node;
    if (Number.isNaN(levelQuanta) || Number.isNaN(bucketUs)) {
      chunk.distances[at] = NO_LEVEL;
      return;
    }
    if (Number.isNaN(this.#offsetsUs[node])) this.#offsetsUs[node] = Math.round(bucketUs - invokedUs);
    chunk.low[at] = levelQuanta;
    const high = Math.floor(levelQuanta / TWO_32);
    if (high !== 0) this.#addHigh(chunk, { number, at, high });
    const distance = bucketUs - invokedUs - (this.#offsetsUs[node] as number);
    const isNear = (distance | 0) === distance && distance > NO_LEVEL;
    chunk.distances[at] = isNear ? distance : FAR;
    if (!isNear) this.#farUs.set(row, bucketUs);
  }

  /** Undefined if no decision names its node. */
  build(targets: Targets, invokedUs: Float64Array): Levels | undefined {
    const chunks = this.#chunks;
    const { rows } = targets;
    if (chunks.length === 0) return undefined;
    const columns = {
      low: gather(targets, new Uint32Array(rows), (at) => chunks[at]?.low),
      high: this.#hasHigh ? gather(targets, new Int32Array(rows), (at) => chunks[at]?.high) : undefined,
      distances: gather(targets, new Int32Array(rows), (at) => chunks[at]?.distances),
      nodes: gather(targets, narrowColumn(rows, this.#names.length), (at) => chunks[at]?.nodes),
      names: this.#names,
      offsetsUs: this.#offsetsUs,
      farUs: new Map([...this.#farUs].map(([row, us]) => [targets.targetOf(row), us])),
    };
    return new Levels(columns, invokedUs);
  }

  #addNode(text: number, nameOf: (text: number) => string): number {
    const node = this.#names.length <= MOST_NODES ? this.#names.push(nameOf(text)) - 1 : NO_NODE;
    this.#nodes.set(text, node);
    this.#offsetsUs.push(Number.NaN);
    return node;
  }

  #addHigh(chunk: LevelChunk, { number, at, high }: { number: number; at: number; high: number }): void {
    chunk.high ??= new Int32Array(memoryOf(number)(4));
    chunk.high[at] = high;
    this.#hasHigh = true;
  }
}
