import { OpenclawError } from '../../core/errors.ts';
import { isReservationStep, stepsAfter } from './reservation-rows.ts';
import { DURATION, KIND, type OperationTable } from './table.ts';

/**
 * Merges the attempts of one decision on one bucket. If any was allowed, there was one charge, between the first
 * invocation and the first completion that allowed it. Otherwise each denial keeps its own interval, and all unanswered
 * attempts together are one open `info`. A row that another one represents is marked `merged`.
 *
 * A take and its refund may have the same id, so costs and refunds are merged separately.
 *
 * A failure policy remembers no ids. What it allowed is one admission, but gives no time for the charge of the shared
 * bucket. If the bucket allowed another attempt, that one gives the time; if not, attempts without a reply may be
 * charged in addition to the admission.
 */
export function mergeAttempts(
  table: OperationTable,
  decisions: Uint32Array,
  longUs: Map<number, number>,
): void {
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    const attempts = new Map<number, number[]>();
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const decision = decisions[row] as number;
      if (decision === 0) continue;
      const id = 3 * decision + Math.sign(table.costTokens[row] as number);
      const rows = attempts.get(id);
      if (rows === undefined) attempts.set(id, [row]);
      else rows.push(row);
    }
    for (const rows of attempts.values()) if (rows.length > 1) mergeRows(table, rows, longUs);
  }
}

function mergeRows(table: OperationTable, rows: readonly number[], longUs: Map<number, number>): void {
  const isSurplus = (row: number) => ((table.kinds[row] as number) & KIND.surplus) !== 0;
  const outcomeOf = (row: number) => (table.kinds[row] as number) & KIND.outcome;
  const charged = rows.filter((row) => !isSurplus(row));
  const surplus = rows.filter(isSurplus);
  if (!rows.some((row) => isSettlement(table, row))) checkCosts(table, charged);
  for (const row of rows) {
    table.levels?.drop(row); // it is unknown which attempt charged
    table.stated?.drop(row);
    table.kinds[row] = (table.kinds[row] as number) | KIND.joined;
  }
  const firstUs = least(rows, (row) => table.invokedUs[row] as number);
  const allowed = charged.filter((row) => outcomeOf(row) === KIND.allowed);
  const open = charged.filter((row) => outcomeOf(row) === KIND.info);
  const byBucket = allowed.filter((row) => !isFallback(table, row));
  const admitting = byBucket.length > 0 ? byBucket : allowed;
  if (admitting.length > 0) {
    const others = byBucket.length > 0 ? charged : charged.filter((row) => outcomeOf(row) !== KIND.info);
    const lastUs = least(admitting, (row) => table.lastUs(row));
    const again = new Set(byBucket.length === 0 ? [] : madeAgain(table, [...byBucket, ...open], lastUs));
    for (const row of again) table.kinds[row] = (table.kinds[row] as number) | KIND.info;
    const joined = [...admitting, ...others].filter((row) => !again.has(row));
    merge(table, longUs, { rows: joined, firstUs, lastUs });
  }
  if (byBucket.length === 0 && open.length > 0) {
    const lastUs = -least(open, (row) => -table.lastUs(row));
    const rank = (row: number) => (table.expiries.has(row) ? rankOfExpiry(table, row) : 0);
    merge(table, longUs, { rows: open.toSorted((a, b) => rank(a) - rank(b)), firstUs, lastUs });
  }
  if (surplus.length > 0) {
    const lastUs = -least(surplus, (row) => -table.lastUs(row));
    merge(table, longUs, { rows: surplus, firstUs, lastUs });
  }
}

/**
 * The attempts that may have made a reservation again, since it had expired: they began after it was made. Each may be
 * one more charge, at its own time; the limiter does not say so, and its clock decides.
 */
function madeAgain(table: OperationTable, takes: readonly number[], madeUs: number): number[] {
  const isExpiring = (row: number) => stepsAfter(table, row).some((step) => table.expiries.has(step));
  if ((table.costTokens[takes[0] ?? 0] as number) <= 0 || !takes.some(isExpiring)) return [];
  return takes.filter(
    (row) => !isFallback(table, row) && Math.floor(table.invokedUs[row] as number) > Math.ceil(madeUs),
  );
}

/** An expiry is judged with the settlement in the row before, so the one beside what was settled comes first. */
function rankOfExpiry(table: OperationTable, row: number): number {
  const kind = table.kinds[row - 1] as number;
  if (!isSettlement(table, row - 1) || (kind & KIND.merged) !== 0) return 2;
  return (kind & KIND.outcome) === KIND.allowed ? 0 : 1;
}

function isFallback({ kinds }: OperationTable, row: number): boolean {
  return ((kinds[row] as number) & KIND.fallback) !== 0;
}

function checkCosts(table: OperationTable, rows: readonly number[]): void {
  const [first = 0, ...rest] = rows;
  const other = rest.find((row) => table.costTokens[row] !== table.costTokens[first]);
  if (other === undefined) return;
  const { file, index } = table.operationOf(other);
  throw new OpenclawError(
    'INVALID_HISTORY',
    `${file}: attempts with the same decisionId must have the same cost; operation ${index} has ${table.costTokens[other]}, ` +
      `operation ${table.operationOf(first).index} has ${table.costTokens[first]}`,
  );
}

/** Of repeated settlements the first counts, so a later one may have asked for another cost. */
function isSettlement({ kinds, costTokens }: OperationTable, row: number): boolean {
  return isReservationStep(kinds[row] as number) && (costTokens[row] as number) <= 0;
}

/** Makes the first of `rows` represent all of them, with the largest cost or refund. */
function merge(
  { invokedUs, durationUs, costTokens, kinds }: OperationTable,
  longUs: Map<number, number>,
  { rows, firstUs, lastUs }: { rows: readonly number[]; firstUs: number; lastUs: number },
): void {
  const [kept = 0, ...rest] = rows;
  const cost = (row: number) => costTokens[row] as number;
  costTokens[kept] = cost(kept) < 0 ? least(rows, cost) : -least(rows, (row) => -cost(row));
  for (const row of rest) if (row !== kept) kinds[row] = (kinds[row] as number) | KIND.merged;
  invokedUs[kept] = firstUs;
  const us = lastUs - firstUs;
  durationUs[kept] =
    us < DURATION.long ? us : us === Number.POSITIVE_INFINITY ? DURATION.open : DURATION.long;
  if (durationUs[kept] === DURATION.long) longUs.set(kept, us);
}

function least(rows: readonly number[], amountOf: (row: number) => number): number {
  return rows.reduce((sofar, row) => Math.min(sofar, amountOf(row)), Number.POSITIVE_INFINITY);
}
