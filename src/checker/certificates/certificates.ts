import type { Policy } from '../../core/policy.ts';
import { type Promised, provesDenials } from '../../core/promise.ts';
import { traitsOf } from '../../core/strategies.ts';
import { holdsUnknown, reservesOfSeveral } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { CheckOptions } from '../check-options.ts';
import { type BucketMoves, endOf, indexBucketMoves } from '../moves/bucket-moves.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { indexResetEvents } from '../rows/resets.ts';
import { BucketDemands } from './bucket-demands.ts';
import type { Clocks, DecidingClock } from './deciding-clock.ts';
import { findClocks } from './find-clocks.ts';
import { GroupDemands } from './group-demands.ts';
import { Groups } from './groups.ts';
import { idealGroup } from './ideal-group.ts';
import { Machines, type Reset } from './machines.ts';
import { findMergedClocks } from './merged-clocks.ts';
import { findOrder, type Proof } from './prove-bucket.ts';
import { type Yardstick, yardstickOf } from './yardstick.ts';

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
  /** Rising numbers of the buckets that it proves. */
  readonly buckets: readonly number[];
  /** How many resets they have. */
  readonly resets: number;
  readonly clock: DecidingClock;
  readonly proof: Proof;
  /** The level of an unused limiter. */
  readonly fullQuanta: number;
}

interface Circumstances {
  readonly promise: Promised;
  readonly options: CheckOptions;
  readonly judged?: History;
  /** Why nothing in the history is judged, as a sentence. */
  readonly whyNothing?: string | undefined;
}

/** Finds the proofs of the buckets of one history. Of a run in parts its times are those of the machines. */
export class Certificates {
  readonly #history: History;
  readonly #table: OperationTable;
  /** Whether the strategy declares any number of false denials. */
  readonly declaresDenials: boolean;
  /** With another promise, what a token bucket would not admit convicts nothing. */
  readonly #promise: Promised;
  readonly #states: Uint8Array;
  readonly #machines: Machines;
  readonly #resets: (bucket: number) => readonly Reset[];
  readonly #movesOf: BucketMoves;
  #clocks: { readonly found: Clocks | undefined } | undefined;
  readonly #groups: Groups | undefined;
  /** Why no bucket of this history can be proved; '' if some can. */
  readonly #whyNone: string;
  readonly #convicts: boolean;
  /** Of a run in parts: its rows with the times of the machines. */
  readonly #recorded: BucketRows | undefined;

  /** `judged`: a run in parts on one axis, by which it is known what is missing and whether its clocks contradict. */
  constructor(history: History, { promise, options, judged = history, whyNothing }: Circumstances) {
    this.#history = history;
    this.#table = history.operations;
    this.declaresDenials = options.falseDenialsAtMost === Number.POSITIVE_INFINITY;
    this.#promise = promise;
    this.#states = new Uint8Array(this.#table.bucketCount);
    this.#machines = new Machines(history);
    const resets = indexResetEvents(history);
    this.#resets = (bucket) =>
      resets(bucket).map(({ atUs, args, machine }) => ({
        atUs,
        untilUs: endOf(args),
        machine: this.#machines.of(machine),
      }));
    this.#movesOf = indexBucketMoves(history);
    this.#groups = Groups.of(this.#table);
    this.#whyNone = whyNothing ?? whyNone(judged, options);
    this.#convicts = whyNothing === undefined;
    this.#recorded = history.parts && new BucketRows(history.operations);
  }

