import type { Demands } from './demands.ts';
import type { FoundLevel } from './found-level.ts';
import type { Level, Miss } from './ideal.ts';

export interface Pending {
  readonly row: number;
}

/** Operations without a level that are tried together. */
const MOST_TOGETHER = 8;

/** The operations of a bucket whose moment, or charge, only the levels of others show. */
export class UnknownCharges {
  readonly #demands: Demands;
  readonly #level: Level<Miss>;
  readonly #take: (row: number) => void;
  /** Those that may be charged. */
  readonly maybes: Pending[] = [];
  /** Those that are charged, at any moment of a long interval. */
  readonly late: Pending[] = [];

  constructor(demands: Demands, level: Level<Miss>, take: (row: number) => void) {
    this.#demands = demands;
    this.#level = level;
    this.#take = take;
  }

  /** Takes what a reply shows to be missing, from operations without a level. */
  explain(row: number, atUs: number): void {
    if (this.late.length + this.maybes.length === 0) return;
    const quanta = this.#demands.foundQuanta(row);
    const lists = [this.late, this.maybes];
    while (this.#level.levelAt(atUs) > quanta)
      if (!lists.some((list) => this.#takeOne(list, { atUs, quanta, isExact: true })))
        if (!this.#takeSeveral({ atUs, quanta, isExact: true }))
          if (!lists.some((list) => this.#takeOne(list, { atUs, quanta, isExact: false }))) return;
  }

  /** Takes the first few operations without a level at one moment, if together they leave what was found. */
  #takeSeveral(found: FoundLevel): boolean {
    const some: Pending[] = [];
    const all = { quanta: 0, fromUs: Number.NEGATIVE_INFINITY, untilUs: Number.POSITIVE_INFINITY };
    for (const one of [...this.late, ...this.maybes].slice(0, MOST_TOGETHER)) {
      some.push(one);
      all.quanta += this.#demands.quantaOf(one.row);
      all.fromUs = Math.max(all.fromUs, this.#demands.fromUs(one.row));
      all.untilUs = Math.min(all.untilUs, this.#demands.untilUs(one.row));
      const us = this.#level.explainingMoment(found, all);
      if (us === undefined) continue;
      return some.every((pending) => {
        const list = this.late.includes(pending) ? this.late : this.maybes;
        return this.take(list, list.indexOf(pending), us);
      });
    }
    return false;
  }

  /** Takes the first operation of the list that leaves the level that was found, or a higher one. */
  #takeOne(list: Pending[], found: FoundLevel): boolean {
    return list.some(({ row }, at) => {
      const us = this.#level.explainingMoment(found, {
        quanta: this.#demands.quantaOf(row),
        fromUs: this.#demands.fromUs(row),
        untilUs: this.#demands.untilUs(row),
      });
      return us !== undefined && this.take(list, at, us);
    });
  }

  /** Takes one of the operations without a level at this moment, if that is within its interval. */
  take(list: Pending[], at: number, us: number): boolean {
    const { row } = list[at] as Pending;
    const quanta = this.#demands.quantaOf(row);
    if (us < this.#demands.fromUs(row) || us > this.#demands.untilUs(row) || this.#level.levelAt(us) < quanta)
      return false;
    list.splice(at, 1);
    this.#level.refill(us);
    this.#take(row);
    return true;
  }
}
