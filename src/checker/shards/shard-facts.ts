import type { Admissions, DeclaredBound, Episodes } from '../../core/bound.ts';
import { formatNamed } from '../../core/policies.ts';
import type { Policy } from '../../core/policy.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { CheckOptions } from '../check-options.ts';
import type { ClockBounds } from '../clocks/bounds.ts';
import { EdfTimeline } from '../proofs/edf-timeline.ts';
import { worstWindowQuanta } from '../proofs/window-excess.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import type { Measured, ShardFacts } from './shard.ts';
import type { Shards } from './shard-events.ts';

interface Group {
  readonly episodes: Episodes | undefined;
  readonly policy: Policy;
  /** The policy with its name, if it has one. */
  readonly policyText: string;
  readonly admissions: () => Admissions;
  buckets: number;
  /** Whether a node decided all its admissions, or a failure policy. */
  isKnown: boolean;
  readonly withFindings: BucketResult[];
}

/** The shards, and whether the excess of a bucket with findings is within the bound of its shard. */
export interface FactsOfShards {
  readonly shards: readonly ShardFacts[];
  isWithinBound(result: BucketResult): boolean;
}

/** Measures every shard and computes the bound that the strategy declares for it. */
export function shardFacts(
  { operations: table }: History,
  {
    withFindings,
    clock,
    shards,
    boundOf,
  }: { withFindings: readonly BucketResult[]; clock: ClockBounds; shards: Shards } & Pick<
    CheckOptions,
    'boundOf'
  >,
): FactsOfShards {
  const groups = new Map<string, Group>();
  const groupOf = (bucket: number): Group => {
    const [shard, policy] = [shards.of(bucket), table.policyOf(bucket)];
    const policyText = formatNamed({ name: table.policyNameOf(bucket), policy });
    const key = `${shard} ${policyText}`;
    const known = groups.get(key);
    if (known !== undefined) return known;
    const episodes = shards.episodesOf(bucket);
    const admissions = () => shards.admissionsOf(bucket);
    const group = { episodes, policy, policyText, admissions, buckets: 0, isKnown: true, withFindings: [] };
    groups.set(key, group);
    return group;
  };
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    const group = groupOf(bucket);
    group.buckets++;
    group.isKnown &&= group.episodes?.shard !== '' || isOfFailurePolicy(table, bucket);
  }
  for (const result of withFindings)
    if (result.over.drops.length > 0) groupOf(result.bucket).withFindings.push(result);
  const rows = new BucketRows(table);
  const bounds = new Map<Group, DeclaredBound>();
  const facts = [...groups.values()].flatMap((group) => {
    const { episodes, policy, admissions, buckets, withFindings } = group;
    if (episodes === undefined) return [];
    const bound = group.isKnown ? boundOf?.(policy, episodes, admissions) : undefined;
    if (bound !== undefined) bounds.set(group, bound);
    return [
      {
        ...episodes,
        policy: group.policyText,
        buckets,
        ...largest(withFindings, { rows, policy, clock }),
        ...(bound === undefined ? {} : { bound }),
      },
    ];
  });
  const isWithinBound = (result: BucketResult) => {
    const group = groupOf(result.bucket);
    const { totalExcess = null, worstWindow = null } = bounds.get(group) ?? {};
    const { quantaPerToken } = group.policy;
    const totalTokens = result.over.totalExcessQuanta / quantaPerToken;
    if (totalTokens === 0) return Math.max(totalExcess ?? 0, worstWindow ?? 0) > 0; // a replay shows a loss without excess
    if (totalExcess !== null && totalTokens <= totalExcess) return true;
    if (worstWindow === null) return false;
    const machine = new EdfTimeline(group.policy, clock);
    return (
      totalTokens <= worstWindow || worstWindowQuanta(rows, machine, result) <= worstWindow * quantaPerToken
    );
  };
  return { shards: facts, isWithinBound };
}

/** Whether every admission of a bucket is by a failure policy: then no node has to be known. */
function isOfFailurePolicy(table: OperationTable, bucket: number): boolean {
  for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
    const kind = table.kinds[row] as number;
    if ((kind & KIND.outcome) === KIND.allowed && (kind & KIND.fallback) === 0) return false;
  }
  return true;
}

/**
 * The largest window excess. It is at most the bucket's total excess, so the buckets are searched from the largest total
 * down.
 */
function largest(
  withFindings: readonly BucketResult[],
  { rows, policy, clock }: { rows: BucketRows; policy: Policy; clock: ClockBounds },
): Pick<ShardFacts, 'largestExcess' | 'worstWindow'> {
  const machine = new EdfTimeline(policy, clock);
  const sorted = withFindings.toSorted((a, b) => b.over.totalExcessQuanta - a.over.totalExcessQuanta);
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
