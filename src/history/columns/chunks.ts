/** Rows of one chunk: columns grow by whole chunks, without copying. */
export const CHUNK_BITS = 15;
export const ROWS = 1 << CHUNK_BITS;

/**
 * Makes a column of one chunk. Its memory can be freed at once, by `resize(0)`. Garbage collection would free it seconds
 * later and hold grouped columns twice: 540 MiB instead of 360 for ten million operations. The first chunk is not
 * resizable, since most histories have no other and resizable memory costs system calls.
 */
type Memory = (bytesEach: number) => ArrayBuffer;
const returnable: Memory = (bytesEach) =>
  new ArrayBuffer(ROWS * bytesEach, { maxByteLength: ROWS * bytesEach });
const plain: Memory = (bytesEach) => new ArrayBuffer(ROWS * bytesEach);
export const memoryOf = (chunk: number): Memory => (chunk === 0 ? plain : returnable);

/** The columns of some thousand rows, in the order of recording. */
export class Chunk {
  /** Once all rows are known: the place of the row after grouping. */
  readonly bucket: Uint32Array;
  readonly invokedUs: Float64Array;
  readonly durationUs: Uint32Array;
  readonly costTokens: Int32Array;
  readonly kinds: Uint8Array;
  readonly origins: Uint16Array;
  readonly indices: Uint32Array;

  constructor(number: number) {
    const memory = memoryOf(number);
    this.bucket = new Uint32Array(memory(4));
    this.invokedUs = new Float64Array(memory(8));
    this.durationUs = new Uint32Array(memory(4));
    this.costTokens = new Int32Array(memory(4));
    this.kinds = new Uint8Array(memory(1));
    this.origins = new Uint16Array(memory(2));
    this.indices = new Uint32Array(memory(4));
  }
}

/** The column for attempts of a named decision: the number of the name plus 1; 0 for others. */
export class AttemptChunk {
  readonly decisions: Uint32Array;

  constructor(number: number) {
    this.decisions = new Uint32Array(memoryOf(number)(4));
  }
}

/** The column of an open load: the microseconds by which a request was sent late, plus 1; 0 for others. */
export class LateChunk {
  readonly lateUs: Uint32Array;

  constructor(number: number) {
    this.lateUs = new Uint32Array(memoryOf(number)(4));
  }
}

/** The places of rows; without `chunks` they stay in order. */
export interface Targets {
  readonly rows: number;
  readonly chunks: readonly Chunk[] | undefined;
  targetOf(row: number): number;
}

type Numbers = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array | Int8Array;

/** An array for whole numbers from 0 to `most` (at most 65,535), with as few bytes as possible. */
export function narrowColumn(rows: number, most: number): Uint8Array | Uint16Array {
  return most < 2 ** 8 ? new Uint8Array(rows) : new Uint16Array(rows);
}

/**
 * Joins a column of all chunks into one array, each row at its target, and frees the parts. `whole` may have narrower
 * numbers than the parts if they fit. `partOf` finds the part of a chunk; a missing part counts as zeros.
 */
export function gather<T extends Numbers>(
  { rows, chunks }: Targets,
  whole: T,
  partOf: (chunk: number) => Numbers | undefined,
): T {
  for (let first = 0; first < rows; first += ROWS) {
    const part = partOf(first >>> CHUNK_BITS);
    const to = chunks?.[first >>> CHUNK_BITS]?.bucket;
    if (part === undefined) continue;
    const filled = part.subarray(0, rows - first);
    if (to === undefined) whole.set(filled, first);
    else scatter(whole, filled, to);
    giveBack(part.buffer as ArrayBuffer);
  }
  return whole;
}

export function giveBack(buffer: ArrayBuffer): void {
  if (buffer.resizable) buffer.resize(0);
}

/** One loop for each width: a shared one would be several times slower. */
function scatter(whole: Numbers, part: Numbers, to: Uint32Array): void {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT } = part;
  if (BYTES_PER_ELEMENT !== whole.BYTES_PER_ELEMENT) scatterNarrower(whole, part, to);
  else if (BYTES_PER_ELEMENT === 8) scatter64(whole as Float64Array, part as Float64Array, to);
  else if (BYTES_PER_ELEMENT === 4)
    scatter32(new Uint32Array(whole.buffer), new Uint32Array(buffer, byteOffset, length), to);
  else if (BYTES_PER_ELEMENT === 2) scatter16(whole as Uint16Array, part as Uint16Array, to);
  else scatter8(whole as Uint8Array, part as Uint8Array, to);
}

function scatterNarrower(whole: Numbers, part: Numbers, to: Uint32Array): void {
  for (let at = 0; at < part.length; at++) whole[to[at] as number] = part[at] as number;
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
