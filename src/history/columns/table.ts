import type { Policy } from '../../core/policy.ts';
import { OUTCOMES, type Outcome, type Stated } from '../records/operation.ts';
import type { Interner } from './interner.ts';
import type { Levels } from './levels.ts';
import type { StatedColumns } from './stated.ts';

/** The kind of a row, as bits; the lowest two are its outcome. */
export const KIND = {
  allowed: 0,
  denied: 1,
  failed: 2,
  info: 3,
  /** The two bits that hold the outcome. */
  outcome: 3,
  /** A further charge of the row before, or its surplus; not an operation of its own. */
  part: 4,
  /** An attempt that another row of the same decision represents: an operation without a charge. */
  merged: 8,
  /** Its operation has several charges. */
  multiBucket: 16,
  /** A possible charge beyond the cost of the row before. */
  surplus: 32,
  /** An attempt of a decision with others: it may have ended before the start of the history. */
  joined: 64,
  /** A failure policy decided it. */
  fallback: 128,
} as const;

/** Ends that do not fit a duration of 32 bits. */
export const DURATION = { open: 0xffff_ffff, long: 0xffff_fffe } as const;

/** The identity of an operation in its file. */
export interface OperationName {
  readonly file: string;
  readonly index: number;
}

/** The origins of operations: one entry for each file, region and instance. */
export interface Origin {
  readonly file: string;
  readonly region: string;
  /** '' where none is named. */
  readonly instance: string;
}

export interface TableColumns {
  /** Rows of bucket b are `starts[b]` to `starts[b + 1]`, in the order of recording. */
  readonly starts: Uint32Array;
  readonly invokedUs: Float64Array;
  /** Microseconds from invocation to the last moment it can have taken effect, or one of DURATION. */
  readonly durationUs: Uint32Array;
  /** Costs in tokens, in a narrow array if all fit. */
  readonly costTokens: Int32Array | Int8Array;
  /** Bits of KIND. */
  readonly kinds: Uint8Array;
  readonly origins: Uint16Array | Uint8Array;
  readonly indices: Uint32Array;
  /** How late an operation of an open load was sent, in microseconds plus 1; 0 for others. Absent for a closed load. */
  readonly latesUs?: Uint32Array | undefined;
  /** Absent if no decision has evidence of the shared bucket. */
  readonly levels?: Levels | undefined;
  /** Absent if no limiter stated anything. */
  readonly stated?: StatedColumns | undefined;
}

/**
 * All operations of a history as columns, grouped by bucket: about 19 bytes each, 28 with levels, some 5 more
 * with what was stated. Objects would take about 400 bytes each.
 */
export interface OperationTable extends Readonly<TableColumns> {
  readonly rows: number;
  readonly bucketCount: number;
  /** The rows of what reservations give back when they expire. */
  readonly expiries: ReadonlySet<number>;
  /** Whether a limiter stated anything besides yes or no. */
  readonly hasStated: boolean;
  /** Its text in the history, with the name of its policy if that has one. */
  nameOf(bucket: number): string;
  /** Its text in the history, without the policy: buckets of different policies can have the same. */
  plainNameOf(bucket: number): string;
  policyOf(bucket: number): Policy;
  /** '' for the policy of operations that name none. */
  policyNameOf(bucket: number): string;
  outcomeOf(row: number): Outcome;
  regionOf(row: number): string;
  /** The service of its region that got it; '' if none is named. */
  instanceOf(row: number): string;
  /** By number. */
  readonly allOrigins: readonly Origin[];
  /** The file of an origin. */
  fileOf(origin: number): string;
  operationOf(row: number): OperationName;
  /** What the limiter stated in its reply; undefined for attempts of one decision and for several charges. */
  statedOf(row: number): Stated | undefined;
  /** Whether it was due at a given time, like the requests of an open load. */
  isDue(row: number): boolean;
  /** From when it was due, or sent if it had no due time, to its last moment, by the clock of its recorder. */
  latencyUs(row: number): number;
  /** The last moment at which it can have taken effect; Infinity if unknown. */
  lastUs(row: number): number;
}

export interface TableNames {
  readonly buckets: readonly { readonly name: number; readonly policy: number }[];
  readonly texts: Interner;
  readonly policies: readonly { readonly name: string; readonly policy: Policy }[];
  readonly origins: readonly Origin[];
  /** Durations that do not fit into 32 bits, by row. */
  readonly longUs: ReadonlyMap<number, number>;
  readonly expiries: ReadonlySet<number>;
}

/** The name of a bucket in output: with that of its policy, if the policy has one. */
export function bucketName(name: string, policy: string): string {
  return policy === '' ? name : `${name} (${policy})`;
}

export function makeTable(columns: TableColumns, names: TableNames): OperationTable {
  const { invokedUs, origins, indices, kinds, latesUs } = columns;
  const lastUs = lastMoments(columns, names.longUs);
  const policyAt = (bucket: number) => names.policies[names.buckets[bucket]?.policy ?? 0];
  const plainNameOf = (bucket: number) => names.texts.textOf(names.buckets[bucket]?.name ?? 0);
  return {
    ...columns,
    rows: invokedUs.length,
    bucketCount: columns.starts.length - 1,
    expiries: names.expiries,
    hasStated: columns.stated !== undefined,
    statedOf: (row) => columns.stated?.of(row),
    nameOf(bucket) {
      return bucketName(plainNameOf(bucket), policyAt(bucket)?.name ?? '');
    },
    plainNameOf,
    policyNameOf: (bucket) => policyAt(bucket)?.name ?? '',
    policyOf: (bucket) => policyAt(bucket)?.policy as Policy,
    outcomeOf: (row) => OUTCOMES[(kinds[row] as number) & KIND.outcome] as Outcome,
    regionOf: (row) => names.origins[origins[row] as number]?.region ?? '',
    instanceOf: (row) => names.origins[origins[row] as number]?.instance ?? '',
    allOrigins: names.origins,
    fileOf: (origin) => names.origins[origin]?.file ?? '',
    operationOf: (row) => ({
      file: names.origins[origins[row] as number]?.file ?? '',
      index: indices[row] as number,
    }),
    isDue: (row) => (latesUs?.[row] ?? 0) > 0,
    latencyUs: (row) => lastUs(row) - (invokedUs[row] as number) + Math.max(0, (latesUs?.[row] ?? 0) - 1),
    lastUs,
  };
}

/** When operations began and how long they took, and which are judged. */
export interface TableTimes extends Pick<TableColumns, 'invokedUs' | 'durationUs' | 'kinds'> {
  /** Durations that do not fit into 32 bits, by row. */
  readonly longUs: ReadonlyMap<number, number>;
}

/** The same operations by another clock; their latencies stay those of their recorders. */
export function withTimes(table: OperationTable, times: TableTimes): OperationTable {
  const { invokedUs, durationUs, kinds, longUs } = times;
  const outcomeOf = (row: number) => OUTCOMES[(kinds[row] as number) & KIND.outcome] as Outcome;
  return { ...table, invokedUs, durationUs, kinds, outcomeOf, lastUs: lastMoments(times, longUs) };
}

function lastMoments(
  { invokedUs, durationUs }: Pick<TableColumns, 'invokedUs' | 'durationUs'>,
  longUs: ReadonlyMap<number, number>,
): (row: number) => number {
  return (row) => {
    const duration = durationUs[row] as number;
    if (duration < DURATION.long) return (invokedUs[row] as number) + duration;
    return duration === DURATION.open
      ? Number.POSITIVE_INFINITY
      : (invokedUs[row] as number) + (longUs.get(row) ?? 0);
  };
}
