import { type Bucket, fullBucket, refill } from '../../core/bucket.ts';
import type { Policy } from '../../core/policy.ts';
import { rescaleLevel } from '../../core/rescale.ts';

/** A value of the exact scripts: a level for each policy of the limiter that wrote it, in their order. */
export interface StoredBucket {
  readonly updatedAtUs: number;
  readonly levelsQuanta: readonly number[];
  /** Of each level; absent in values of earlier versions, which have the reader's units. */
  readonly units?: readonly StoredUnit[];
  /** Those that are not given back yet; some may have expired. */
  readonly reservations?: readonly StoredReservation[];
}

/** The quanta per token of the policy that wrote a level, and the largest capacity of all policies that wrote. */
export interface StoredUnit {
  readonly quantaPerToken: number;
  readonly mostTokens: number;
}

/** The tokens that a reservation holds of each policy, given back by the next decision after it expires. */
export interface StoredReservation {
  readonly number: number;
  readonly expiresAtUs: number;
  readonly heldTokens: readonly number[];
}

/** Parses the numbers of a value and its last byte, by the layout of lua/shared/stored.lua; undefined if it has another. */
export function parseBucket(numbers: readonly number[], policies: number): StoredBucket | undefined {
  const [updatedAtUs] = numbers;
  const rest = numbers.slice(1 + 3 * policies);
  if (updatedAtUs === undefined || policies === 0) return undefined;
  if (numbers.length < 1 + 3 * policies || rest.length % (2 + policies) !== 0) return undefined;
  const terms = chunks(numbers.slice(1 + policies, 1 + 3 * policies), 2);
  if (terms.some(([quantaPerToken]) => quantaPerToken === 0)) return undefined;
  const reservations = chunks(rest, 2 + policies).map(
    ([number = 0, expiresAtUs = 0, ...heldTokens]): StoredReservation => ({
      number,
      expiresAtUs,
      heldTokens,
    }),
  );
  return {
    updatedAtUs,
    levelsQuanta: numbers.slice(1, 1 + policies),
    units: terms.map(([quantaPerToken = 1, mostTokens = 0]) => ({ quantaPerToken, mostTokens })),
    ...(reservations.length > 0 && { reservations }),
  };
}

/** The bucket of the policy at this place, as lua/shared/stored.lua reads it. A policy that was added later is full. */
export function bucketAt(stored: StoredBucket, place: number, policy: Policy, nowUs: number): Bucket {
  const { updatedAtUs, levelsQuanta, units, reservations = [] } = stored;
  const level = levelsQuanta[place];
  if (level === undefined) return fullBucket(policy, nowUs);
  const unit = units?.[place]?.quantaPerToken ?? policy.quantaPerToken;
  const bucket = { levelQuanta: rescaleLevel(level, unit, policy), updatedAtUs };
  const bucketUs = Math.max(nowUs, updatedAtUs);
  const heldTokens = reservations
    .filter(({ expiresAtUs }) => expiresAtUs <= bucketUs)
    .reduce((sum, { heldTokens: held }) => sum + (held[place] ?? 0), 0);
  if (heldTokens === 0) return bucket;
  const now = refill(bucket, policy, bucketUs);
  const room = policy.capacityQuanta - now.levelQuanta;
  return { ...now, levelQuanta: now.levelQuanta + Math.min(room, heldTokens * policy.quantaPerToken) };
}

function chunks(numbers: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.floor(numbers.length / size) }, (_, i) =>
    numbers.slice(i * size, (i + 1) * size),
  );
}
