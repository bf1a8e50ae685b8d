import { type Bucket, refill } from '../../src/core/bucket.ts';
import type { Policy } from '../../src/core/policy.ts';

/** Gives tokens back, at most until the bucket is full. */
export function refund(
  bucket: Bucket,
  policy: Policy,
  { tokens, nowUs }: { tokens: number; nowUs: number },
): Bucket {
  const { levelQuanta, updatedAtUs } = refill(bucket, policy, nowUs);
  const missing = policy.capacityQuanta - levelQuanta;
  return { levelQuanta: levelQuanta + Math.min(tokens * policy.quantaPerToken, missing), updatedAtUs };
}