  /** Undefined if no offsets of the machines agree with all readings. */
  #findClocks(): Clocks | undefined {
    const { clock, parts } = this.#history;
    const readings = () => clock.filter(({ source }) => source === undefined);
    const find = () =>
      parts === undefined
        ? findClocks(this.#table, readings())
        : findMergedClocks(this.#table, this.#machines, clock);
    this.#clocks ??= { found: find() };
    return this.#clocks.found;
  }

  stateOf(bucket: number): number {
    return this.#states[bucket] as number;
  }

  /** Proves the loaded bucket, if that can be. Uses one of the orders of the rows as scratch space. */
  prove(rows: BucketRows, result: BucketResult): void {
    // a group waits until it is known which denials another bucket explains
    if (this.#isAccused(result) || this.#groups?.has(rows.bucket)) return;
    this.#states[rows.bucket] = this.find(rows)?.state ?? STATE.open;
  }

  /** With another promise, what a token bucket would not admit accuses of nothing. */
  #isAccused({ over, denials, replay, windows }: BucketResult): boolean {
    const ofBucket = this.#promise.type === 'token-bucket' ? over.drops.length + replay.findings.length : 0;
    return ofBucket + windows.length > 0 || (denials.length > 0 && !this.declaresDenials);
  }

  /** The proof of the loaded bucket, which has no finding; of a group if it is the first of it. */
  find(judged: BucketRows): FoundProof | undefined {
    if (this.#whyNone !== '') return undefined;
    const rows = this.#recorded ?? judged;
    if (rows !== judged) rows.load(judged.bucket);
    if (this.#groups?.has(rows.bucket)) {
      const buckets = this.#groups.all.get(rows.bucket);
      return buckets && this.#findGroup(this.#groups, buckets);
    }
    const yardstick = this.#yardstickOf(rows.bucket);
    const clocks = this.#findClocks();
    if (
      yardstick === undefined ||
      clocks === undefined ||
      this.#deniesNothing(rows.bucket) ||
      this.#admitsMoreThan(yardstick, rows.bucket) ||
      this.#reservesUnclearly(rows.bucket)
    )
      return undefined;
    const withDenials = this.#provesDenialsOf([rows.bucket]);
    const resets = this.#resets(rows.bucket);
    const state = withDenials ? STATE.proved : STATE.admissionsProved;
    for (const usesReports of this.#table.levels === undefined ? [false] : [true, false]) {
      const how = { measure: yardstick, machines: this.#machines, clocks, resets, withDenials, usesReports };
      const demands = new BucketDemands(this.#table, rows, how);
      const proof = demands.areMomentsWithin() ? yardstick.find(demands) : undefined;
      if (proof !== undefined)
        return {
          state,
          buckets: [rows.bucket],
          resets: resets.length,
          clock: demands.clock,
          proof,
          fullQuanta: yardstick.fullQuanta,
        };
      if (!demands.isReported) break; // without reports it is the same search again
    }
    return undefined;
  }

  #findGroup(groups: Groups, buckets: readonly number[]): FoundProof | undefined {
    const yardsticks = new Map(buckets.map((bucket) => [bucket, this.#yardstickOf(bucket)]));
    const policyOf = (bucket: number) => yardsticks.get(bucket)?.policy as Policy;
    const isOpen = ([bucket, yardstick]: readonly [number, Yardstick | undefined]) =>
      yardstick?.policy === undefined ||
      this.#reservesUnclearly(bucket) ||
      this.#admitsMoreThan(yardstick, bucket);
    const clock = this.#findClocks()?.shared;
    if (clock === undefined || [...yardsticks].some(isOpen)) return undefined;
    const withDenials = this.#provesDenialsOf(buckets);
    const demands = new GroupDemands(this.#table, {
      ...{ buckets, groups, clock, withDenials, resetsOf: this.#resets, machines: this.#machines },
      measureOf: (bucket) => yardsticks.get(bucket) as Yardstick,
    });
    const start = { startQuanta: 0, isStartFree: false };
    const ideal = idealGroup(demands, buckets, policyOf);
    const proof = demands.isProvable ? findOrder(demands, ideal, start) : undefined;
    if (proof === undefined) return undefined;
    const state = withDenials ? STATE.proved : STATE.admissionsProved;
    return { state, buckets, resets: demands.resets, clock, proof: { replay: proof.replay }, fullQuanta: 0 };
  }

  #yardstickOf(bucket: number): Yardstick | undefined {
    return yardstickOf(this.#promise, this.#table.policyOf(bucket), this.#history.header);
  }

  /** A failure policy denies without the bucket, and a move may lose refill. */
  #provesDenialsOf(buckets: readonly number[]): boolean {
    const mayDeny = (bucket: number) => this.#hasFallback(bucket) || this.#movesOf(bucket).length > 0;
    return !this.declaresDenials && provesDenials(this.#promise) && !buckets.some(mayDeny);
  }

  #proveGroups(groups: Groups, withFindings: readonly BucketResult[]): void {
    if (this.#whyNone !== '') return;
    const accused = new Set(
      withFindings.filter((result) => this.#isAccused(result)).map(({ bucket }) => bucket),
    );
    for (const buckets of groups.all.values()) {
      if (buckets.some((bucket) => accused.has(bucket))) continue;
      const state = this.#findGroup(groups, buckets)?.state ?? STATE.open;
      for (const bucket of buckets) this.#states[bucket] = state;
    }
  }

  /** Counts the buckets, with those of the findings. */
  count(
    withFindings: readonly BucketResult[],
    isWithinBound: (result: BucketResult) => boolean,
  ): ProofCounts {
    if (this.#groups !== undefined) this.#proveGroups(this.#groups, withFindings);
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
    if (!this.#convicts) return STATE.open;
    const { over, denials, replay, windows } = result;
    const convictsDenials = !this.declaresDenials && !traitsOf(this.#history.header.strategy).windowBound;
    if (windows.length > 0 || (denials.length > 0 && convictsDenials)) return STATE.convicted;
    if (this.#promise.type !== 'token-bucket' || over.drops.length + replay.findings.length === 0)
      return STATE.open;
    return isWithinBound(result) ? STATE.withinBound : STATE.convicted;
  }

  #hasFallback(bucket: number): boolean {
    return this.#some(bucket, (kind) => (kind & KIND.fallback) !== 0);
  }

  /** Whether a cost of 0 was denied, which cannot be right. */
  #deniesNothing(bucket: number): boolean {
    const isDenied = (kind: number) => (kind & (KIND.outcome | KIND.merged)) === KIND.denied;
    return this.#some(bucket, (kind, cost) => isDenied(kind) && cost <= 0);
  }

  /** Whether one admission took more than an unused limiter holds, which cannot be right. */
  #admitsMoreThan({ fullQuanta, quantaPerToken }: Yardstick, bucket: number): boolean {
    const isAdmitted = (kind: number) => (kind & (KIND.outcome | KIND.merged)) === KIND.allowed;
    return this.#some(bucket, (kind, cost) => isAdmitted(kind) && cost * quantaPerToken > fullQuanta);
  }

  /** Whether a proof cannot say when which tokens of a reservation were taken. */
  #reservesUnclearly(bucket: number): boolean {
    return reservesOfSeveral(this.#table, bucket) || holdsUnknown(this.#table, bucket);
  }

  #some(bucket: number, isSuch: (kind: number, cost: number) => boolean): boolean {
    const { starts, kinds, costTokens } = this.#table;
    for (let row = starts[bucket] as number; row < (starts[bucket + 1] as number); row++)
      if (isSuch(kinds[row] as number, costTokens[row] as number)) return true;
    return false;
  }
}

function whyNone(
  { header, end, outcomes, parts }: History,
  { openAtEndMissing = false, isComplete = false }: CheckOptions,
): string {
  const { allowed, denied, failed, info } = outcomes;
  if (traitsOf(header.strategy).windowBound) return `${header.strategy} promises less than an ideal bucket`;
  if (parts?.isWhole === false) return 'requests of a part of the run are missing';
  const others = end?.sample?.others ?? 0;
  if (end !== undefined && end.sent !== allowed + denied + failed + info + others)
    return 'operations are missing from the history';
  if (end === undefined && !openAtEndMissing && !isComplete) return 'the history has no end';
  return '';
}
