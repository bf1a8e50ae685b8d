import { type Bucket, fullBucket, refill } from '../../../src/core/bucket.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { timeToLevelUs } from '../../../src/core/retry-after.ts';
import { mergeSpends, type Spend, type Spends } from './spends.ts';
import { grainUsOf, keepUsOf, MOST_OWN_SPENDS } from './window.ts';

/**
 * What one region knows of a bucket: a level at some time in the past, which no batch within the declared age can
 * change any more, and every spend after it. `lua/shared/spends.lua` is the same in Lua, to the last quantum.
 *
 * The level at t is a replay: from the base on, each spend in the order of time is subtracted from what refill has made
 * of the level until then, without a floor. Debt is what several regions took together beyond the bucket; refill pays
 * it back, so over any long time no more than the refill is spent. A spend with a time after t, of a region whose clock
 * is ahead or of this one's own clock before it stepped back, is subtracted without the refill until then.
 */
export interface SharedBucket {
  readonly base: Bucket;
  readonly spends: Spends;
  /** The policy in whose unit both are: that of the last take in this region, or of the first spend that it received. */
  readonly policy: Policy;
  /** Whether the base is full for every policy. */
  readonly isFull: boolean;
}

/** A bucket of which nothing is known: full, as a key that expired. */
export function freshBucket(policy: Policy): SharedBucket {
  return { base: fullBucket(policy, 0), spends: [], policy, isFull: true };
}

/** What a region takes from its bucket, and when on its own clock. */
export interface SharedTake {
  readonly region: string;
  readonly epochUs: number;
  readonly costQuanta: number;
  readonly nowUs: number;
  /** How late a batch may come and still change nothing wrongly. */
  readonly maxAgeUs: number;
}

export interface SharedTakeResult {
  readonly allowed: boolean;
  /** After the decision. Below zero where regions together took more than there was. */
  readonly levelQuanta: number;
  /** The latest time at which a take of this cost is admitted, if there is no other take until then. */
  readonly retryAfterUs: number;
  /** What was recorded: to be told to the other regions. */
  readonly spend?: Spend;
}

/** Takes if the level of all that is known covers the cost. A denial changes nothing. */
export function takeShared(
  known: SharedBucket,
  policy: Policy,
  take: SharedTake,
): { bucket: SharedBucket; result: SharedTakeResult } {
  const bucket = fold(readBy(known, policy), take.nowUs - keepUsOf(take.maxAgeUs));
  const nowUs = Math.max(take.nowUs, bucket.base.updatedAtUs);
  const { levelQuanta, fullUs } = replay(bucket, nowUs);
  if (levelQuanta < take.costQuanta) {
    const retryAfterUs = timeUntil(bucket, { nowUs, wantedQuanta: take.costQuanta }) + nowUs - take.nowUs;
    return { bucket: known, result: { allowed: false, levelQuanta, retryAfterUs } };
  }
  if (take.costQuanta === 0)
    return { bucket: known, result: { allowed: true, levelQuanta, retryAfterUs: 0 } };
  const spend = record(bucket, take, { nowUs, fullUs });
  return {
    bucket: { ...bucket, spends: mergeSpends(bucket.spends, [spend]) },
    result: { allowed: true, levelQuanta: levelQuanta - take.costQuanta, retryAfterUs: 0, spend },
  };
}

/** What is left at `nowUs`, by all that is known. */
export function levelAt(bucket: SharedBucket, policy: Policy, nowUs: number): number {
  return replay(readBy(bucket, policy), Math.max(nowUs, bucket.base.updatedAtUs)).levelQuanta;
}

/**
 * Adds what other regions spent. What is not after the base is left out: it is older than the declared age, and whether
 * it is in the base already cannot be told any more. The bucket keeps its policy.
 */
export function receive(
  known: SharedBucket,
  sender: Policy,
  { batch, nowUs, maxAgeUs }: { batch: Spends; nowUs: number; maxAgeUs: number },
): SharedBucket {
  const bucket = fold(known, nowUs - keepUsOf(maxAgeUs));
  const late = spendsIn(bucket.policy, batch, sender).filter(({ atUs }) => atUs > bucket.base.updatedAtUs);
  return { ...bucket, spends: mergeSpends(bucket.spends, late) };
}

