import { rounded } from '../../core/units.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult, CheckerContext } from '../bucket-result.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { isOverAdmitted } from '../proofs/over-admission.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { areRightAlone, placesApart } from './places-apart.ts';
import { afterDenials } from './reasons/after-denials.ts';
import { shortUs } from './reasons/trial.ts';

export interface Judged {
  readonly history: History;
  readonly found: Pick<CheckFacts, 'promise' | 'overAdmission'>;
  readonly withFindings: readonly BucketResult[];
  readonly context: CheckerContext;
}

/** A span of one bucket with more tokens than its allowance. */
interface Span {
  readonly bucket: string;
  readonly number: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly allowance: number;
}

/** The worst span under the promise; undefined if the start of windows is unknown. */
function findWorstSpan({ history: { operations }, found, withFindings }: Judged): Span | undefined {
  const { worst } = found.overAdmission;
  if (found.promise === 'token-bucket')
    return worst && { bucket: worst.bucket, number: numberOf(operations, worst.bucket), ...worst.window };
  const [most] = withFindings.toSorted((a, b) => b.windows.mostTokens - a.windows.mostTokens);
  const window = most?.windows.worst;
  if (most === undefined || window === undefined || window.pieces !== undefined) return undefined;
  const { startUs, endUs, allowance } = window;
  return { bucket: operations.nameOf(most.bucket), number: most.bucket, startUs, endUs, allowance };
}

/** Each region admits about one whole bucket in one window: they do not share the bucket. */
export function apartSentences(judged: Judged): string[] {
  const { operations: table } = judged.history;
  const placeOf = (row: number) => table.regionOf(row);
  const apart = findApart(judged, placeOf);
  if (apart === undefined) return placesApart(judged, placeOf, 'region or target');
  const each = apart.places.map(({ place, tokens }) => `${tokens} in ${place}`).join(', ');
  return [
    `each region keeps the limit, but together they exceed it: ${apart.span.bucket} admitted ${each} in one window that allows ${rounded(apart.span.allowance, 3)}`,
  ];
}

export interface Apart {
  readonly span: Span;
  /** Those that admitted anything, the most first. */
  readonly places: readonly { readonly place: string; readonly tokens: number }[];
}

/**
 * The places of the worst window, if the two that admitted the most, or `all`, can have decided by a bucket of their own,
 * and two nearly drained theirs, in that window or in `ownTime`, from their first operation in it to their last.
 */
export function findApart(
  judged: Judged,
  placeOf: (row: number) => string,
  { all = false, ownTime = false } = {},
): Apart | undefined {
  const span = findWorstSpan(judged);
  if (span === undefined) return undefined;
  const { operations: table } = judged.history;
  const found = [...rowsByPlace(table, span, placeOf)].map(([place, rows]) => ({
    place,
    rows,
    tokens: admitted(table, rows),
    allowance: ownTime ? allowanceOf(table, rows, span) : span.allowance,
  }));
  const drained = ({ tokens, allowance }: (typeof found)[number]) => tokens / allowance;
  const places = found.filter(({ tokens }) => tokens > 0).sort((a, b) => drained(b) - drained(a));
  const [first, second] = places;
  if (first === undefined || second === undefined) return undefined;
  if (places.some(({ tokens }) => tokens > span.allowance) || drained(first) < MOST) return undefined;
  if (second.tokens < LEAST_TOKENS || drained(second) < APART) return undefined;
  const isOne = ({ rows }: { rows: readonly number[] }) =>
    keepsBucket(table, rows, { ...span, ...judged.context });
  const ones = all ? places : [first, second];
  const areAlone =
    judged.found.promise === 'token-bucket'
      ? ones.every(isOne)
      : areRightAlone(table, span.number, { placeOf, context: judged.context });
  if (!areAlone) return undefined;
  return { span, places };
}

/** What a bucket admits from the first of these operations to the last. */
function allowanceOf(table: OperationTable, rows: readonly number[], { number }: Span): number {
  const { capacityTokens, quantaPerUs, quantaPerToken } = table.policyOf(number);
  const fromUs = table.invokedUs[rows[0] ?? 0] as number;
  const untilUs = rows.reduce((last, row) => Math.max(last, table.lastUs(row)), fromUs);
  return capacityTokens + ((untilUs - fromUs) * quantaPerUs) / quantaPerToken;
}

/**
 * Whether one bucket of the policy can have decided these rows, and most of them took so little time that this says
 * something: it admits no more than that, and after a denial only what comes since, and less than the denied cost, which
 * it may have held.
 */
function keepsBucket(
  table: OperationTable,
  rows: readonly number[],
  { number, clock }: { number: number; clock: CheckerContext['clock'] },
): boolean {
  const policy = table.policyOf(number);
  const short = rows.filter((row) => table.lastUs(row) - (table.invokedUs[row] as number) <= shortUs(policy));
  if (short.length < MOST_SHORT * rows.length) return false;
  if (isOverAdmitted(BucketRows.of(table, rows), policy, clock, [])) return false;
  const byLast = rows.toSorted((a, b) => table.lastUs(a) - table.lastUs(b));
  const denied = rows.filter((row) => ((table.kinds[row] as number) & KIND.outcome) === KIND.denied);
  const held = denied.reduce((most, row) => Math.max(most, table.costTokens[row] as number), 0);
  return (
    afterDenials(table, byLast, { policy, clock }).mostBeyond < Math.max(1, held) * policy.quantaPerToken
  );
}

/** The share of operations that are short. */
const MOST_SHORT = 0.75;

/** The least share of a window's allowance that the first region admits: it nearly drains a bucket of its own. */
const MOST = 0.9;
/** One token in each of two regions is one too many at any time. */
const LEAST_TOKENS = 2;
/** The least share of a window's allowance that the second region admits. A shared bucket that leaks gives each a part. */
const APART = 0.85;

/** The admissions and denials wholly in the span, in the order of invocation. */
function rowsByPlace(
  table: OperationTable,
  { number, startUs, endUs }: Span,
  placeOf: (row: number) => string,
): Map<string, number[]> {
  const { starts, invokedUs, kinds } = table;
  const places = new Map<string, number[]>();
  for (let row = starts[number] as number; row < (starts[number + 1] as number); row++) {
    const outcome = (kinds[row] as number) & KIND.outcome;
    const isInside = (invokedUs[row] as number) >= startUs && table.lastUs(row) <= endUs;
    if ((outcome !== KIND.allowed && outcome !== KIND.denied) || !isInside) continue;
    const place = placeOf(row);
    const rows = places.get(place);
    if (rows === undefined) places.set(place, [row]);
    else rows.push(row);
  }
  for (const rows of places.values())
    rows.sort((a, b) => (invokedUs[a] as number) - (invokedUs[b] as number));
  return places;
}

function admitted({ kinds, costTokens }: OperationTable, rows: readonly number[]): number {
  return rows.reduce(
    (sum, row) =>
      ((kinds[row] as number) & KIND.outcome) === KIND.allowed ? sum + (costTokens[row] as number) : sum,
    0,
  );
}

function numberOf(table: OperationTable, bucket: string): number {
  let number = 0;
  while (number < table.bucketCount && table.nameOf(number) !== bucket) number++;
  return number;
}
