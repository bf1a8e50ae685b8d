import type { Levels } from '../../history/columns/levels.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { DecisionOrder } from '../rows/decision-order.ts';
import { sortRows } from '../rows/sort-rows.ts';
import type { Clocks, DecidingClock } from './deciding-clock.ts';
import { type Demands, type Gain, type Measure, ROLE } from './demands.ts';
import type { Machines, Reset } from './machines.ts';

/** What several attempts may charge beyond their cost: the verifier does not join these. */
const JOINED_SURPLUS = KIND.surplus | KIND.joined;

/** What the answers of one bucket demand of an ideal bucket, on one clock. */
export class BucketDemands implements Demands {
  readonly #table: OperationTable;
  readonly #measure: Measure;
  readonly #machines: Machines;
  readonly clock: DecidingClock;
  /** Whether decisions report their moments: then those are used. */
  readonly isReported: boolean;
  readonly order: Uint32Array;
  readonly gains: readonly Gain[];

  /** `rows` are of `table` or of one that differs in its times only. */
  constructor(
    table: OperationTable,
    rows: BucketRows,
    {
      measure,
      machines,
      clocks,
      resets,
      withDenials,
      usesReports,
    }: {
      readonly measure: Measure;
      readonly machines: Machines;
      readonly clocks: Clocks;
      readonly resets: readonly Reset[];
      readonly withDenials: boolean;
      /** Whether moments that decisions report are used. */
      readonly usesReports: boolean;
    },
  ) {
    this.#table = table;
    this.#measure = measure;
    this.#machines = machines;
    const { kinds, costTokens } = table;
    const isIn = (row: number) =>
      (costTokens[row] as number) > 0 &&
      (withDenials || ((kinds[row] as number) & KIND.outcome) !== KIND.denied) &&
      ((kinds[row] as number) & JOINED_SURPLUS) !== JOINED_SURPLUS;
    const reported = usesReports ? keep(sortReported(rows), isIn) : new Uint32Array(0);
    const node = table.levels?.node(reported[0] as number) ?? 0;
    const clock = reported.length > 0 ? clocks.ofNode.get(node) : undefined;
    this.clock = clock ?? clocks.shared;
    this.isReported = clock !== undefined;
    this.order = this.#order(rows, { reported, isIn });
    this.gains = this.#gains(rows, resets);
  }

  roleOf(row: number): number {
    const kind = this.#table.kinds[row] as number;
    const outcome = kind & KIND.outcome;
    if (outcome === KIND.denied) return ROLE.denial;
    if (outcome === KIND.info) return ROLE.maybe;
    return this.isReported && !this.#hasMoment(row) ? ROLE.late : ROLE.take;
  }

  fromUs(row: number): number {
    const us = this.#momentUs(row);
    return Number.isNaN(us) ? this.#shownUs(Math.ceil(this.#table.invokedUs[row] as number), row) : us;
  }

  untilUs(row: number): number {
    const us = this.#momentUs(row);
    return Number.isNaN(us) ? this.#shownUs(Math.floor(this.#table.lastUs(row)), row) : us;
  }

