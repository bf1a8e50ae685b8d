import { bucketName } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import type { CheckFacts, ContestedCounts } from './facts.ts';

/**
 * Counts the contested buckets. Where the busiest are known and there are several policies, also those of the policy with
 * the smallest share: a policy that was never at its limit is not tested by the others.
 */
export function countContested(
  { operations: table, header }: Pick<History, 'operations' | 'header'>,
  contested: ReadonlyMap<number, number>,
  busiest: readonly string[],
): CheckFacts['contested'] {
  const buckets = [...contested.keys()];
  const names = new Set(busiest.length === 0 ? [] : buckets.map((bucket) => table.nameOf(bucket)));
  const countOf = (some: readonly string[]) => some.filter((bucket) => names.has(bucket)).length;
  const all = { buckets: contested.size, busiest: countOf(busiest), ofBusiest: busiest.length };
  const policies = plannedPolicies({ header }, { busiest });
  if (policies.length < 2) return all;
  const byPolicy = policies.map((policy): ContestedCounts & { policy: string } => {
    const own = busiest.filter((bucket) => bucket.endsWith(bucketName('', policy)));
    const ofPolicy = buckets.filter((bucket) => table.policyNameOf(bucket) === policy);
    return { policy, buckets: ofPolicy.length, busiest: countOf(own), ofBusiest: own.length };
  });
  return { ...all, least: byPolicy.reduce((least, next) => (next.busiest < least.busiest ? next : least)) };
}

/** The policies of a plan, each of which is to be tested; none of a history without one. */
export function plannedPolicies(
  { header }: Pick<History, 'header'>,
  { busiest }: Pick<CheckOptions, 'busiest'>,
): readonly string[] {
  return busiest.length === 0 ? [] : Object.keys(header.policies ?? {});
}
