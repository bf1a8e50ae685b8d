import { groupBy } from '../../core/group-by.ts';
import type { Policy } from '../../core/policy.ts';
import { isReservationStep, mayGiveBack, reservationOf } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { OUTCOMES, type Outcome } from '../../history/records/operation.ts';
import type { Drop } from '../proofs/drops.ts';
import type { Refund } from '../proofs/refund.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { isJudgedDenial, type JudgedSpan } from '../rows/coverage.ts';
import { isReplayed } from '../rows/decision-order.ts';
import { runExact } from './exact.ts';
import { type Phase, phaseAt, phaseOf } from './phases.ts';
import { type EvidenceRow, Tally } from './tally.ts';

/** The counts of one region in one phase. */
export interface EvidenceCell extends EvidenceRow {
  readonly phase: string;
  readonly region: string;
}

/** One phase in one region. */
class Cell {
  readonly phase: number;
  readonly region: string;
  readonly tally = new Tally();

  constructor(phase: number, region: string) {
    this.phase = phase;
    this.region = region;
  }
}

const WHOLE_RUN = 'whole run';

/** The rows of the report to which a cell belongs. */
function placesOf({ phase, region }: Cell): readonly string[] {
  return [WHOLE_RUN, `phase ${phase}`, `region ${region}`, `cell ${phase} ${region}`];
}

/** The settlements of the loaded bucket that gave something back. */
function settledRows({ table, refunds }: BucketRows): readonly number[] {
  const isSettled = (kind: number) => isReservationStep(kind) && (kind & KIND.outcome) === KIND.allowed;
  return refunds.filter((row) => isSettled(table.kinds[row] as number));
}

function refundOf(table: OperationTable, row: number, { quantaPerToken }: Policy): Refund {
  const quanta = -(table.costTokens[row] as number) * quantaPerToken;
  return { fromUs: table.invokedUs[row] as number, lastUs: table.lastUs(row), quanta };
}

/** Counts by phase and region, one bucket after another. */
export class EvidenceCounter {
  readonly #table: OperationTable;
  readonly #phases: readonly Phase[];
  readonly #judged: JudgedSpan;
  readonly #cells: Cell[] = [];
  /** By phase, then by region. */
  readonly #byPhase: Map<string, Cell>[];
  /** The cells in which the current bucket was contested. */
  readonly #contested = new Set<Cell>();
  readonly #byPhaseAndOrigin: Cell[][];
  readonly #contestedIn = new Map<string, number>();
  readonly #largestExcessIn = new Map<string, number>();
  /** The buckets in which an ideal bucket would have admitted at least its capacity. */
  drainable = 0;
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;

  /** Denials within `judged` are judged. */
  constructor(table: OperationTable, phases: readonly Phase[], judged: JudgedSpan) {
    this.#table = table;
    this.#judged = judged;
    this.#phases = phases;
    this.#byPhaseAndOrigin = phases.map(() => []);
    this.#byPhase = phases.map(() => new Map());
  }

