import type { OperationTable } from '../../history/columns/table.ts';
import { Column } from '../rows/column.ts';

/** An operation that EDF could not serve in full. */
export interface Drop {
  readonly row: number;
  readonly quanta: number;
  /** The start of the machine's busy period. Windows that start before it are not exceeded. */
  readonly busyFromUs: number;
}

/** Drops, held as columns. */
export class Drops implements Iterable<Drop> {
  readonly #rows = new Column();
  readonly #quanta = new Column();
  readonly #busyFromUs = new Column();
  length = 0;
  totalQuanta = 0;

  static of(drops: Iterable<Drop>): Drops {
    const all = new Drops();
    for (const drop of drops) all.add(drop.row, drop.quanta, drop.busyFromUs);
    return all;
  }

  /** Both, in the order of their deadlines, as each of them is. */
  static merge(table: OperationTable, some: Drops, others: Drops): Drops {
    return Drops.of([...some, ...others].sort((a, b) => table.lastUs(a.row) - table.lastUs(b.row)));
  }

  add(row: number, quanta: number, busyFromUs: number): void {
    this.#rows.add(row);
    this.#quanta.add(quanta);
    this.#busyFromUs.add(busyFromUs);
    this.length++;
    this.totalQuanta += quanta;
  }

  get first(): Drop | undefined {
    return this.length === 0 ? undefined : this.#at(0);
  }

  *[Symbol.iterator](): Iterator<Drop> {
    for (let at = 0; at < this.length; at++) yield this.#at(at);
  }

  #at(place: number): Drop {
    return {
      row: this.#rows.at(place),
      quanta: this.#quanta.at(place),
      busyFromUs: this.#busyFromUs.at(place),
    };
  }
}
