import type { FailurePolicy } from '../limiter/failure-policy.ts';
import type { Plan } from '../scenario/plan.ts';

/** What the services of a plan answer while their store cannot decide: of shares, each region has one. */
export function failurePolicyOf({ onFailure, topology }: Plan): FailurePolicy {
  return onFailure === 'local-share' ? { localShare: topology.regions.length } : (onFailure ?? 'closed');
}
