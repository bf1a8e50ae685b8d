import { sortRows } from '../rows/sort-rows.ts';
import type { Demands } from './demands.ts';

/** The same demands, of which some rows begin later. */
export class Later implements Demands {
  readonly #demands: Demands;
  readonly #momentsUs: ReadonlyMap<number, number>;
  readonly order: Uint32Array;

  /** `momentsUs`: the first moments of those rows. */
  constructor(demands: Demands, momentsUs: ReadonlyMap<number, number>) {
    this.#demands = demands;
    this.#momentsUs = momentsUs;
    this.order = demands.order.slice();
    sortRows(this.order, this.order.length, (row) => this.fromUs(row));
  }

  get gains(): Demands['gains'] {
    return this.#demands.gains;
  }

  roleOf(row: number): number {
    return this.#demands.roleOf(row);
  }

  fromUs(row: number): number {
    return this.#momentsUs.get(row) ?? this.#demands.fromUs(row);
  }

  untilUs(row: number): number {
    return this.#demands.untilUs(row);
  }

  quantaOf(row: number): number {
    return this.#demands.quantaOf(row);
  }

  foundQuanta(row: number): number {
    return this.#demands.foundQuanta(row);
  }
}
