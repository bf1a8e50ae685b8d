import type { Policy } from '../core/policy.ts';

const written = new WeakMap<Policy, readonly [capacity: string, refill: string]>();

/** A policy's first two arguments, as every script takes them; to write them anew for each take would cost a third of it. */
export function policyArgs(policy: Policy): readonly [capacity: string, refill: string] {
  const known = written.get(policy);
  if (known !== undefined) return known;
  const args = [String(policy.capacityQuanta), String(policy.quantaPerUs)] as const;
  written.set(policy, args);
  return args;
}
