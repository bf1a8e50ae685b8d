import type { Policy } from './policy.ts';

/** Microseconds until a level of `levelQuanta` has grown to `wantedQuanta`, rounded up. */
export function timeToLevelUs(levelQuanta: number, wantedQuanta: number, policy: Policy): number {
  // Exact for integers below 2^53: the quotient's rounding error is smaller than its distance to an integer.
  return Math.max(0, Math.ceil((wantedQuanta - levelQuanta) / policy.quantaPerUs));
}

/** Microseconds until the bucket holds its next whole token; 0 for a full bucket. */
export function timeToNextTokenUs(levelQuanta: number, policy: Policy): number {
  const nextTokens = Math.min(policy.capacityTokens, Math.floor(levelQuanta / policy.quantaPerToken) + 1);
  return timeToLevelUs(levelQuanta, nextTokens * policy.quantaPerToken, policy);
}

/** Microseconds until the bucket is full. */
export function timeToFullUs(levelQuanta: number, policy: Policy): number {
  return timeToLevelUs(levelQuanta, policy.capacityQuanta, policy);
}
