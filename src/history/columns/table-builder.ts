import type { Policy } from '../../core/policy.ts';
import { RecordError } from '../records/fields.ts';
import { mergeAttempts } from './attempts.ts';
import {
  AttemptChunk,
  CHUNK_BITS,
  Chunk,
  gather,
  giveBack,
  LateChunk,
  narrowColumn,
  ROWS,
  type Targets,
} from './chunks.ts';
import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';
import { LevelsBuilder } from './levels.ts';
import { StatedBuilder } from './stated.ts';
import { DURATION, KIND, makeTable, type OperationTable, type Origin, type TableColumns } from './table.ts';

/** The texts and policies that the rows of a table refer to by number. */
export interface TableContext {
  readonly texts: Interner;
  readonly policies: readonly { readonly name: string; readonly policy: Policy }[];
}

const IN_CHUNK = ROWS - 1;

/** The evidence has a row for each region; more than this means a wrong field for the region. */
const MOST_REGIONS = 4_096;

/** A column has 16 bits for the origin; a thousand parts may have several instances each. */
const MOST_ORIGINS = 2 ** 16;

/** Takes operations in the order of recording and groups them by bucket at the end. */
export class TableBuilder {
  readonly #context: TableContext;
  readonly #chunks: Chunk[] = [];
  readonly #levels = new LevelsBuilder();
  readonly #stated = new StatedBuilder();
  readonly #attempts: AttemptChunk[] = [];
  readonly #lates: LateChunk[] = [];
  readonly #longUs = new Map<number, number>();
  readonly #buckets = new Numbering<{ name: number; policy: number }>();
  readonly #instances = new Numbering<undefined>();
  readonly #regions = new Set<number>();
  /** A region with or without an instance. */
  readonly #places = new Numbering<undefined>();
  readonly #origins = new Numbering<Origin>();
  /** Rows of what reservations give back when they expire. */
  readonly #expiries: number[] = [];
  #chunk = new Chunk(0);
  #rows = 0;
  /** The largest cost, or refund, of any row. */
  #mostCost = 0;

  constructor(context: TableContext) {
    this.#context = context;
    this.#chunks.push(this.#chunk);
  }

  get rows(): number {
    return this.#rows;
  }

  /**
   * Adds the operation of the draft, and a separate row for a possible charge beyond its cost. Throws RecordError for
   * too many regions.
   */
  add(draft: Draft, file: { readonly number: number; readonly name: string }, flags = 0): void {
    const { outcome, costTokens, latestUs } = draft;
    const origin = this.#numberOrigin(draft, file);
    const lastUs = outcome === KIND.info ? latestUs : draft.completedUs;
    const kind = outcome | flags | (draft.isFallback ? KIND.fallback : 0);
    const row = this.#addRow(draft, { kind, costTokens, lastUs, origin });
    if (draft.isExpiry) this.#expiries.push(row);
    if (draft.isShared || draft.isLent)
      this.#levels.add(row, draft, (text) => this.#context.texts.textOf(text));
    this.#stated.add(row, draft.stated);
    const surplus = surplusOf(draft);
    if (!(surplus > 0)) return;
    const rest = KIND.info | KIND.part | KIND.surplus | (flags & KIND.multiBucket);
    this.#addRow(draft, { kind: rest, costTokens: surplus, lastUs: latestUs, origin });
  }