  /** Counts the operations of a bucket. `denials` shows the denials that prove it contested; returns whether there is one. */
  addBucket(bucket: BucketRows, policy: Policy, denials: (show: (row: number) => void) => void): boolean {
    const { starts } = this.#table;
    for (let row = starts[bucket.bucket] as number; row < (starts[bucket.bucket + 1] as number); row++)
      this.#count(row);
    this.#addExact(bucket, policy);
    denials((row) => this.#contested.add(this.#at(row)));
    return this.#endBucket();
  }

  /** Counts the excess of one bucket, each part in the phase and region of its operation. */
  addExcess(drops: Iterable<Drop>, quantaPerToken: number): void {
    const byCell = new Map<Cell, number>();
    for (const { row, quanta } of drops) {
      const cell = this.#at(row);
      byCell.set(cell, (byCell.get(cell) ?? 0) + quanta / quantaPerToken);
    }
    const ofBucket = new Map<string, number>();
    for (const [cell, tokens] of byCell) {
      cell.tally.excess += tokens;
      for (const key of placesOf(cell)) ofBucket.set(key, (ofBucket.get(key) ?? 0) + tokens);
    }
    for (const [key, tokens] of ofBucket)
      this.#largestExcessIn.set(key, Math.max(tokens, this.#largestExcessIn.get(key) ?? 0));
  }

  addFalseDenial(row: number): void {
    this.#at(row).tally.falseDenials++;
  }

  addReplay(row: number): void {
    this.#at(row).tally.replay++;
  }

  addLie(row: number): void {
    this.#at(row).tally.dishonest++;
  }

  /** Counts the decisions of a bucket that stated something. */
  addStated(bucket: number): void {
    const { starts, stated } = this.#table;
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
      if (stated?.has(row) === true) this.#at(row).tally.stated++;
  }

  /** Counts the replayed decisions of a bucket up to `judgedUntilUs`. */
  addReplayed(bucket: number, judgedUntilUs: number): void {
    const { starts } = this.#table;
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
      if (isReplayed(this.#table, row, judgedUntilUs)) this.#at(row).tally.replayed++;
  }

  /** Counts requests that were due in this region at this time but never sent. */
  addDropped(region: string, { atUs, requests }: { atUs: number; requests: number }): void {
    const { tally } = this.#cellOf(phaseAt(this.#phases, atUs), region);
    tally.arrivals += requests;
    tally.dropped += requests;
  }

  /** All phases together. */
  wholeRun(): EvidenceRow {
    return this.#sum(WHOLE_RUN, WHOLE_RUN, this.#wholeUs(), this.#cells);
  }

  phases(): EvidenceRow[] {
    return this.#phases.map(({ name }, phase) =>
      this.#sum(name, `phase ${phase}`, this.#phaseUs(phase), this.#byPhase[phase]?.values() ?? []),
    );
  }

  regions(): EvidenceRow[] {
    return [...groupBy(this.#cells, ({ region }) => region)]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, cells]) => this.#sum(name, `region ${name}`, this.#wholeUs(), cells));
  }

  /** By phase, then by region, without empty cells. */
  cells(): EvidenceCell[] {
    return this.#cells
      .toSorted((a, b) => a.phase - b.phase || a.region.localeCompare(b.region))
      .map((cell) => {
        const phase = this.#phases[cell.phase]?.name ?? '';
        const row = this.#sum(
          `${phase}, ${cell.region}`,
          `cell ${cell.phase} ${cell.region}`,
          this.#phaseUs(cell.phase),
          [cell],
        );
        return { ...row, phase, region: cell.region };
      });
  }

  #sum(name: string, key: string, lengthUs: number, cells: Iterable<Cell>): EvidenceRow {
    const tally = new Tally();
    for (const cell of cells) tally.addAll(cell.tally);
    tally.contested = this.#contestedIn.get(key) ?? 0;
    tally.largestExcess = this.#largestExcessIn.get(key) ?? 0;
    return tally.row(name, lengthUs);
  }

  /** A bucket is contested in a phase and region if a denial there shows it. */
  #endBucket(): boolean {
    const places = new Set([...this.#contested].flatMap(placesOf));
    this.#contested.clear();
    for (const key of places) this.#contestedIn.set(key, (this.#contestedIn.get(key) ?? 0) + 1);
    return places.size > 0;
  }

  #wholeUs(): number {
    return this.#lengthUs(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  #phaseUs(phase: number): number {
    return this.#lengthUs(
      this.#phases[phase]?.fromUs ?? 0,
      this.#phases[phase + 1]?.fromUs ?? Number.POSITIVE_INFINITY,
    );
  }

  #lengthUs(fromUs: number, toUs: number): number {
    return Math.max(0, Math.min(toUs, this.#lastUs) - Math.max(fromUs, this.#firstUs));
  }

  #count(row: number): void {
    if (mayGiveBack(this.#table, row)) return;
    const { kinds, costTokens, invokedUs } = this.#table;
    const kind = kinds[row] as number;
    const outcome = kind & KIND.outcome;
    const admits = outcome === KIND.allowed && (kind & KIND.merged) === 0;
    const tokens = admits ? Math.max(0, costTokens[row] as number) : 0;
    const [startUs, lastUs] = [invokedUs[row] as number, this.#table.lastUs(row)];
    if (startUs < this.#firstUs) this.#firstUs = startUs;
    if (lastUs > this.#lastUs && outcome !== KIND.info) this.#lastUs = lastUs;
    const { tally } = this.#at(row);
    if (isReservationStep(kind)) {
      this.#countStep(row, admits ? (costTokens[row] as number) : 0);
      if (isJudgedDenial(this.#table, row, this.#judged)) tally.judgedDenials++;
      return;
    }
    if ((kind & KIND.part) === 0) {
      tally.outcomes[OUTCOMES[outcome] as Outcome]++;
      if (this.#table.isDue(row)) tally.arrivals++;
      if (outcome !== KIND.info) tally.latency[outcome]?.add(this.#table.latencyUs(row));
    }
    if (isJudgedDenial(this.#table, row, this.#judged)) tally.judgedDenials++;
    tally.admitted += tokens;
  }

  /** A later step of a reservation changes what that was charged, where the reservation counts. */
  #countStep(row: number, tokens: number): void {
    const take = reservationOf(this.#table, row);
    const isUnknown = ((this.#table.kinds[take] as number) & (KIND.outcome | KIND.merged)) === KIND.info;
    if (tokens !== 0 && !isUnknown) this.#at(take).tally.admitted += tokens;
  }

  #addExact(bucket: BucketRows, policy: Policy): void {
    let tokens = 0;
    const returned = bucket.hasSettled ? settledRows(bucket) : [];
    const admitted = new Set<number>();
    const { costTokens, kinds } = this.#table;
    const count = (row: number) => {
      const of = isReservationStep(kinds[row] as number) ? reservationOf(this.#table, row) : row;
      this.#at(of).tally.exactAdmitted += costTokens[row] as number;
    };
    const admit = (row: number) => {
      if (returned.length > 0) admitted.add(row);
      count(row);
      tokens += costTokens[row] as number;
    };
    const refunds = returned.map((row) => refundOf(this.#table, row, policy));
    runExact(bucket, policy, admit, refunds);
    for (const row of returned) if (admitted.has(reservationOf(this.#table, row))) count(row);
    if (tokens >= policy.capacityTokens) this.drainable++;
  }

  /** The cell of its region and of the phase in which it ended, or began if it has no end. */
  #at(row: number): Cell {
    const phase = phaseOf(this.#phases, this.#table, row);
    const byOrigin = this.#byPhaseAndOrigin[phase] as Cell[];
    const origin = this.#table.origins[row] as number;
    const known = byOrigin[origin];
    if (known !== undefined) return known;
    const cell = this.#cellOf(phase, this.#table.regionOf(row));
    byOrigin[origin] = cell;
    return cell;
  }

  #cellOf(phase: number, region: string): Cell {
    const known = this.#byPhase[phase]?.get(region);
    if (known !== undefined) return known;
    const cell = new Cell(phase, region);
    this.#byPhase[phase]?.set(region, cell);
    this.#cells.push(cell);
    return cell;
  }
}
