import { KIND } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { Drops } from './drops.ts';
import type { EdfTimeline } from './edf-timeline.ts';
import type { Window } from './worst-window.ts';

type Full = Pick<EdfTimeline, 'full' | 'quantaPerToken'>;

/**
 * What single admissions took beyond the capacity, in the order of their deadlines. An operation takes effect at one moment,
 * and no bucket holds more than its capacity then, whatever its interval, the clock and refunds. An extension of a
 * reservation costs what the work cost, so it is no decision.
 */
export function oversized({ table, byInvoked, count }: BucketRows, { full, quantaPerToken }: Full): Drops {
  const drops = [];
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const quanta = (table.costTokens[row] as number) * quantaPerToken - full;
    if (quanta > 0 && isDecision(table.kinds[row] as number))
      drops.push({ row, quanta, busyFromUs: table.invokedUs[row] as number });
  }
  return Drops.of(drops.sort((a, b) => table.lastUs(a.row) - table.lastUs(b.row)));
}

/** The admission that took the most beyond the capacity, as a window of its one moment; undefined if none did. */
export function largestOversized(bucket: BucketRows, machine: Full): Window | undefined {
  const [largest] = [...oversized(bucket, machine)].sort((a, b) => b.quanta - a.quanta);
  if (largest === undefined) return undefined;
  return {
    startUs: largest.busyFromUs,
    endUs: bucket.table.lastUs(largest.row),
    rows: Uint32Array.of(largest.row),
    admittedQuanta: machine.full + largest.quanta,
    allowanceQuanta: machine.full,
    refundedQuanta: 0,
  };
}

function isDecision(kind: number): boolean {
  if ((kind & (KIND.outcome | KIND.surplus)) !== KIND.allowed) return false;
  return (kind & KIND.part) === 0 || (kind & KIND.multiBucket) !== 0;
}
