import type { Fallback } from '../core/bound.ts';
import { KIND, type OperationTable } from '../history/table.ts';

/**
 * When each region admitted by its failure policy, for each shard by its place. A share that a region keeps refills
 * between two such times as it does within one: they are one, from the first to the last.
 */
export function fallbacksOf(
  table: OperationTable,
  shardOf: (bucket: number) => number,
): ReadonlyMap<number, readonly Fallback[]> {
  const found = new Map<number, Map<string, Fallback>>();
  for (let bucket = 0; bucket < table.bucketCount; bucket++)
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const kind = table.kinds[row] as number;
      if ((kind & KIND.fallback) === 0 || (kind & KIND.outcome) !== KIND.allowed) continue;
      const ofShard = found.get(shardOf(bucket)) ?? new Map<string, Fallback>();
      found.set(shardOf(bucket), ofShard);
      const region = table.regionOf(row);
      const { fromUs, untilUs, admissions } = ofShard.get(region) ?? NONE;
      ofShard.set(region, {
        region,
        fromUs: Math.min(fromUs, table.invokedUs[row] as number),
        untilUs: Math.max(untilUs, table.lastUs(row)),
        admissions: admissions + 1,
      });
    }
  return new Map([...found].map(([shard, ofShard]) => [shard, [...ofShard.values()]]));
}

const NONE = { fromUs: Number.POSITIVE_INFINITY, untilUs: Number.NEGATIVE_INFINITY, admissions: 0 };
