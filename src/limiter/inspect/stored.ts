import { type Bucket, fullBucket, refill, take, takeAll } from '../../core/bucket.ts';
import type { Policy } from '../../core/policy.ts';
import { timeToFullUs, timeToNextTokenUs } from '../../core/retry-after.ts';
import { type HomeNow, homeNow, readAccounts, readHome, type StoredHome } from '../strategies/lease/home.ts';
import { bucketAt, parseBucket, type StoredBucket } from './bucket-value.ts';

/** The value of a bucket's key on one node. */
export type Stored =
  | { readonly type: 'absent' }
  | ({ readonly type: 'bucket' } & StoredBucket)
  /** Written by strategy `lease` while tokens are lent; otherwise its key is a `bucket` with one level. */
  | ({ readonly type: 'lease' } & StoredHome)
  /** Where a move left no bucket: `closed` until it opens here, or `moved` away. */
  | { readonly type: 'mark'; readonly state: 'closed' | 'moved'; readonly move: number }
  /** Written by the published script. */
  | { readonly type: 'article'; readonly tokens?: number; readonly timestampS?: number }
  /** Written by another program. */
  | { readonly type: 'foreign'; readonly found: 'another type' | 'a string that is no bucket' };

/** The hash fields of the published script, in the order that `readStored` expects. */
export const ARTICLE_FIELDS = ['tokens', 'timestamp'] as const;

/** Parses the replies of GET and HMGET, each null for WRONGTYPE, and PTTL. */
export function readStored({
  value,
  fields,
  ttlMs,
}: {
  readonly value: Uint8Array | null;
  readonly fields: readonly unknown[] | null;
  readonly ttlMs: number;
}): Stored {
  if (value !== null) return readBucket(value);
  if (ttlMs === -2) return { type: 'absent' };
  if (fields === null) return { type: 'foreign', found: 'another type' };
  const [tokens, timestamp] = fields;
  return present(tokens) || present(timestamp)
    ? { type: 'article', ...number('tokens', tokens), ...number('timestampS', timestamp) }
    : { type: 'foreign', found: 'another type' };
}

/**
 * Little-endian doubles: the time of the last update, then the level of each policy, or one and a lease's accounts. A last
 * byte is the number of policies, whose units follow their levels, or 0 for a lease's accounts, which follow the unit.
 * A mark is the number of a move and a byte, as in lua/shared/refuse-mark.lua.
 */
function readBucket(value: Uint8Array): Stored {
  const foreign = { type: 'foreign', found: 'a string that is no bucket' } as const;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const numbers = Array.from({ length: Math.floor(value.length / 8) }, (_, i) =>
    view.getFloat64(8 * i, true),
  );
  const isWhole = numbers.every((each) => Number.isSafeInteger(each) && each >= 0);
  if (!isWhole || value.length % 8 > 1) return foreign;
  if (value.length % 8 === 1) {
    const policies = value.at(-1) ?? 0;
    const [move = 0, ...rest] = numbers;
    if (policies >= CLOSED && rest.length === 0)
      return { type: 'mark', state: policies === CLOSED ? 'closed' : 'moved', move };
    const home = policies === 0 ? readHome(numbers) : undefined;
    if (home !== undefined) return { type: 'lease', ...home };
    const bucket = parseBucket(numbers, policies);
    return bucket === undefined ? foreign : { type: 'bucket', ...bucket };
  }
  const [updatedAtUs, ...levelsQuanta] = numbers;
  if (updatedAtUs === undefined || levelsQuanta.length === 0) return foreign;
  const [levelQuanta = 0, ...lent] = levelsQuanta;
  const accounts = readAccounts(lent, updatedAtUs);
  if (accounts !== undefined) return { type: 'lease', levelQuanta, updatedAtUs, accounts };
  return { type: 'bucket', levelsQuanta, updatedAtUs };
}

/** The last byte of a closed bucket; that of a moved one is 255. */
const CLOSED = 254;

const present = (field: unknown) => field !== null && field !== undefined;

function number<Name extends string>(name: Name, field: unknown): { [name in Name]?: number } {
  const value = /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(String(field)) ? Number(field) : undefined;
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]?: number });
}

/** The current level of a bucket; of several policies, the one with the fewest tokens. Times: microseconds from now. */
export interface LevelNow {
  readonly levelTokens: number;
  /** The level of each policy, if there are several. */
  readonly levelsTokens?: readonly number[];
  /** For a lease: the whole tokens lent, and the number of holders, as home knows them. The level excludes them. */
  readonly lent?: HomeNow['lent'];
  /** For a lease: the move that waits until no token is lent. Meanwhile a take rejects with BUCKET_MOVING. */
  readonly move?: number;
  /** Exact; the published script has no quanta. */
  readonly levelQuanta?: number;
  readonly timeToNextTokenUs: number;
  readonly timeToFullUs: number;
  /** How far the bucket's own time is ahead of the deciding clock; until then it gains no tokens. */
  readonly aheadUs: number;
  /** The result of a take of one token. */
  readonly take:
    | { readonly allowed: true; readonly remainingTokens: number }
    | { readonly allowed: false; readonly retryAfterUs: number };
}

export interface Now {
  /** The node's clock, by which the exact scripts decide. */
  readonly nodeUs: number;
  /** A service's clock, by which the published script decides. */
  readonly serviceUs: number;
  /** PTTL: a key that expires is a full bucket. Negative when there is none. */
  readonly ttlMs: number;
}

/** The policies of the limiter, in its order. */
export type Policies = readonly [Policy, ...Policy[]];

