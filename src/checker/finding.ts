import type { Outcome } from '../history/operation.ts';
import type { OperationName, OperationTable } from '../history/table.ts';

export type FindingKind = 'over-admission' | 'false-denial' | 'replay' | 'window';

/** One violation among those of a finding. */
export interface Moment {
  readonly atUs: number;
  readonly operation: OperationName;
  /** How much it is off. */
  readonly tokens: number;
}

/** An operation as evidence shows it. Times of the recorder; `lastUs` is null where it is not known. */
export interface WitnessLine {
  readonly operation: OperationName;
  readonly region: string;
  readonly outcome: Outcome;
  readonly cost: number;
  readonly invokedUs: number;
  readonly lastUs: number | null;
  /** Of a replay: what the reply said. `level` in tokens. */
  readonly decision?: { readonly node: string; readonly bucketUs: number; readonly level: number };
}

/** One operation that can have taken from the bucket before a false denial, at `takenUs` at the latest. */
export interface ContextLine extends WitnessLine {
  readonly takenUs: number;
  /** Tokens: the lowest level after it. */
  readonly lowestAfter: number;
}

/**
 * How the lowest level at a false denial comes about. Each line: the level before it, refilled up to `takenUs` and no
 * further than the capacity, less its cost; then refill up to `atUs`.
 */
export interface DenialContext {
  /** Tokens before the first line; full, unless nothing is known of the start or there were too many lines. */
  readonly startLevel: number;
  /** The moment of `startLevel`; null where it is that of a full bucket or of the start of the history. */
  readonly startUs: number | null;
  /** The moment within the denial at which the level was lowest. */
  readonly atUs: number;
  readonly steps: readonly ContextLine[];
}

/** What one checker holds against one bucket. */
export interface Finding {
  readonly kind: FindingKind;
  readonly bucket: string;
  readonly count: number;
  readonly first: Moment;
  readonly worst: Moment;
  readonly last: Moment;
  /** The inequality that is broken, with its numbers. */
  readonly inequality: string;
  /** Operations that prove it; without any one of them the rest would not. */
  readonly witness: readonly WitnessLine[];
  /** How many they are, where `witness` has only the first and the last two of them. */
  readonly witnessCount?: number;
  /** Of a false denial: taken away, an operation only raises the level, so none of these is part of the proof. */
  readonly context?: DenialContext;
}

/** One bucket that admitted more than any ideal bucket could have. Amounts are tokens. */
export interface OverAdmissionFinding extends Finding {
  readonly totalExcess: number;
  /** 0 when refunds leave no single window in excess. */
  readonly worstWindow: number;
  readonly window: WindowInTokens;
}

export interface WindowInTokens {
  readonly startUs: number;
  readonly endUs: number;
  readonly operations: number;
  readonly admitted: number;
  /** capacity + refill * length, clock slack included. */
  readonly allowance: number;
}

export function witnessLine(table: OperationTable, row: number, quantaPerToken?: number): WitnessLine {
  const lastUs = table.lastUs(row);
  const { levels } = table;
  return {
    operation: table.operationOf(row),
    region: table.regionOf(row),
    outcome: table.outcomeOf(row),
    cost: table.costTokens[row] as number,
    invokedUs: table.invokedUs[row] as number,
    lastUs: lastUs === Number.POSITIVE_INFINITY ? null : lastUs,
    ...(quantaPerToken === undefined || levels === undefined
      ? {}
      : {
          decision: {
            node: levels.nodeName(row),
            bucketUs: levels.bucketUs(row),
            level: levels.of(row) / quantaPerToken,
          },
        }),
  };
}

interface Violation {
  readonly row: number;
  readonly tokens: number;
}

/** First, worst and last of the violations, in the order of time; undefined of none. */
export function momentsOf(
  table: OperationTable,
  violations: Iterable<Violation>,
): Pick<Finding, 'count' | 'first' | 'worst' | 'last'> | undefined {
  const moment = ({ row, tokens }: Violation): Moment => ({
    atUs: Math.min(table.lastUs(row), Number.MAX_SAFE_INTEGER),
    operation: table.operationOf(row),
    tokens,
  });
  let count = 0;
  let [first, worst, last]: (Violation | undefined)[] = [];
  for (const next of violations) {
    count++;
    first ??= next;
    last = next;
    if (worst === undefined || Math.abs(next.tokens) > Math.abs(worst.tokens)) worst = next;
  }
  if (first === undefined || worst === undefined || last === undefined) return undefined;
  return { count, first: moment(first), worst: moment(worst), last: moment(last) };
}