  quantaOf(row: number): number {
    return (this.#table.costTokens[row] as number) * this.#measure.quantaPerToken;
  }

  foundQuanta(row: number): number {
    if (!this.#hasMoment(row) || !this.#measure.hasLevels) return Number.NaN;
    const isAllowed = ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.allowed;
    return (this.#table.levels?.of(row) as number) + (isAllowed ? this.quantaOf(row) : 0);
  }

  /** Whether every reported moment is whole, and lies within the interval of its operation, as this clock shows it. */
  areMomentsWithin(): boolean {
    const { levels, invokedUs, rows } = this.#table;
    if (!this.isReported || levels === undefined) return true;
    const refunds = this.gains.map(({ row }) => row).filter((row) => row < rows); // the others are resets
    for (const row of [...this.order, ...refunds]) {
      const us = levels.bucketUs(row);
      if (
        us > Math.floor(us) ||
        us < this.#shownUs(Math.ceil(invokedUs[row] as number), row) ||
        us > this.#shownUs(Math.floor(this.#table.lastUs(row)), row)
      )
        return false;
    }
    return true;
  }

  /** What the clock shows at a moment of the machine of a row. */
  #shownUs(us: number, row: number): number {
    return this.clock.show(us, this.#machines.ofRow(row));
  }

  #hasMoment(row: number): boolean {
    return !Number.isNaN(this.#momentUs(row));
  }

  /** The moment that the decision reports; NaN if it reports none. */
  #momentUs(row: number): number {
    return this.isReported ? (this.#table.levels as Levels).bucketUs(row) : Number.NaN;
  }

  /** The rows with a reported moment in the order of the bucket, and the others by their first moment. */
  #order(
    rows: BucketRows,
    { reported, isIn }: { reported: Uint32Array; isIn: (row: number) => boolean },
  ): Uint32Array {
    if (!this.isReported) return keep(this.#byFirst(rows), isIn);
    if (reported.length === rows.count) return reported;
    const others = this.#byFirst(rows).filter((row) => isIn(row) && !this.#hasMoment(row));
    return others.length === 0 ? reported : this.#merge(reported, others);
  }

  /** The rows by their first moment. */
  #byFirst(rows: BucketRows): Uint32Array {
    const all = rows.byInvoked.subarray(0, rows.count);
    if (!this.#machines.areSeveral) return all;
    const sorted = all.slice();
    sortRows(sorted, sorted.length, (row) =>
      this.#shownUs(Math.ceil(this.#table.invokedUs[row] as number), row),
    );
    return sorted;
  }

  #merge(own: Uint32Array, others: Uint32Array): Uint32Array {
    const merged = new Uint32Array(own.length + others.length);
    let [left, right] = [0, 0];
    for (let at = 0; at < merged.length; at++) {
      const takesOther =
        left >= own.length ||
        (right < others.length && this.fromUs(others[right] as number) < this.fromUs(own[left] as number));
      merged[at] = (takesOther ? others[right++] : own[left++]) as number;
    }
    return merged;
  }

  #gains({ refunds }: BucketRows, resets: readonly Reset[]): Gain[] {
    const { kinds, costTokens, rows } = this.#table;
    const { fullQuanta, quantaPerToken } = this.#measure;
    return [
      ...refunds
        .filter((row) => ((kinds[row] as number) & KIND.outcome) === KIND.allowed)
        .map((row) => ({
          row,
          fromUs: this.fromUs(row),
          untilUs: this.untilUs(row),
          quanta: Math.min(-(costTokens[row] as number) * quantaPerToken, fullQuanta),
        })),
      ...resets.map(({ atUs, untilUs, machine }, number) => ({
        row: rows + number,
        fromUs: this.clock.show(Math.ceil(atUs), machine),
        untilUs: Number.isFinite(untilUs) ? this.clock.show(Math.floor(untilUs), machine) : untilUs,
        quanta: fullQuanta,
      })),
    ].sort((a, b) => a.fromUs - b.fromUs);
  }
}

function keep(rows: Uint32Array, isKept: (row: number) => boolean): Uint32Array {
  return rows.every(isKept) ? rows : rows.filter(isKept);
}

/** The rows with a level in the order of the bucket's time. */
function sortReported(rows: BucketRows): Uint32Array {
  const { levels } = rows.table;
  if (levels === undefined) return new Uint32Array(0);
  const sorted = new DecisionOrder(rows.table, levels).sorted(rows);
  const isOneNode = sorted.every((row) => levels.node(row) === levels.node(sorted[0] as number));
  if (isOneNode) return sorted;
  const byTime = sorted.slice();
  sortRows(byTime, byTime.length, (row) => levels.bucketUs(row));
  return byTime;
}
