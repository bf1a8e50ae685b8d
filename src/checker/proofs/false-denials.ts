import { Column } from '../rows/column.ts';

/** A denial that no placement of the operations explains: see `false-denial.ts`. */
export interface FalseDenial {
  readonly row: number;
  /** The lowest level during its interval, clock lag subtracted. Quanta. */
  readonly lowestQuanta: number;
  /** The moment of its interval at which the level was lowest. */
  readonly lowestAtUs: number;
}

/** False denials of one bucket, held as columns. */
export class FalseDenials implements Iterable<FalseDenial> {
  /** Allocated for the first denial: nearly no bucket has one. */
  #columns: { readonly rows: Column; readonly lowestQuanta: Column; readonly lowestAtUs: Column } | undefined;

  add(row: number, lowestQuanta: number, lowestAtUs: number): void {
    this.#columns ??= { rows: new Column(), lowestQuanta: new Column(), lowestAtUs: new Column() };
    this.#columns.rows.add(row);
    this.#columns.lowestQuanta.add(lowestQuanta);
    this.#columns.lowestAtUs.add(lowestAtUs);
  }

  get length(): number {
    return this.#columns?.rows.length ?? 0;
  }

  get first(): FalseDenial | undefined {
    for (const denial of this) return denial;
    return undefined;
  }

  /** The denials whose rows satisfy the condition. */
  where(holds: (row: number) => boolean): FalseDenials {
    const some = new FalseDenials();
    for (const { row, lowestQuanta, lowestAtUs } of this)
      if (holds(row)) some.add(row, lowestQuanta, lowestAtUs);
    return some;
  }

  *rows(): Generator<number> {
    for (let at = 0; at < this.length; at++) yield this.#columns?.rows.at(at) as number;
  }

  *[Symbol.iterator](): Iterator<FalseDenial> {
    if (this.#columns === undefined) return;
    const { rows, lowestQuanta, lowestAtUs } = this.#columns;
    for (let at = 0; at < rows.length; at++)
      yield { row: rows.at(at), lowestQuanta: lowestQuanta.at(at), lowestAtUs: lowestAtUs.at(at) };
  }
}
