/** Rows of one chunk: growing by whole chunks copies nothing and frees nothing. */
export const CHUNK_BITS = 13;
const ROWS = 1 << CHUNK_BITS;

/** The columns of some thousand rows, in the order in which they were recorded. */
export class Chunk {
  /** Once all rows are known: where the row goes when they are grouped. */
  bucket: Uint32Array;
  invokedUs: Float64Array;
  durationUs: Uint32Array;
  costTokens: Int32Array;
  kinds: Uint8Array;
  origins: Uint16Array;
  indices: Uint32Array;

  constructor(rows = ROWS) {
    this.bucket = new Uint32Array(rows);
    this.invokedUs = new Float64Array(rows);
    this.durationUs = new Uint32Array(rows);
    this.costTokens = new Int32Array(rows);
    this.kinds = new Uint8Array(rows);
    this.origins = new Uint16Array(rows);
    this.indices = new Uint32Array(rows);
  }
}

/** The columns that only decisions with a level have. */
export class DecisionChunk {
  levels: Float64Array;
  bucketUs: Float64Array;
  nodes: Uint16Array;

  constructor(rows = ROWS) {
    this.levels = new Float64Array(rows).fill(Number.NaN);
    this.bucketUs = new Float64Array(rows);
    this.nodes = new Uint16Array(rows);
  }
}

/** The column that only attempts of a named decision have; 0 for others, else the number of the name plus 1. */
export class AttemptChunk {
  decisions: Uint32Array;

  constructor(rows = ROWS) {
    this.decisions = new Uint32Array(rows);
  }
}

/** Takes one column out of chunk after chunk, so that its memory is free again while the next one is gathered. */
export function takeFrom<C extends object, K extends keyof C>(
  chunks: readonly C[],
  column: K,
  empty: C,
): (chunk: number) => C[K] | undefined {
  return (number) => {
    const chunk = chunks[number];
    if (chunk === undefined) return undefined;
    const part = chunk[column];
    chunk[column] = empty[column];
    return part;
  };
}

/** Where rows go: `chunks` absent means that they stay in order. */
export interface Targets {
  readonly rows: number;
  readonly chunks: readonly Chunk[] | undefined;
}

type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/**
 * Makes one array of a column of all chunks, each row at its target. `take` hands out a chunk's part; what a
 * chunk that was never made would hold is zero, or `absent`.
 */
export function gather<T extends Numbers>(
  { rows, chunks }: Targets,
  whole: T,
  take: (chunk: number) => T | undefined,
  absent?: number,
): T {
  if (absent !== undefined) whole.fill(absent);
  for (let first = 0; first < rows; first += ROWS) {
    const part = take(first >>> CHUNK_BITS)?.subarray(0, rows - first);
    const to = chunks?.[first >>> CHUNK_BITS]?.bucket;
    if (part === undefined) continue;
    if (to === undefined) whole.set(part, first);
    else scatter(whole, part as T, to);
  }
  return whole;
}

/** One loop for each width: shared by all of them it would be several times slower. */
function scatter(whole: Numbers, part: Numbers, to: Uint32Array): void {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT } = part;
  if (BYTES_PER_ELEMENT === 8) scatter64(whole as Float64Array, part as Float64Array, to);
  else if (BYTES_PER_ELEMENT === 4)
    scatter32(new Uint32Array(whole.buffer), new Uint32Array(buffer, byteOffset, length), to);
  else if (BYTES_PER_ELEMENT === 2) scatter16(whole as Uint16Array, part as Uint16Array, to);
  else scatter8(whole as Uint8Array, part as Uint8Array, to);
}

function scatter64(whole: Float64Array, part: Float64Array, to: Uint32Array): void {
  for (let at = 0; at < part.length; at++) whole[to[at] as number] = part[at] as number;
}

function scatter32(whole: Uint32Array, part: Uint32Array, to: Uint32Array): void {
  for (let at = 0; at < part.length; at++) whole[to[at] as number] = part[at] as number;
}

function scatter16(whole: Uint16Array, part: Uint16Array, to: Uint32Array): void {
  for (let at = 0; at < part.length; at++) whole[to[at] as number] = part[at] as number;
}

function scatter8(whole: Uint8Array, part: Uint8Array, to: Uint32Array): void {
  for (let at = 0; at < part.length; at++) whole[to[at] as number] = part[at] as number;
}