/** The current level, by the arithmetic of the script that wrote the bucket; undefined if no script could decide. */
export function levelNow(stored: Stored, policies: Policies, now: Now): LevelNow | undefined {
  if (stored.type === 'article') return articleNow(stored, policies[0], now);
  if (stored.type === 'foreign' || stored.type === 'mark') return undefined;
  if (stored.type === 'lease') return leaseNow(stored, policies[0], now.nodeUs);
  const buckets = policies.map((policy, i) =>
    stored.type === 'absent' ? fullBucket(policy, now.nodeUs) : bucketAt(stored, i, policy, now.nodeUs),
  );
  const levels = buckets.map((bucket, i) => exactNow(bucket, policies[i] ?? policies[0], now.nodeUs));
  const fewest = levels.reduce((least, level) => (level.levelTokens < least.levelTokens ? level : least));
  if (levels.length === 1) return fewest;
  return {
    ...fewest,
    levelsTokens: levels.map(({ levelTokens }) => levelTokens),
    timeToFullUs: Math.max(...levels.map(({ timeToFullUs: us }) => us)),
    take: takeOfAll(buckets, policies, now.nodeUs),
  };
}

/** Allowed if every policy allows it. */
function takeOfAll(buckets: readonly Bucket[], policies: Policies, nowUs: number): LevelNow['take'] {
  const charges = buckets.map((bucket, i) => ({ bucket, policy: policies[i] ?? policies[0], costTokens: 1 }));
  const { allowed, taken } = takeAll(charges, nowUs);
  const results = taken.map(({ result }) => result);
  if (!allowed)
    return { allowed, retryAfterUs: Math.max(...results.map(({ retryAfterUs }) => retryAfterUs)) };
  const left = results.map(({ levelQuanta }, i) =>
    Math.floor(levelQuanta / (policies[i] ?? policies[0]).quantaPerToken),
  );
  return { allowed, remainingTokens: Math.min(...left) };
}

function exactNow(bucket: Bucket, policy: Policy, nowUs: number): LevelNow {
  const { levelQuanta, updatedAtUs } = refill(bucket, policy, nowUs);
  const { result } = take(bucket, policy, { costTokens: 1, nowUs });
  const aheadUs = updatedAtUs - nowUs;
  const untilFullUs = timeToFullUs(levelQuanta, policy);
  return {
    levelTokens: levelQuanta / policy.quantaPerToken,
    levelQuanta,
    timeToNextTokenUs: untilFullUs === 0 ? 0 : timeToNextTokenUs(levelQuanta, policy) + aheadUs,
    timeToFullUs: untilFullUs === 0 ? 0 : untilFullUs + aheadUs,
    aheadUs,
    take: result.allowed
      ? { allowed: true, remainingTokens: Math.floor(result.levelQuanta / policy.quantaPerToken) }
      : { allowed: false, retryAfterUs: result.retryAfterUs },
  };
}

/** The current level of home. Times assume that no holder reports any more. */
function leaseNow(stored: StoredHome, policy: Policy, nowUs: number): LevelNow {
  const { levelQuanta, aheadUs, lent, move, untilUs } = homeNow(stored, policy, nowUs);
  const { quantaPerToken, capacityQuanta } = policy;
  const wholeTokens = Math.floor(levelQuanta / quantaPerToken);
  const isFull = levelQuanta >= capacityQuanta;
  return {
    levelTokens: levelQuanta / quantaPerToken,
    lent,
    ...(move !== undefined && { move }),
    levelQuanta,
    timeToNextTokenUs: isFull ? 0 : untilUs((wholeTokens + 1) * quantaPerToken),
    timeToFullUs: isFull ? 0 : untilUs(capacityQuanta),
    aheadUs,
    take:
      wholeTokens >= 1
        ? { allowed: true, remainingTokens: wholeTokens - 1 }
        : { allowed: false, retryAfterUs: untilUs(quantaPerToken) },
  };
}

/** lua/article.lua: tokens + floor(whole seconds * rate), at most the capacity; a level above zero allows. */
function articleNow(
  stored: { readonly tokens?: number; readonly timestampS?: number },
  policy: Policy,
  { serviceUs, ttlMs }: Now,
): LevelNow {
  const { capacityTokens, refill: rate } = policy;
  const nowS = Math.floor(serviceUs / 1_000_000);
  const perSecond = (rate.tokens * 1_000_000) / rate.perUs;
  const kept = stored.tokens ?? capacityTokens;
  const timestampS = stored.timestampS ?? nowS;
  const gained = Math.max(0, Math.floor((nowS - timestampS) * perSecond));
  const tokens = gained > 0 ? Math.min(kept + gained, capacityTokens) : kept;
  const expiryUs = ttlMs >= 0 ? ttlMs * 1_000 : Number.POSITIVE_INFINITY;
  /** Time until the whole second in which the floor has added this many tokens. */
  const untilGainedUs = (gain: number) =>
    Math.min(expiryUs, Math.max(0, (timestampS + Math.ceil(gain / perSecond)) * 1_000_000 - serviceUs));
  const isFull = tokens >= capacityTokens;
  return {
    levelTokens: tokens,
    timeToNextTokenUs: isFull ? 0 : untilGainedUs(gained + 1),
    timeToFullUs: isFull ? 0 : untilGainedUs(capacityTokens - kept),
    aheadUs: Math.max(0, (timestampS - nowS) * 1_000_000),
    take:
      tokens > 0
        ? { allowed: true, remainingTokens: Math.max(0, Math.floor(tokens - 1)) }
        : { allowed: false, retryAfterUs: untilGainedUs(1 - kept) },
  };
}
