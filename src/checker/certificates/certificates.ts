import { traitsOf } from '../../core/strategies.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { CheckOptions } from '../check-options.ts';
import type { Promised } from '../claims/promise.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { indexResets } from '../rows/resets.ts';
import { BucketDemands } from './bucket-demands.ts';
import { type Clocks, findClocks } from './deciding-clock.ts';
import { findStart, idealBucket } from './ideal-bucket.ts';
import { findOrder, type Proof } from './prove-bucket.ts';

/** How many buckets have which proof. A history without operations has none. */
export interface ProofCounts {
  /** An ideal bucket gives every recorded answer. */
  readonly proved: number;
  /** An ideal bucket admits what was admitted; denials are not judged. */
  readonly admissionsProved: number;
  /** More than an ideal bucket admits, within the bound that the strategy declares. */
  readonly withinBound: number;
  /** No ideal bucket gives the recorded answers. */
  readonly convicted: number;
  /** Neither proved nor convicted. */
  readonly open: number;
  /** Why no bucket can be proved; absent if some can. */
  readonly whyNone?: string;
}

/** The state of a bucket in a certificate. */
export const STATE = { open: 0, proved: 1, admissionsProved: 2, withinBound: 3, convicted: 4 } as const;

/** A proof of one bucket. */
export interface FoundProof {
  readonly state: typeof STATE.proved | typeof STATE.admissionsProved;
  readonly demands: BucketDemands;
  readonly proof: Proof;
}

/** Finds the proofs of the buckets of one history. */
export class Certificates {
  readonly #history: History;
  readonly #table: OperationTable;
  readonly #declaresDenials: boolean;
  /** With another promise, what a token bucket would not admit convicts nothing. */
  readonly #isBucket: boolean;
  readonly #states: Uint8Array;
  readonly #resets: (bucket: number) => readonly number[];
  #clocks: Clocks | undefined;
  /** Why no bucket of this history can be proved; '' if some can. */
  readonly #whyNone: string;

  constructor(
    history: History,
    { promise, options }: { readonly promise: Promised; readonly options: CheckOptions },
  ) {
    this.#history = history;
    this.#table = history.operations;
    this.#declaresDenials = options.falseDenialsAtMost === Number.POSITIVE_INFINITY;
    this.#isBucket = promise.type === 'token-bucket';
    this.#states = new Uint8Array(this.#table.bucketCount);
    this.#resets = indexResets(history);
    this.#whyNone = whyNone(history, promise, options);
  }

  #findClocks(): Clocks {
    this.#clocks ??= findClocks(
      this.#table,
      this.#history.clock.filter(({ source }) => source === undefined),
    );
    return this.#clocks;
  }

  stateOf(bucket: number): number {
    return this.#states[bucket] as number;
  }

  /** Proves the loaded bucket, if that can be. Uses one of the orders of the rows as scratch space. */
  prove(rows: BucketRows, { over, denials, replay, windows }: BucketResult): void {
    const accused = over.drops.length + replay.findings.length + windows.length;
    if (accused > 0 || (denials.length > 0 && !this.#declaresDenials)) return;
    this.#states[rows.bucket] = this.find(rows)?.state ?? STATE.open;
  }

  /** The proof of the loaded bucket, which has no finding. */
  find(rows: BucketRows): FoundProof | undefined {
    if (this.#whyNone !== '') return undefined;
    const { isProvable, hasFallback } = this.#look(rows.bucket);
    if (!isProvable) return undefined;
    const withDenials = !this.#declaresDenials && !hasFallback;
    const policy = this.#table.policyOf(rows.bucket);
    const resets = this.#resets(rows.bucket);
    const isStartFree = this.#history.header.initial === 'unknown';
    const state = withDenials ? STATE.proved : STATE.admissionsProved;
    for (const usesReports of this.#table.levels === undefined ? [false] : [true, false]) {
      const how = { clocks: this.#findClocks(), resets, withDenials, usesReports };
      const demands = new BucketDemands(rows, policy, how);
      const startQuanta = isStartFree ? findStart(demands, policy) : policy.capacityQuanta;
      const proof = demands.areMomentsWithin()
        ? findOrder(demands, idealBucket(policy), { startQuanta, isStartFree })
        : undefined;
      if (proof !== undefined) return { state, demands, proof };
      if (!demands.isReported) break; // without reports it is the same search again
    }
    return undefined;
  }

  /** Counts the buckets, with those of the findings. */
  count(
    withFindings: readonly BucketResult[],
    isWithinBound: (result: BucketResult) => boolean,
  ): ProofCounts {
    for (const result of withFindings)
      if (this.#states[result.bucket] === STATE.open)
        this.#states[result.bucket] = this.#judge(result, isWithinBound);
    return this.counts;
  }

  get counts(): ProofCounts {
    const counts = [0, 0, 0, 0, 0];
    for (const state of this.#states) counts[state] = (counts[state] as number) + 1;
    const [open, proved, admissionsProved, withinBound, convicted] = counts as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      ...{ proved, admissionsProved, withinBound, convicted, open },
      ...(this.#whyNone !== '' && { whyNone: this.#whyNone }),
    };
  }

  /** The state of a bucket with findings. What a failover lost shows up in the replay, too: the same bound covers it. */
  #judge(result: BucketResult, isWithinBound: (result: BucketResult) => boolean): number {
    const { over, denials, replay, windows } = result;
    const convictsDenials = !this.#declaresDenials && !traitsOf(this.#history.header.strategy).windowBound;
    if (windows.length > 0 || (denials.length > 0 && convictsDenials)) return STATE.convicted;
    if (!this.#isBucket || over.drops.length + replay.findings.length === 0) return STATE.open;
    return isWithinBound(result) ? STATE.withinBound : STATE.convicted;
  }

  /** A denial of nothing cannot be right, and decisions on several buckets have no certificate. */
  #look(bucket: number): { isProvable: boolean; hasFallback: boolean } {
    const { starts, kinds, costTokens } = this.#table;
    let hasFallback = false;
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++) {
      const kind = kinds[row] as number;
      if ((kind & KIND.multiBucket) !== 0) return { isProvable: false, hasFallback };
      if ((kind & KIND.fallback) !== 0) hasFallback = true;
      const isDenied = (kind & (KIND.outcome | KIND.merged)) === KIND.denied;
      if (isDenied && (costTokens[row] as number) <= 0) return { isProvable: false, hasFallback };
    }
    return { isProvable: true, hasFallback };
  }
}

function whyNone(
  { header, end, outcomes }: History,
  promise: Promised,
  { openAtEndMissing = false, isComplete = false }: CheckOptions,
): string {
  const { allowed, denied, failed, info } = outcomes;
  if (traitsOf(header.strategy).windowBound) return `${header.strategy} promises less than an ideal bucket`;
  if (promise.type !== 'token-bucket') return `${promise.type} has no certificate yet`;
  if (end !== undefined && end.sent !== allowed + denied + failed + info)
    return 'operations are missing from the history';
  if (end === undefined && !openAtEndMissing && !isComplete) return 'the history has no end';
  return '';
}
