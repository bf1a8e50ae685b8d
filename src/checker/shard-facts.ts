import { formatPolicy, type Policy } from '../core/policy.ts';
import type { History } from '../history/history.ts';
import type { BucketResult } from './bucket-result.ts';
import { BucketRows } from './bucket-rows.ts';
import type { ClockBounds } from './clock.ts';
import { episodesOf, type KnownClocks } from './episodes.ts';
import { Machine } from './machine.ts';
import type { EvidenceRules } from './rules.ts';
import type { Measured, ShardFacts } from './shard.ts';
import { worstWindowQuanta } from './window-excess.ts';

interface Group {
  readonly shard: number;
  readonly policy: Policy;
  buckets: number;
  readonly guilty: BucketResult[];
}

/** Measures every shard, and asks what the strategy declares for it. */
export function shardFacts(
  { header, operations: table, events, faults }: History,
  {
    guilty,
    clock,
    offsets,
    boundOf,
  }: { guilty: readonly BucketResult[]; clock: ClockBounds } & Pick<KnownClocks, 'offsets'> &
    Pick<EvidenceRules, 'boundOf'>,
): ShardFacts[] {
  const shards = episodesOf(
    { regions: header.regions, operations: table, events, faults },
    { ...clock, offsets },
  );
  const groups = new Map<string, Group>();
  const groupOf = (bucket: number): Group => {
    const [shard, policy] = [shards.of(bucket), table.policyOf(bucket)];
    const key = `${shard} ${formatPolicy(policy)}`;
    const group = groups.get(key) ?? { shard, policy, buckets: 0, guilty: [] };
    groups.set(key, group);
    return group;
  };
  for (let bucket = 0; bucket < table.bucketCount; bucket++) groupOf(bucket).buckets++;
  for (const result of guilty) if (result.over.drops.length > 0) groupOf(result.bucket).guilty.push(result);
  const rows = new BucketRows(table);
  return [...groups.values()].flatMap(({ shard, policy, buckets, guilty }) => {
    const episodes = shards.all[shard];
    if (episodes === undefined) return [];
    const bound = episodes.shard === '' ? undefined : boundOf?.(policy, episodes);
    return [
      {
        ...episodes,
        policy: formatPolicy(policy),
        buckets,
        ...largest(guilty, { rows, policy, clock }),
        ...(bound === undefined ? {} : { bound }),
      },
    ];
  });
}

/** No window exceeds by more than its bucket does in all, so the buckets are asked from the largest excess down. */
function largest(
  guilty: readonly BucketResult[],
  { rows, policy, clock }: { rows: BucketRows; policy: Policy; clock: ClockBounds },
): Pick<ShardFacts, 'largestExcess' | 'worstWindow'> {
  const machine = new Machine(policy, clock);
  const sorted = guilty.toSorted((a, b) => b.over.totalExcessQuanta - a.over.totalExcessQuanta);
  const measured = (result: BucketResult, quanta: number): Measured => ({
    bucket: rows.table.nameOf(result.bucket),
    tokens: quanta / policy.quantaPerToken,
  });
  let worstWindow: Measured = { bucket: '', tokens: 0 };
  for (const result of sorted) {
    if (measured(result, result.over.totalExcessQuanta).tokens <= worstWindow.tokens) break;
    const next = measured(result, worstWindowQuanta(rows, machine, result));
    if (next.tokens > worstWindow.tokens) worstWindow = next;
  }
  const [most] = sorted;
  return {
    largestExcess:
      most === undefined ? { bucket: '', tokens: 0 } : measured(most, most.over.totalExcessQuanta),
    worstWindow,
  };
}
