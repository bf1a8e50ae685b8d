import type { Policy } from '../core/policy.ts';
import { mergeAttempts } from './attempts.ts';
import { Column } from './column.ts';
import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';
import { DURATION, KIND, makeTable, type OperationTable, type Origin } from './table.ts';

/** Everything the rows of a table refer to by number. */
export interface TableContext {
  readonly texts: Interner;
  readonly policies: readonly { readonly name: string; readonly policy: Policy }[];
}

/** Takes operations in the order in which they were recorded and groups them by bucket at the end. */
export class TableBuilder {
  readonly #context: TableContext;
  readonly #columns = {
    bucket: new Column(Uint32Array),
    invokedUs: new Column(Float64Array),
    durationUs: new Column(Uint32Array),
    costTokens: new Column(Int32Array),
    kinds: new Column(Uint8Array),
    origins: new Column(Uint16Array),
    indices: new Column(Uint32Array),
  };
  #decisions: ReturnType<typeof decisionColumns> | undefined;
  #decisionIds: Column<Int32Array> | undefined;
  readonly #longUs = new Map<number, number>();
  readonly #buckets = new Numbering<{ name: number; policy: number }>();
  readonly #origins = new Numbering<Origin>();
  readonly #nodes = new Numbering<string>();
  #rows = 0;

  constructor(context: TableContext) {
    this.#context = context;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds what the draft says, and a row of its own for what it may have been charged beyond its cost. */
  add(draft: Draft, file: { readonly number: number; readonly name: string }, flags = 0): void {
    const { outcome, costTokens, latestUs } = draft;
    const lastUs = outcome === KIND.info ? latestUs : draft.completedUs;
    this.#addRow(draft, file, { kind: outcome | flags, costTokens, lastUs });
    if (Number.isNaN(draft.maxChargeTokens) || outcome === KIND.failed) return;
    const surplus = draft.maxChargeTokens - (outcome === KIND.denied ? 0 : Math.max(0, costTokens));
    if (surplus <= 0) return;
    this.#addRow(draft, file, {
      kind: KIND.info | KIND.part | (flags & KIND.several),
      costTokens: surplus,
      lastUs: latestUs,
    });
  }

  build(): OperationTable {
    const rows = this.#rows;
    const { bucket } = this.#columns;
    const starts = countRows(bucket, rows, this.#buckets.size);
    const grouped = this.#buckets.size > 1;
    const longUs = new Map<number, number>();
    if (grouped) replaceByTargets(bucket, rows, starts.slice());
    for (const [row, us] of this.#longUs) longUs.set(grouped ? bucket.read(row) : row, us);
    const to = grouped ? bucket : undefined;
    const columns = {
      starts,
      invokedUs: this.#columns.invokedUs.gather(rows, to),
      durationUs: this.#columns.durationUs.gather(rows, to),
      costTokens: this.#columns.costTokens.gather(rows, to),
      kinds: this.#columns.kinds.gather(rows, to),
      origins: this.#columns.origins.gather(rows, to),
      indices: this.#columns.indices.gather(rows, to),
      levels: this.#decisions?.levels.gather(rows, to),
      bucketUs: this.#decisions?.bucketUs.gather(rows, to),
      nodes: this.#decisions?.nodes.gather(rows, to),
    };
    const table = makeTable(columns, {
      buckets: this.#buckets.values,
      origins: this.#origins.values,
      nodes: this.#nodes.values,
      longUs,
      ...this.#context,
    });
    if (this.#decisionIds !== undefined) mergeAttempts(table, this.#decisionIds.gather(rows, to), longUs);
    return table;
  }

  #addRow(
    draft: Draft,
    file: { readonly number: number; readonly name: string },
    { kind, costTokens, lastUs }: { kind: number; costTokens: number; lastUs: number },
  ): void {
    const row = this.#rows++;
    const columns = this.#columns;
    const policy = Math.max(0, draft.policy);
    columns.bucket.write(
      row,
      this.#buckets.of(draft.bucket, policy, () => ({ name: draft.bucket, policy })),
    );
    columns.origins.write(
      row,
      this.#origins.of(draft.region + 1, file.number, () => this.#origin(draft.region, file.name)),
    );
    columns.invokedUs.write(row, draft.invokedUs);
    columns.durationUs.write(row, this.#duration(row, lastUs - draft.invokedUs));
    columns.costTokens.write(row, costTokens);
    columns.kinds.write(row, kind);
    columns.indices.write(row, draft.index);
    if (draft.isShared && (kind & KIND.part) === 0) this.#addDecision(row, draft);
    if (draft.decisionId >= 0) {
      this.#decisionIds ??= new Column(Int32Array, -1);
      this.#decisionIds.write(row, draft.decisionId);
    }
  }

  #addDecision(row: number, { levelQuanta, bucketUs, node }: Draft): void {
    if (Number.isNaN(levelQuanta) || Number.isNaN(bucketUs) || node < 0) return;
    this.#decisions ??= decisionColumns();
    this.#decisions.levels.write(row, levelQuanta);
    this.#decisions.bucketUs.write(row, bucketUs);
    this.#decisions.nodes.write(
      row,
      this.#nodes.of(node, 0, () => this.#context.texts.textOf(node)),
    );
  }

  #duration(row: number, us: number): number {
    if (Number.isNaN(us)) return DURATION.open;
    if (us < DURATION.long) return us;
    this.#longUs.set(row, us);
    return DURATION.long;
  }

  #origin(region: number, file: string): Origin {
    return { file, region: region < 0 ? '' : this.#context.texts.textOf(region) };
  }
}

/** Numbers pairs of small numbers in the order in which they are first seen. */
class Numbering<T> {
  readonly values: T[] = [];
  readonly #byFirst: number[] = [];
  readonly #others = new Map<number, number>();

  get size(): number {
    return this.values.length;
  }

  of(first: number, second: number, make: () => T): number {
    const known = second === 0 ? this.#byFirst[first] : this.#others.get(first * 65_536 + second);
    if (known !== undefined) return known;
    const number = this.values.push(make()) - 1;
    if (second !== 0) this.#others.set(first * 65_536 + second, number);
    else {
      while (this.#byFirst.length < first) this.#byFirst.push(undefined as never);
      this.#byFirst[first] = number;
    }
    return number;
  }
}

function decisionColumns() {
  return {
    levels: new Column(Float64Array, Number.NaN),
    bucketUs: new Column(Float64Array, Number.NaN),
    nodes: new Column(Uint16Array),
  };
}

/** Puts where each row goes in place of the bucket it belongs to: one column less to hold. */
function replaceByTargets(bucket: Column<Uint32Array>, rows: number, next: Uint32Array): void {
  bucket.rewrite(rows, (of) => {
    const target = next[of] as number;
    next[of] = target + 1;
    return target;
  });
}

function countRows(bucket: Column<Uint32Array>, rows: number, buckets: number): Uint32Array {
  const starts = new Uint32Array(buckets + 1);
  bucket.rewrite(rows, (of) => {
    starts[of + 1] = (starts[of + 1] as number) + 1;
    return of;
  });
  for (let of = 0; of < buckets; of++) starts[of + 1] = (starts[of + 1] as number) + (starts[of] as number);
  return starts;
}
