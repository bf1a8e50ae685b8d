/**
 * What one region spent of a bucket at one instant of its own clock. `quanta` is the total of that instant: it only
 * grows, so of two copies the larger is the newer.
 */
export interface Spend {
  readonly region: string;
  /** The life of the region's memory in which it was spent: a region that lost its memory begins another. */
  readonly epochUs: number;
  readonly atUs: number;
  readonly quanta: number;
}

/** Spends in the order of time, one for each region, epoch and instant: a grow-only set. */
export type Spends = readonly Spend[];

/**
 * The union of two sets, of each instant the larger total. It is commutative, associative and idempotent, so batches
 * that come late, twice or in another order change nothing.
 */
export function mergeSpends(a: Spends, b: Spends): Spends {
  const merged = new Map<string, Spend>();
  for (const spend of [...a, ...b]) {
    const known = merged.get(idOf(spend));
    if (known === undefined || known.quanta < spend.quanta) merged.set(idOf(spend), spend);
  }
  return [...merged.values()].sort(compare);
}

function idOf({ region, epochUs, atUs }: Spend): string {
  return `${atUs} ${epochUs} ${region}`;
}

/** By time. Spends of one instant leave the same level in any order; the rest makes equal sets equal lists. */
function compare(a: Spend, b: Spend): number {
  return a.atUs - b.atUs || a.epochUs - b.epochUs || (a.region < b.region ? -1 : a.region > b.region ? 1 : 0);
}
