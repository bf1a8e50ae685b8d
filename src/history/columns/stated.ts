import type { Stated } from '../records/operation.ts';
import { CHUNK_BITS, gather, memoryOf, ROWS, type Targets } from './chunks.ts';

/** The values that a limiter can state, in the order of their columns and bits. */
export const STATED_FIELDS = ['remaining', 'retryAfterS', 'retryAtS', 'reset', 'limit', 'windowS'] as const;

/** The place of a value among STATED_FIELDS. */
export const STATED = { remaining: 0, retryAfterS: 1, retryAtS: 2, reset: 3, limit: 4, windowS: 5 } as const;

/** The bit of a reset that came in the form `delta`. */
const DELTA = 1 << 6;

/** What the limiter of a draft stated: `bits` has one for each value that is there. */
export class DraftStated {
  readonly values = new Float64Array(STATED_FIELDS.length);
  bits = 0;

  set(field: number, value: number): void {
    this.values[field] = value;
    this.bits |= 1 << field;
  }

  setForm(form: Stated['resetForm']): void {
    this.bits = form === 'delta' ? this.bits | DELTA : this.bits & ~DELTA;
  }

  clear(): void {
    if (this.bits === 0) return;
    this.values.fill(0);
    this.bits = 0;
  }
}

/**
 * What limiters stated, by rows: a byte for each row, and for each value that occurs at least once a column as narrow as
 * its values. Remaining tokens, a limit, its window and a wait, all below 256, take 5 bytes.
 */
export class StatedColumns {
  readonly #bits: Uint8Array;
  readonly #values: readonly (Values | undefined)[];

  constructor(bits: Uint8Array, values: readonly (Values | undefined)[]) {
    this.#bits = bits;
    this.#values = values;
  }

  /** Whether anything was stated in a row. */
  has(row: number): boolean {
    return this.#bits[row] !== 0;
  }

  of(row: number): Stated | undefined {
    const bits = this.#bits[row] as number;
    if (bits === 0) return undefined;
    const stated: { -readonly [name in keyof Stated]: Stated[name] } = {};
    // A million times a check: no iterator.
    for (let field = 0; field < STATED_FIELDS.length; field++)
      if ((bits & (1 << field)) !== 0)
        stated[STATED_FIELDS[field] as (typeof STATED_FIELDS)[number]] = this.#values[field]?.[row] as number;
    if (stated.reset !== undefined) stated.resetForm = (bits & DELTA) === 0 ? 'any' : 'delta';
    return stated;
  }

  /** Removes what was stated in a row. */
  drop(row: number): void {
    this.#bits[row] = 0;
  }
}

/** Takes what limiters stated row by row, and groups it when all rows are known. */
export class StatedBuilder {
  readonly #bits: Uint8Array[] = [];
  readonly #values = STATED_FIELDS.map(() => new GrowingColumn());

  /** Adds what the draft has, if it has a value. */
  add(row: number, { bits, values }: DraftStated): void {
    if ((bits & ~DELTA) === 0) return;
    const number = row >>> CHUNK_BITS;
    this.#bits[number] ??= new Uint8Array(memoryOf(number)(1));
    (this.#bits[number] as Uint8Array)[row & (ROWS - 1)] = bits;
    for (let field = 0; field < values.length; field++)
      if ((bits & (1 << field)) !== 0) this.#values[field]?.set(row, values[field] as number);
  }

  /** Undefined if nothing was stated. */
  build(targets: Targets): StatedColumns | undefined {
    if (this.#bits.length === 0) return undefined;
    const bits = gather(targets, new Uint8Array(targets.rows), (at) => this.#bits[at]);
    return new StatedColumns(
      bits,
      this.#values.map((column) => column.build(targets)),
    );
  }
}

type Values = Uint8Array | Int32Array | Float64Array;

/** From the narrowest: each holds all numbers of those before it. */
const WIDTHS = [
  { bytes: 1, over: bytesOver, holds: (value: number) => (value & 0xff) === value },
  { bytes: 4, over: wholesOver, holds: (value: number) => (value | 0) === value },
  { bytes: 8, over: numbersOver, holds: () => true },
] as const;

function bytesOver(memory: ArrayBuffer): Values {
  return new Uint8Array(memory);
}

function wholesOver(memory: ArrayBuffer): Values {
  return new Int32Array(memory);
}

function numbersOver(memory: ArrayBuffer): Values {
  return new Float64Array(memory);
}

/** A column whose chunks become wider with the numbers that come. */
class GrowingColumn {
  readonly #chunks: (Values | undefined)[] = [];
  #width: (typeof WIDTHS)[number] = WIDTHS[0];

  set(row: number, value: number): void {
    if (!this.#width.holds(value)) this.#width = WIDTHS.find(({ holds }) => holds(value)) ?? WIDTHS[2];
    const number = row >>> CHUNK_BITS;
    const known = this.#chunks[number];
    const isWide = known !== undefined && known.BYTES_PER_ELEMENT >= this.#width.bytes;
    const chunk = isWide ? known : this.#widen(number, known);
    chunk[row & (ROWS - 1)] = value;
  }

  build(targets: Targets): Values | undefined {
    if (this.#chunks.length === 0) return undefined;
    const { bytes, over } = this.#width;
    return gather(targets, over(new ArrayBuffer(bytes * targets.rows)), (at) => this.#chunks[at]);
  }

  #widen(number: number, known: Values | undefined): Values {
    const { bytes, over } = this.#width;
    const chunk = over(memoryOf(number)(bytes));
    if (known !== undefined) chunk.set(known);
    this.#chunks[number] = chunk;
    return chunk;
  }
}
