import type { Fallback } from '../../core/bound.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';

interface Admission {
  readonly fromUs: number;
  readonly untilUs: number;
}

/**
 * The episodes in which each region admitted by its failure policy, by shard. An episode ends if no admission follows
 * within the time in which an empty bucket fills: a share is full again by then, and counting a new full share is less
 * than counting the refill in between.
 */
export function findFallbacks(
  table: OperationTable,
  shardOf: (bucket: number) => number,
): ReadonlyMap<number, readonly Fallback[]> {
  const found = new Map<number, Map<string, Admission[]>>();
  let fillUs = 0;
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const kind = table.kinds[row] as number;
      if ((kind & KIND.fallback) === 0 || (kind & KIND.outcome) !== KIND.allowed) continue;
      const { capacityQuanta, quantaPerUs } = table.policyOf(bucket);
      fillUs = Math.max(fillUs, capacityQuanta / quantaPerUs);
      const ofShard = found.get(shardOf(bucket)) ?? new Map<string, Admission[]>();
      found.set(shardOf(bucket), ofShard);
      const region = table.regionOf(row);
      const admissions = ofShard.get(region) ?? [];
      ofShard.set(region, admissions);
      admissions.push({ fromUs: table.invokedUs[row] as number, untilUs: table.lastUs(row) });
    }
  }
  return new Map(
    [...found].map(([shard, ofShard]) => [
      shard,
      [...ofShard].flatMap(([region, admissions]) => episodesIn(admissions, { region, fillUs })),
    ]),
  );
}

function episodesIn(
  admissions: readonly Admission[],
  { region, fillUs }: { readonly region: string; readonly fillUs: number },
): Fallback[] {
  const episodes: { region: string; fromUs: number; untilUs: number; admissions: number }[] = [];
  for (const { fromUs, untilUs } of admissions.toSorted((a, b) => a.fromUs - b.fromUs)) {
    const last = episodes.at(-1);
    if (last === undefined || fromUs - last.untilUs > fillUs) {
      episodes.push({ region, fromUs, untilUs, admissions: 1 });
      continue;
    }
    last.untilUs = Math.max(last.untilUs, untilUs);
    last.admissions++;
  }
  return episodes;
}