/** The bucket of this policy. The level is rounded down, so nothing is minted. */
export function readBy({ base, spends, policy: by, isFull }: SharedBucket, policy: Policy): SharedBucket {
  const level = -ceilOf(-BigInt(base.levelQuanta), by, policy);
  const isBelow = !isFull && level < BigInt(policy.capacityQuanta);
  const levelQuanta = isBelow ? Number(level) : policy.capacityQuanta;
  return { base: { ...base, levelQuanta }, spends: spendsIn(policy, spends, by), policy, isFull };
}

/** Spends in quanta of another policy, rounded up; those of whole tokens need no rounding. */
function spendsIn(policy: Policy, spends: Spends, by: Policy): Spends {
  return spends.map((spend) => ({ ...spend, quanta: Number(ceilOf(BigInt(spend.quanta), by, policy)) }));
}

function ceilOf(quanta: bigint, by: Policy, policy: Policy): bigint {
  const [product, from] = [quanta * BigInt(policy.quantaPerToken), BigInt(by.quantaPerToken)];
  return product / from + (product % from > 0n ? 1n : 0n); // BigInt rounds to zero
}

/** Puts all spends until `horizonUs` into the base. The level at any later time stays what it is. */
function fold(bucket: SharedBucket, horizonUs: number): SharedBucket {
  if (horizonUs <= bucket.base.updatedAtUs) return bucket;
  const { policy } = bucket;
  let { base } = bucket;
  const old = bucket.spends.filter(({ atUs }) => atUs <= horizonUs);
  for (const { atUs, quanta } of old) base = spent(refill(base, policy, atUs), quanta);
  return {
    ...{ policy, base: refill(base, policy, horizonUs), spends: bucket.spends.slice(old.length) },
    isFull: bucket.isFull && old.length === 0,
  };
}

/** The level, and when it was last that of a full bucket. */
function replay(
  { base, spends, policy }: SharedBucket,
  nowUs: number,
): { levelQuanta: number; fullUs: number } {
  let bucket = base;
  let fullUs = Number.NEGATIVE_INFINITY;
  let aheadQuanta = 0;
  const advance = (atUs: number) => {
    bucket = refill(bucket, policy, atUs);
    if (bucket.levelQuanta === policy.capacityQuanta) fullUs = atUs;
  };
  for (const { atUs, quanta } of spends) {
    if (atUs > nowUs) {
      aheadQuanta += quanta;
      continue;
    }
    advance(atUs);
    bucket = spent(bucket, quanta);
  }
  advance(nowUs);
  return { levelQuanta: bucket.levelQuanta - aheadQuanta, fullUs };
}

function spent({ levelQuanta, updatedAtUs }: Bucket, quanta: number): Bucket {
  return { levelQuanta: levelQuanta - quanta, updatedAtUs };
}

/**
 * The spend to record, with what the same entry already holds. One may join an earlier spend of its region where the
 * bucket has not been full since: then the level at any later time is the same, independent of later merges,
 * since more spends never make a bucket full that was not. Where that is never so, in a bucket that is used just as
 * fast as it fills, spends beyond MOST_OWN_SPENDS wait for the end of their grain: later than the truth, so the level
 * is never too high.
 */
function record(
  { base, spends }: SharedBucket,
  { region, epochUs, costQuanta, maxAgeUs }: SharedTake,
  { nowUs, fullUs }: { nowUs: number; fullUs: number },
): Spend {
  const grainUs = grainUsOf(maxAgeUs);
  const own = spends.filter((spend) => spend.region === region && spend.epochUs === epochUs);
  const last = own.findLast(({ atUs }) => atUs <= nowUs);
  const joins = last !== undefined && last.atUs >= fullUs && nowUs - last.atUs < grainUs;
  const ownUs = own.length < MOST_OWN_SPENDS ? nowUs : Math.ceil(nowUs / grainUs) * grainUs;
  const atUs = joins ? last.atUs : Math.max(base.updatedAtUs + 1, ownUs);
  const before = own.find((spend) => spend.atUs === atUs)?.quanta ?? 0;
  return { region, epochUs, atUs, quanta: before + costQuanta };
}

/** Until the level has certainly grown to what is wanted: by the last spend's time, or by refill after it. */
function timeUntil(
  bucket: SharedBucket,
  { nowUs, wantedQuanta }: { nowUs: number; wantedQuanta: number },
): number {
  const lastUs = Math.max(nowUs, bucket.spends.at(-1)?.atUs ?? 0);
  const { levelQuanta } = replay(bucket, lastUs);
  return lastUs - nowUs + timeToLevelUs(levelQuanta, wantedQuanta, bucket.policy);
}
