import { OpenclawError, quoted } from './errors.ts';
import type { Policy } from './policy.ts';

/** The state that limits one subject: a level in quanta, and the server's microsecond it was brought up to. */
export interface Bucket {
  readonly levelQuanta: number;
  readonly updatedAtUs: number;
}

/** What one take answers. `bucketUs` is the bucket's own time: the later of the clock and its last update. */
export interface TakeResult {
  readonly allowed: boolean;
  /** After the decision; a denial takes nothing. */
  readonly levelQuanta: number;
  /** From the caller's clock until the bucket holds the cost; 0 when allowed. */
  readonly retryAfterUs: number;
  readonly bucketUs: number;
}

/** A new bucket is full: a key that does not exist, or that expired, means this. */
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

/** Takes from several buckets of one subject what each is asked for, if every one of them holds it; else from none. */
export function takeAll(
  asked: readonly { readonly bucket: Bucket; readonly policy: Policy; readonly costTokens: number }[],
  nowUs: number,
): { allowed: boolean; taken: readonly { readonly bucket: Bucket; readonly result: TakeResult }[] } {
  const taken = asked.map(({ bucket, policy, costTokens }) => take(bucket, policy, { costTokens, nowUs }));
  if (taken.every(({ result }) => result.allowed)) return { allowed: true, taken };
  const untaken = asked.map(({ bucket, policy, costTokens }, i) => {
    const result = taken[i]?.result as TakeResult;
    const levelQuanta = result.levelQuanta + (result.allowed ? costTokens * policy.quantaPerToken : 0);
    return { bucket, result: { ...result, levelQuanta } };
  });
  return { allowed: false, taken: untaken };
}

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

/** Microseconds until a level of `levelQuanta` has grown to `wantedQuanta`, rounded up. */
function timeToLevelUs(levelQuanta: number, wantedQuanta: number, policy: Policy): number {
  // Exact for integers below 2^53: the quotient's rounding error is smaller than its distance to an integer.
  return Math.max(0, Math.ceil((wantedQuanta - levelQuanta) / policy.quantaPerUs));
}

/** Microseconds until the bucket holds its next whole token; 0 for a full one. */
export function timeToNextTokenUs(levelQuanta: number, policy: Policy): number {
  const nextTokens = Math.min(policy.capacityTokens, Math.floor(levelQuanta / policy.quantaPerToken) + 1);
  return timeToLevelUs(levelQuanta, nextTokens * policy.quantaPerToken, policy);
}

/** Microseconds until the bucket is full. */
export function timeToFullUs(levelQuanta: number, policy: Policy): number {
  return timeToLevelUs(levelQuanta, policy.capacityQuanta, policy);
}

/** Refuses a cost that is no whole number of tokens (INVALID_COST) or that no bucket of this policy can hold. */
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
