import { isReservationStep, mayGiveBack } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import { type ClockBounds, stepsAheadUs } from '../clocks/bounds.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Reset } from '../rows/resets.ts';
import type { Refund } from './refund.ts';

type EarlyClock = Pick<ClockBounds, 'rhoPpm' | 'epsilonUs' | 'steps'>;

/** What a full limiter holds, and in how many quanta a token is counted. */
export interface Fullness {
  readonly capacityTokens: number;
  readonly quantaPerToken: number;
}

interface Returned {
  readonly fromUs: number;
  readonly lastUs: number;
  readonly tokens: number;
  /** Whether it was answered, and so certainly came back within these times. */
  readonly isCertain: boolean;
}

/**
 * All that came back to a bucket, or may have, in the order of `fromUs`.
 *
 * A reservation that may expire gives back all H tokens that it held from its expiry on, or the rest H - A at its
 * settlement, never both. If it was certainly settled before, only the rest came back. If not, the rest came back at either
 * of the two, and A more only by the expiry: together H, from the earlier moment on. An expiry is a time of the limiter's
 * clock, so it may be earlier by what that clock may gain, by its steps too.
 */
export function collectRefunds(
  { table, refunds, byInvoked }: BucketRows,
  { full, clock, resets }: { full: Fullness; clock: EarlyClock; resets: readonly Reset[] },
): Refund[] {
  const { capacityTokens, quantaPerToken } = full;
  // a settlement without a reply is decided with the expiry in the next row; alone, it may only come back earlier
  const returned = new Map(refunds.map((row) => [row, returnedBy(table, row)]));
  const firstUs = table.invokedUs[byInvoked[0] ?? 0] as number;
  for (const row of refunds)
    if (mayGiveBack(table, row) && !mayGiveBack(table, row + 1))
      decideExpiry(table, row, earliest(table, row, { clock, firstUs }), returned);
  return [
    ...[...returned.values()].map(({ tokens, ...when }) => ({
      ...when,
      quanta: Math.min(tokens, capacityTokens) * quantaPerToken,
    })),
    ...resets.map(({ fromUs, lastUs }) => ({
      fromUs,
      lastUs,
      quanta: capacityTokens * quantaPerToken,
      isCertain: Number.isFinite(lastUs),
    })),
  ].sort((a, b) => a.fromUs - b.fromUs);
}

function returnedBy(table: OperationTable, row: number): Returned {
  return {
    fromUs: table.invokedUs[row] as number,
    lastUs: table.lastUs(row),
    tokens: -(table.costTokens[row] as number),
    isCertain: isCertain(table.kinds[row] as number) && Number.isFinite(table.lastUs(row)),
  };
}

/** When a reservation can have expired on the fastest possible clock. */
function earliest(
  { invokedUs }: OperationTable,
  row: number,
  { clock, firstUs }: { clock: EarlyClock; firstUs: number },
): number {
  const us = invokedUs[row] as number;
  return Math.floor(us - earlyUs(clock, Math.max(0, us - firstUs)));
}

/** By how much a reservation may expire earlier than the recorder says: the most that the limiter's clock may gain. */
function earlyUs(clock: EarlyClock, spanUs: number): number {
  return stepsAheadUs(clock) + clock.epsilonUs + (spanUs * Math.max(0, clock.rhoPpm)) / 1_000_000;
}

function decideExpiry(
  table: OperationTable,
  row: number,
  fromUs: number,
  returned: Map<number, Returned>,
): void {
  const expiry = returnedBy(table, row);
  if (!isSettlement(table, row - 1)) {
    returned.set(row, { ...expiry, fromUs, isCertain: false });
    return;
  }
  const settled = returnedBy(table, row - 1);
  const isAnswered = ((table.kinds[row - 1] as number) & KIND.outcome) === KIND.allowed;
  if (isAnswered && settled.lastUs < fromUs) {
    returned.delete(row);
    return;
  }
  const lastUs = isAnswered ? settled.lastUs : Number.POSITIVE_INFINITY;
  if (returned.has(row - 1))
    returned.set(row - 1, {
      ...settled,
      fromUs: Math.min(settled.fromUs, fromUs),
      lastUs,
      isCertain: false,
    });
  returned.set(row, {
    fromUs,
    lastUs,
    tokens: Math.max(0, expiry.tokens - settled.tokens),
    isCertain: false,
  });
}

/** Whether a refund was answered. A failure policy answers without the bucket. */
function isCertain(kind: number): boolean {
  return (kind & (KIND.outcome | KIND.fallback | KIND.merged)) === KIND.allowed;
}

/** Whether a step is a settlement that may have been made, and not one that another stands for. */
function isSettlement({ kinds, costTokens }: OperationTable, row: number): boolean {
  const kind = kinds[row] as number;
  if (!isReservationStep(kind) || (costTokens[row] as number) > 0) return false;
  return (kind & KIND.merged) === 0 && (kind & KIND.outcome) !== KIND.failed;
}
