import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { sortRows } from '../rows/sort-rows.ts';
import type { DecidingClock } from './deciding-clock.ts';
import { type Demands, type Gain, type Measure, ROLE } from './demands.ts';
import { bucketOf, type Groups } from './groups.ts';
import type { Machines, Reset } from './machines.ts';

export interface GroupOf {
  /** Rising numbers. */
  readonly buckets: readonly number[];
  readonly groups: Groups;
  readonly clock: DecidingClock;
  readonly machines: Machines;
  measureOf(bucket: number): Measure;
  resetsOf(bucket: number): readonly Reset[];
  readonly withDenials: boolean;
}

/** A part of a charge, or of a gain. */
export interface Part {
  readonly bucket: number;
  readonly row: number;
}

/** What the answers of a group of buckets demand of ideal ones. The first row of a decision stands for all its rows. */
export class GroupDemands implements Demands {
  readonly #table: OperationTable;
  readonly #group: GroupOf;
  readonly #resetBuckets: number[] = [];
  readonly order: Uint32Array;
  readonly gains: readonly Gain[];
  /** Whether every decision is one that an ideal limiter can make. */
  isProvable = true;

  constructor(table: OperationTable, group: GroupOf) {
    this.#table = table;
    this.#group = group;
    const rows: number[] = [];
    const gains: Gain[] = [];
    for (const bucket of group.buckets)
      for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++)
        this.#add(row, { rows, gains });
    this.order = Uint32Array.from(rows);
    sortRows(this.order, this.order.length, (row) => this.fromUs(row));
    for (const bucket of group.buckets)
      for (const { atUs, untilUs: endUs, machine } of group.resetsOf(bucket)) {
        const row = table.rows + this.#resetBuckets.push(bucket) - 1;
        const fromUs = group.clock.show(Math.ceil(atUs), machine);
        const untilUs = Number.isFinite(endUs) ? group.clock.show(Math.floor(endUs), machine) : endUs;
        gains.push({ row, fromUs, untilUs, quanta: group.measureOf(bucket).fullQuanta });
      }
    this.gains = gains.sort((a, b) => a.fromUs - b.fromUs);
  }

  get resets(): number {
    return this.#resetBuckets.length;
  }

  /** The buckets that a row charges, or gives tokens, with the rows that say how many. */
  partsOf(row: number): Part[] {
    if (row >= this.#table.rows)
      return [{ bucket: this.#resetBuckets[row - this.#table.rows] as number, row }];
    return this.#group.groups.chargesOf(row).map((one) => ({ bucket: bucketOf(this.#table, one), row: one }));
  }

  /** Of this row alone, without the other rows of its decision. Negative for refunds and resets. */
  quantaOf(row: number): number {
    if (row >= this.#table.rows) {
      const bucket = this.#resetBuckets[row - this.#table.rows] as number;
      return -this.#group.measureOf(bucket).fullQuanta;
    }
    const { quantaPerToken } = this.#group.measureOf(bucketOf(this.#table, row));
    return (this.#table.costTokens[row] as number) * quantaPerToken;
  }

  roleOf(row: number): number {
    const outcome = (this.#table.kinds[row] as number) & KIND.outcome;
    return outcome === KIND.denied ? ROLE.denial : outcome === KIND.info ? ROLE.maybe : ROLE.take;
  }

  fromUs(row: number): number {
    return this.#shownUs(Math.ceil(this.#table.invokedUs[row] as number), row);
  }

  untilUs(row: number): number {
    return this.#shownUs(Math.floor(this.#table.lastUs(row)), row);
  }

  /** What the clock shows at a moment of the machine of a row. */
  #shownUs(us: number, row: number): number {
    return this.#group.clock.show(us, this.#group.machines.ofRow(row));
  }

  foundQuanta(): number {
    return Number.NaN;
  }

  #add(row: number, { rows, gains }: { rows: number[]; gains: Gain[] }): void {
    const { kinds, costTokens } = this.#table;
    const { groups, withDenials } = this.#group;
    const kind = kinds[row] as number;
    const outcome = kind & KIND.outcome;
    const isOfSeveral = (kind & KIND.multiBucket) !== 0;
    const isSurplus = (kind & KIND.surplus) !== 0 && (isOfSeveral || (kind & KIND.joined) !== 0);
    if (isSurplus || !groups.isFirst(row)) return;
    const charges = groups.chargesOf(row);
    if (charges.length > 1 && !charges.every((other) => this.#isLike(row, other))) this.isProvable = false;
    if ((kind & KIND.merged) !== 0 || outcome === KIND.failed) return;
    const costs = charges.map((charge) => costTokens[charge] as number);
    const [most, least] = [Math.max(...costs), Math.min(...costs)];
    if (most > 0 && least < 0) this.isProvable = false;
    if (outcome === KIND.denied) {
      if (withDenials && most <= 0) this.isProvable = false;
      if (withDenials && most > 0) rows.push(row);
    } else if (most > 0) rows.push(row);
    else if (least < 0 && outcome === KIND.allowed)
      gains.push({ row, fromUs: this.fromUs(row), untilUs: this.untilUs(row), quanta: 0 });
  }

  /** Whether attempts of a decision were joined in the same way in each of its buckets. */
  #isLike(row: number, other: number): boolean {
    const { kinds, invokedUs, lastUs } = this.#table;
    const mask = KIND.outcome | KIND.merged;
    return (
      ((kinds[row] as number) & mask) === ((kinds[other] as number) & mask) &&
      invokedUs[row] === invokedUs[other] &&
      lastUs(row) === lastUs(other)
    );
  }
}
