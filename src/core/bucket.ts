import { OpenclawError } from './errors.ts';
import type { Policy } from './policy.ts';
import { quoted } from './printable.ts';
import { timeToFullUs, timeToLevelUs } from './retry-after.ts';

/** The stored state of one bucket: a level in quanta, and the server time in microseconds at which it was true. */
export interface Bucket {
  readonly levelQuanta: number;
  readonly updatedAtUs: number;
}

/** The result of one take. `bucketUs` is the bucket's own time: the later of the clock and its last update. */
export interface TakeResult {
  readonly allowed: boolean;
  /** The level after the decision; a denial takes no tokens. */
  readonly levelQuanta: number;
  /** Time until the bucket holds the cost; 0 if allowed. */
  readonly retryAfterUs: number;
  readonly bucketUs: number;
}

/** A new bucket is full. An absent or expired key means a full bucket. */
export function fullBucket(policy: Policy, nowUs: number): Bucket {
  return { levelQuanta: policy.capacityQuanta, updatedAtUs: nowUs };
}

/** Brings a bucket up to `nowUs`. A clock that steps back adds nothing and rewinds nothing. */
export function refill(bucket: Bucket, policy: Policy, nowUs: number): Bucket {
  const elapsedUs = Math.max(0, nowUs - bucket.updatedAtUs);
  const isFull = elapsedUs >= timeToFullUs(bucket.levelQuanta, policy); // compare before multiplying: 2^53
  return {
    levelQuanta: isFull ? policy.capacityQuanta : bucket.levelQuanta + elapsedUs * policy.quantaPerUs,
    updatedAtUs: bucket.updatedAtUs + elapsedUs,
  };
}

/** Takes `costTokens` if the bucket holds them at `nowUs`. A denial leaves the bucket as it was. */
export function take(
  bucket: Bucket,
  policy: Policy,
  { costTokens, nowUs }: { costTokens: number; nowUs: number },
): { bucket: Bucket; result: TakeResult } {
  const costQuanta = costTokens * policy.quantaPerToken;
  const current = refill(bucket, policy, nowUs);
  const bucketUs = current.updatedAtUs;
  if (current.levelQuanta < costQuanta) {
    const retryAfterUs = timeToLevelUs(current.levelQuanta, costQuanta, policy) + (bucketUs - nowUs);
    return { bucket, result: { allowed: false, levelQuanta: current.levelQuanta, retryAfterUs, bucketUs } };
  }
  const levelQuanta = current.levelQuanta - costQuanta;
  return {
    bucket: { levelQuanta, updatedAtUs: bucketUs },
    result: { allowed: true, levelQuanta, retryAfterUs: 0, bucketUs },
  };
}

/** Takes a cost from each of several buckets of one subject if every bucket holds its cost; otherwise from none. */
export function takeAll(
  requests: readonly { readonly bucket: Bucket; readonly policy: Policy; readonly costTokens: number }[],
  nowUs: number,
): { allowed: boolean; taken: readonly { readonly bucket: Bucket; readonly result: TakeResult }[] } {
  const taken = requests.map(({ bucket, policy, costTokens }) => take(bucket, policy, { costTokens, nowUs }));
  if (taken.every(({ result }) => result.allowed)) return { allowed: true, taken };
  const untaken = requests.map(({ bucket, policy, costTokens }, i) => {
    const result = taken[i]?.result as TakeResult;
    const levelQuanta = result.levelQuanta + (result.allowed ? costTokens * policy.quantaPerToken : 0);
    return { bucket, result: { ...result, levelQuanta } };
  });
  return { allowed: false, taken: untaken };
}

/** Throws INVALID_COST unless the cost is a whole number of at least 1, and COST_ABOVE_CAPACITY above the capacity. */
export function checkCost(costTokens: number, policy: Policy): void {
  if (!Number.isSafeInteger(costTokens) || costTokens < 1) {
    throw new OpenclawError(
      'INVALID_COST',
      `cost must be a whole number of tokens, at least 1; found ${quoted(costTokens)}`,
    );
  }
  if (costTokens > policy.capacityTokens) {
    throw new OpenclawError(
      'COST_ABOVE_CAPACITY',
      `cost must not be above the capacity of ${policy.capacityTokens} tokens; found ${costTokens}`,
    );
  }
}
