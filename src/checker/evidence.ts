import type { Policy } from '../core/policy.ts';
import { OUTCOMES, type Outcome } from '../history/operation.ts';
import { KIND, type OperationTable } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import { type LatencyFigures, LatencyHistogram } from './latency.ts';
import { type Phase, phaseAt } from './phases.ts';

/** What one phase or one region saw. Amounts are tokens. */
export interface EvidenceRow {
  readonly name: string;
  readonly operations: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly admitted: number;
  /** What an exact bucket fed the same operations, each at its completion, would have admitted. */
  readonly exactAdmitted: number;
  /** The excess of the whole run, as far as its operations are of here. */
  readonly excess: number;
  readonly falseDenials: number;
  /** Buckets that admitted at least their capacity here and denied at least once. */
  readonly contested: number;
  readonly latency: Readonly<Partial<Record<Outcome, LatencyFigures>>>;
}

class Tally {
  readonly name: string;
  readonly outcomes: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  readonly latency = OUTCOMES.map(() => new LatencyHistogram());
  admitted = 0;
  exactAdmitted = 0;
  excess = 0;
  falseDenials = 0;
  contested = 0;
  /** Of the bucket that is being counted. */
  bucketAdmitted = 0;
  bucketDenied = 0;

  constructor(name: string) {
    this.name = name;
  }

  endBucket(capacityTokens: number): void {
    if (this.bucketAdmitted >= capacityTokens && this.bucketDenied > 0) this.contested++;
    this.bucketAdmitted = 0;
    this.bucketDenied = 0;
  }

  row(): EvidenceRow {
    const latency = OUTCOMES.map((outcome, at) => [outcome, this.latency[at]?.figures()] as const);
    return {
      name: this.name,
      operations: OUTCOMES.reduce((sum, outcome) => sum + this.outcomes[outcome], 0),
      outcomes: this.outcomes,
      admitted: this.admitted,
      exactAdmitted: this.exactAdmitted,
      excess: this.excess,
      falseDenials: this.falseDenials,
      contested: this.contested,
      latency: Object.fromEntries(latency.filter(([, figures]) => (figures?.count ?? 0) > 0)),
    };
  }
}

/** Counts what each phase and each region saw, one bucket after another. */
export class EvidenceCounter {
  readonly #table: OperationTable;
  readonly #phases: readonly Phase[];
  readonly #byPhase: readonly Tally[];
  readonly #byRegion = new Map<string, Tally>();
  readonly #byOrigin: Tally[] = [];
  /** Those that the bucket being counted has operations in. */
  readonly #touched = new Set<Tally>();

  constructor(table: OperationTable, phases: readonly Phase[]) {
    this.#table = table;
    this.#phases = phases;
    this.#byPhase = phases.map(({ name }) => new Tally(name));
  }

  /** Counts the operations of the bucket; true when it was contested. */
  addBucket(bucket: BucketRows, policy: Policy): boolean {
    const { starts } = this.#table;
    let admitted = 0;
    let denied = 0;
    for (let row = starts[bucket.bucket] as number; row < (starts[bucket.bucket + 1] as number); row++) {
      const change = this.#count(row);
      if (change > 0) admitted += change;
      else if (change < 0) denied++;
    }
    this.#addExact(bucket, policy);
    for (const tally of this.#touched) tally.endBucket(policy.capacityTokens);
    this.#touched.clear();
    return admitted >= policy.capacityTokens && denied > 0;
  }

  addExcess(row: number, tokens: number): void {
    for (const tally of this.#at(row)) tally.excess += tokens;
  }

  addFalseDenial(row: number): void {
    for (const tally of this.#at(row)) tally.falseDenials++;
  }

  phases(): EvidenceRow[] {
    return this.#byPhase.map((tally) => tally.row());
  }

  regions(): EvidenceRow[] {
    return [...this.#byRegion.values()]
      .map((tally) => tally.row())
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Gives the tokens admitted by this row, or -1 for a denial. */
  #count(row: number): number {
    const { kinds, costTokens, invokedUs } = this.#table;
    const kind = kinds[row] as number;
    const outcome = kind & KIND.outcome;
    const isOperation = (kind & KIND.part) === 0;
    const admits = outcome === KIND.allowed && (kind & KIND.merged) === 0;
    const tokens = admits ? Math.max(0, costTokens[row] as number) : 0;
    const latencyUs = isOperation ? this.#table.lastUs(row) - (invokedUs[row] as number) : Number.NaN;
    for (const tally of this.#at(row)) {
      if (isOperation) {
        tally.outcomes[OUTCOMES[outcome] as Outcome]++;
        if (outcome !== KIND.info) tally.latency[outcome]?.add(latencyUs);
      }
      tally.admitted += tokens;
      tally.bucketAdmitted += tokens;
      this.#touched.add(tally);
      if (outcome === KIND.denied) tally.bucketDenied++;
    }
    return outcome === KIND.denied ? -1 : tokens;
  }

  /** Runs an exact bucket over what was allowed and denied, in the order of completion. */
  #addExact(bucket: BucketRows, policy: Policy): void {
    const { table } = bucket;
    bucket.loadByLast();
    let level = policy.capacityQuanta;
    let levelUs = Number.NEGATIVE_INFINITY;
    const toFullUs = policy.capacityQuanta / policy.quantaPerUs;
    for (let at = 0; at < bucket.lastCount; at++) {
      const row = bucket.byLast[at] as number;
      if (((table.kinds[row] as number) & KIND.outcome) === KIND.info) continue;
      const nowUs = table.lastUs(row);
      const elapsedUs = nowUs - levelUs;
      level =
        elapsedUs >= toFullUs
          ? policy.capacityQuanta
          : Math.min(policy.capacityQuanta, level + elapsedUs * policy.quantaPerUs);
      levelUs = nowUs;
      const quanta = (table.costTokens[row] as number) * policy.quantaPerToken;
      if (quanta > level) continue;
      level -= quanta;
      for (const tally of this.#at(row)) tally.exactAdmitted += table.costTokens[row] as number;
    }
  }

  /** The phase in which it ended, or began if it has no end, and its region. */
  #at(row: number): readonly [Tally, Tally] {
    const lastUs = this.#table.lastUs(row);
    const us = lastUs === Number.POSITIVE_INFINITY ? (this.#table.invokedUs[row] as number) : lastUs;
    const phase = this.#byPhase[phaseAt(this.#phases, us)] as Tally;
    return [phase, this.#regionAt(row)];
  }

  #regionAt(row: number): Tally {
    const origin = this.#table.origins[row] as number;
    let tally = this.#byOrigin[origin];
    if (tally !== undefined) return tally;
    const region = this.#table.regionOf(row);
    tally = this.#byRegion.get(region) ?? new Tally(region);
    this.#byRegion.set(region, tally);
    this.#byOrigin[origin] = tally;
    return tally;
  }
}