  /** Groups the rows. The builder is empty afterwards. */
  build(): OperationTable {
    const rows = this.#rows;
    const starts = this.#countRows();
    const isGrouped = this.#buckets.size > 1;
    if (isGrouped) this.#replaceByTargets(starts.slice());
    const targetOf = (row: number) =>
      isGrouped ? (this.#chunks[row >>> CHUNK_BITS]?.bucket[row & IN_CHUNK] ?? row) : row;
    const targets = { rows, chunks: isGrouped ? this.#chunks : undefined, targetOf };
    const longUs = new Map([...this.#longUs].map(([row, us]) => [targetOf(row), us]));
    const decisions =
      this.#attempts.length === 0
        ? undefined
        : gather(targets, new Uint32Array(rows), (at) => this.#attempts[at]?.decisions);
    const table = makeTable(this.#gatherAll(starts, targets), {
      buckets: this.#buckets.values,
      origins: this.#origins.values,
      longUs,
      expiries: new Set(this.#expiries.map(targetOf)),
      ...this.#context,
    });
    for (const { bucket } of this.#chunks) giveBack(bucket.buffer as ArrayBuffer);
    if (decisions !== undefined) mergeAttempts(table, decisions, longUs);
    return table;
  }

  #gatherAll(starts: Uint32Array, targets: Targets): TableColumns {
    const { rows } = targets;
    const chunks = this.#chunks;
    const isCheap = this.#mostCost < 2 ** 7;
    const invokedUs = gather(targets, new Float64Array(rows), (at) => chunks[at]?.invokedUs);
    return {
      starts,
      invokedUs,
      durationUs: gather(targets, new Uint32Array(rows), (at) => chunks[at]?.durationUs),
      costTokens: gather(
        targets,
        isCheap ? new Int8Array(rows) : new Int32Array(rows),
        (at) => chunks[at]?.costTokens,
      ),
      indices: gather(targets, new Uint32Array(rows), (at) => chunks[at]?.indices),
      origins: gather(targets, narrowColumn(rows, this.#origins.size), (at) => chunks[at]?.origins),
      kinds: gather(targets, new Uint8Array(rows), (at) => chunks[at]?.kinds),
      latesUs:
        this.#lates.length === 0
          ? undefined
          : gather(targets, new Uint32Array(rows), (at) => this.#lates[at]?.lateUs),
      levels: this.#levels.build(targets, invokedUs),
      stated: this.#stated.build(targets),
    };
  }

  #addRow(
    draft: Draft,
    {
      kind,
      costTokens,
      lastUs,
      origin,
    }: { kind: number; costTokens: number; lastUs: number; origin: number },
  ): number {
    const row = this.#rows++;
    const at = row & IN_CHUNK;
    if (at === 0 && row > 0) {
      this.#chunk = new Chunk(this.#chunks.length);
      this.#chunks.push(this.#chunk);
    }
    const chunk = this.#chunk;
    chunk.bucket[at] = this.#bucketOf(draft);
    chunk.invokedUs[at] = draft.invokedUs;
    chunk.durationUs[at] = this.#duration(row, lastUs - draft.invokedUs);
    chunk.costTokens[at] = costTokens;
    this.#mostCost = Math.max(this.#mostCost, Math.abs(costTokens));
    chunk.kinds[at] = kind;
    chunk.origins[at] = origin;
    chunk.indices[at] = draft.index;
    const number = row >>> CHUNK_BITS;
    if (!Number.isNaN(draft.intendedUs)) {
      this.#lates[number] ??= new LateChunk(number);
      (this.#lates[number] as LateChunk).lateUs[at] = lateUs(draft) + 1;
    }
    if (draft.decisionId >= 0) {
      this.#attempts[number] ??= new AttemptChunk(number);
      (this.#attempts[number] as AttemptChunk).decisions[at] = draft.decisionId + 1;
    }
    return row;
  }

  #duration(row: number, us: number): number {
    if (Number.isNaN(us)) return DURATION.open;
    if (us < DURATION.long) return us;
    this.#longUs.set(row, us);
    return DURATION.long;
  }

  #bucketOf({ bucket: name, policy }: Draft): number {
    return this.#buckets.find(name, policy) ?? this.#buckets.add(name, policy, { name, policy });
  }

  #numberOrigin(
    { region, instance }: Pick<Draft, 'region' | 'instance'>,
    file: { readonly number: number; readonly name: string },
  ): number {
    const place = numberIn(
      this.#places,
      region + 1,
      instance < 0 ? 0 : numberIn(this.#instances, instance, 0) + 1,
    );
    const known = this.#origins.find(place, file.number);
    if (known !== undefined) return known;
    this.#regions.add(region);
    if (this.#regions.size > MOST_REGIONS)
      throw new RecordError(`more than ${MOST_REGIONS} regions; is region the right field?`);
    if (this.#origins.size === MOST_ORIGINS)
      throw new RecordError(
        `more than ${MOST_ORIGINS} regions and instances, counted per file; are they the right fields?`,
      );
    const nameOf = (text: number) => (text < 0 ? '' : this.#context.texts.textOf(text));
    const origin = { file: file.name, region: nameOf(region), instance: nameOf(instance) };
    return this.#origins.add(place, file.number, origin);
  }

  #countRows(): Uint32Array {
    const starts = new Uint32Array(this.#buckets.size + 1);
    for (const [number, { bucket }] of this.#chunks.entries()) {
      const length = Math.min(IN_CHUNK + 1, this.#rows - (number << CHUNK_BITS));
      for (let at = 0; at < length; at++) {
        const next = (bucket[at] as number) + 1;
        starts[next] = (starts[next] as number) + 1;
      }
    }
    for (let at = 1; at < starts.length; at++)
      starts[at] = (starts[at] as number) + (starts[at - 1] as number);
    return starts;
  }

  /** Overwrites the bucket of each row by its place after grouping, which saves a column. */
  #replaceByTargets(next: Uint32Array): void {
    for (const [number, { bucket }] of this.#chunks.entries()) {
      const length = Math.min(IN_CHUNK + 1, this.#rows - (number << CHUNK_BITS));
      for (let at = 0; at < length; at++) {
        const of = bucket[at] as number;
        const target = next[of] as number;
        next[of] = target + 1;
        bucket[at] = target;
      }
    }
  }
}

/**
 * The tokens that may be charged in addition to the outcome; NaN if none are known. A failure policy decides instead of
 * the shared bucket, but that bucket may still get the request, at any later time. So unless the decision excludes it,
 * the cost may be charged in addition, at any later moment.
 */
function surplusOf({ outcome, costTokens, maxChargeTokens, isFallback, isUncharged }: Draft): number {
  if (outcome === KIND.failed) return 0;
  const cost = outcome === KIND.denied ? 0 : Math.max(0, costTokens);
  if (!Number.isNaN(maxChargeTokens)) return maxChargeTokens - cost;
  return isFallback && !isUncharged && outcome !== KIND.info ? costTokens : 0;
}

/** The most that 32 bits hold: more than an hour. */
function lateUs({ invokedUs, intendedUs }: Draft): number {
  return Math.min(invokedUs - intendedUs, 2 ** 32 - 2);
}

function numberIn(known: Numbering<undefined>, first: number, second: number): number {
  return known.find(first, second) ?? known.add(first, second, undefined);
}

/** Numbers pairs of whole numbers, below 2^32 and 2^21, in the order of adding. */
class Numbering<T> {
  readonly values: T[] = [];
  readonly #byFirst: number[] = [];
  readonly #others = new Map<number, number>();

  get size(): number {
    return this.values.length;
  }

  find(first: number, second: number): number | undefined {
    if (second === 0) {
      const known = this.#byFirst[first];
      return known === undefined || known < 0 ? undefined : known;
    }
    return this.#others.get(first * 2 ** 21 + second);
  }

  add(first: number, second: number, value: T): number {
    const number = this.values.push(value) - 1;
    if (second !== 0) this.#others.set(first * 2 ** 21 + second, number);
    else {
      while (this.#byFirst.length <= first) this.#byFirst.push(-1);
      this.#byFirst[first] = number;
    }
    return number;
  }
}
