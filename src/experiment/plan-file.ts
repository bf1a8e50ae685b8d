import { given } from '../core/given.ts';
import { byName, parsePolicies } from '../core/policies.ts';
import { bucketName } from '../history/columns/table.ts';
import type { FailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import { bucketOf } from '../load/target.ts';
import { busiestUsers, type LoadShape, type Users } from '../load/users.ts';
import type { Plan } from '../scenario/plan.ts';
import { isInSample } from './bucket-sample.ts';
import { writeRunFile } from './run-folder.ts';

const BUSIEST = 100;
/** Of so many times as many as a sample has on average, it nearly always has enough. */
const ENOUGH = 2;

/** More users are not written: the seed draws them again, and a string holds no million of them. */
const MOST_WRITTEN = 10_000;

/** Writes `plan.json`: the plan, and every user that was drawn for it unless there are very many. */
export async function writePlan(folder: string, plan: Plan, users: Users): Promise<void> {
  const drawn = users.length <= MOST_WRITTEN ? { drawn: { users: [...users] } } : {};
  await writeRunFile(folder, 'plan.json', `${JSON.stringify({ ...plan, ...drawn }, undefined, 2)}\n`);
}

export function shapeOf({ seed, topology: { regions }, load, policy, homes }: Plan): LoadShape {
  const { durationMs: _ofTheRun, processes: _too, warmUpMs: _before, ...shape } = load;
  const policies = Object.keys(byName(parsePolicies(policy)) ?? {});
  return { seed, regions, ...shape, ...(homes && { homes }), ...(policies.length > 0 && { policies }) };
}

/** The buckets that are expected to get the most requests, of those that are recorded; with several policies, of each of them. */
export function busiestBuckets(
  { topology: { regions }, policy, seed, sample }: Pick<Plan, 'topology' | 'policy' | 'seed' | 'sample'>,
  users: Users,
): string[] {
  const drawn = sample === undefined ? BUSIEST : Math.ceil((ENOUGH * BUSIEST) / sample);
  const busiest = busiestUsers(users, regions, drawn)
    .filter(({ name }) => isInSample({ seed, ...given({ sample }) }, bucketOf(name)))
    .slice(0, BUSIEST);
  return parsePolicies(policy).flatMap(({ name }) =>
    busiest.map((user) => bucketName(bucketOf(user.name), name)),
  );
}

/** The failure policy of a plan's services. With local shares, each service has one. */
export function failurePolicyOf({ onFailure, topology, instances = 1 }: Plan): FailurePolicy {
  const services = instances * topology.regions.length;
  return onFailure === 'local-share' ? { localShare: services } : (onFailure ?? 'closed');
}
