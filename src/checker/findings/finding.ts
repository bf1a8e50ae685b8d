import { isReserved, stepsAfter } from '../../history/columns/reservation-rows.ts';
import type { OperationName, OperationTable } from '../../history/columns/table.ts';
import type { Outcome, Stated } from '../../history/records/operation.ts';
import type { LieReason } from '../stated/lies.ts';

export type FindingKind = 'over-admission' | 'false-denial' | 'replay' | 'window' | 'dishonest';

/** One violation among those of a finding. */
export interface Moment {
  readonly atUs: number;
  readonly operation: OperationName;
  /** The size of the violation. */
  readonly tokens: number;
}

/**
 * What came back of a reservation at its settlement (`allowed`), did not (`failed`), or may have, at a settlement without
 * a reply or at its expiry (`info`). `lastUs` is null if unknown.
 */
export interface ReturnedLine {
  readonly outcome: Exclude<Outcome, 'denied'>;
  readonly tokens: number;
  readonly invokedUs: number;
  readonly lastUs: number | null;
}

/** An operation in a proof. Times of the recorder; `lastUs` is null if unknown. */
export interface WitnessLine {
  readonly operation: OperationName;
  readonly region: string;
  /** The service of the region, where it has several. */
  readonly instance?: string;
  readonly outcome: Outcome;
  readonly cost: number;
  readonly invokedUs: number;
  readonly lastUs: number | null;
  /** Of a reservation. */
  readonly returned?: readonly ReturnedLine[];
  /** Of a replay: the content of the reply. `level` in tokens. */
  /** Of a stated value: the values of the reply. */
  readonly stated?: Stated;
  readonly decision?: { readonly node: string; readonly bucketUs: number; readonly level: number };
}

/** An operation that can have taken tokens before a false denial, at `takenUs` at the latest. */
export interface ContextLine extends WitnessLine {
  readonly takenUs: number;
  /** The lowest level after it. Tokens. */
  readonly lowestAfter: number;
}

/**
 * The computation of the lowest level at a false denial. Each step refills the level up to `takenUs`, at most to the
 * capacity, and subtracts its cost; then refill up to `atUs`.
 */
export interface DenialContext {
  /** Tokens before the first step. A full bucket, unless the start is unknown or there are too many steps. */
  readonly startLevel: number;
  /** The moment of `startLevel`; null for a full bucket and for the start of the history. */
  readonly startUs: number | null;
  /** The moment of the lowest level within the denial. */
  readonly atUs: number;
  readonly steps: readonly ContextLine[];
}

/** The violations that one checker found in one bucket. */
export interface Finding {
  readonly kind: FindingKind;
  readonly bucket: string;
  /** The name of its policy, if that has one. */
  readonly policy?: string;
  readonly count: number;
  readonly first: Moment;
  readonly worst: Moment;
  readonly last: Moment;
  /** The broken inequality with its numbers. */
  readonly inequality: string;
  /** Operations that prove it; each is necessary. */
  readonly witness: readonly WitnessLine[];
  /** The number of operations in the proof, if `witness` has only the first ones and the last two. */
  readonly witnessCount?: number;
  /** Of a stated value: what is wrong with it, as a short name. */
  readonly reason?: LieReason;
  /** Of a false denial, or of a level that was stated too low. Not a part of the proof: leaving out an operation only raises the level. */
  readonly context?: DenialContext;
}

/** One bucket that admitted more than any ideal bucket could have. Amounts are tokens. */
export interface OverAdmissionFinding extends Finding {
  readonly totalExcess: number;
  /** 0 if refunds cover the excess of every single window. */
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

/** A bucket in a finding. */
export function placeOf(table: OperationTable, bucket: number): Pick<Finding, 'bucket' | 'policy'> {
  const policy = table.policyNameOf(bucket);
  return { bucket: table.nameOf(bucket), ...(policy !== '' && { policy }) };
}

export function witnessLine(table: OperationTable, row: number, quantaPerToken?: number): WitnessLine {
  const lastUs = table.lastUs(row);
  const { levels } = table;
  return {
    operation: table.operationOf(row),
    region: table.regionOf(row),
    ...(table.instanceOf(row) !== '' && { instance: table.instanceOf(row) }),
    outcome: table.outcomeOf(row),
    cost: table.costTokens[row] as number,
    invokedUs: table.invokedUs[row] as number,
    lastUs: knownUs(lastUs),
    ...(isReserved(table, row) && { returned: returnedOf(table, row) }),
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

/** Without an expiry that the settlement came before. */
function returnedOf(table: OperationTable, take: number): ReturnedLine[] {
  const lines = stepsAfter(table, take)
    .filter((row) => (table.costTokens[row] as number) <= 0)
    .map((row) => {
      const outcome = table.outcomeOf(row) as ReturnedLine['outcome'];
      return {
        outcome,
        tokens: outcome === 'failed' ? 0 : 0 - (table.costTokens[row] as number),
        invokedUs: table.invokedUs[row] as number,
        lastUs: knownUs(table.lastUs(row)),
      };
    });
  const settledUs = lines.find(({ outcome }) => outcome === 'allowed')?.lastUs ?? Number.POSITIVE_INFINITY;
  return lines.filter(({ outcome, invokedUs }) => outcome !== 'info' || settledUs > invokedUs);
}

function knownUs(us: number): number | null {
  return us === Number.POSITIVE_INFINITY ? null : us;
}

interface Violation {
  readonly row: number;
  readonly tokens: number;
}

/** The first, worst and last violation, in the order of time; undefined without any. */
export function findMoments(
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
