import { type Bucket, fullBucket, refill } from '../../../core/bucket.ts';
import type { Policy } from '../../../core/policy.ts';
import { rescaleLevel } from '../../../core/rescale.ts';
import { timeToLevelUs } from '../../../core/retry-after.ts';
import { LEASE_SWITCHES, type LeaseName, type LeaseSwitches } from './protocol.ts';

/** Home's account of one lease. Whole tokens, counted from its opening. */
export interface Account extends LeaseName {
  /** The last request that home granted. */
  readonly seq: number;
  readonly granted: number;
  readonly used: number;
  readonly returned: number;
  readonly takenBackAtUs: number;
}

/** A lending bucket: the value of its key and the key's expiry. No key means a full bucket without loans. */
export interface Home extends Bucket {
  /** The unit of the level; absent: that of the reader's policy, as in values of earlier versions. */
  readonly quantaPerToken?: number;
  /** The largest capacity of all policies that wrote since the key was made; absent: that of the reader. */
  readonly mostTokens?: number;
  readonly accounts: readonly Account[];
  readonly keyExpiresAtUs: number;
}

/** Tokens that the holder may still have, as far as home knows. */
export function outstandingTokens({ granted, used, returned }: Account): number {
  return Math.max(0, granted - used - returned);
}

/**
 * Brings home up to `nowUs`: refills up to the capacity minus the outstanding tokens, and takes back each expired
 * account at its own time, so the result does not depend on how often this runs. The result is in the policy's unit.
 */
export function advance(
  stored: Home | undefined,
  policy: Policy,
  nowUs: number,
  switches: LeaseSwitches = LEASE_SWITCHES,
): Home {
  if (stored === undefined || nowUs >= stored.keyExpiresAtUs) {
    const units = { quantaPerToken: policy.quantaPerToken, mostTokens: policy.capacityTokens };
    return { ...fullBucket(policy, nowUs), ...units, accounts: [], keyExpiresAtUs: nowUs };
  }
  const { quantaPerToken = policy.quantaPerToken, mostTokens = 0 } = stored;
  const due = stored.accounts
    .filter(({ takenBackAtUs }) => takenBackAtUs <= nowUs)
    .sort((a, b) => a.takenBackAtUs - b.takenBackAtUs);
  let { accounts } = stored;
  let bucket: Bucket = { ...stored, levelQuanta: rescaleLevel(stored.levelQuanta, quantaPerToken, policy) };
  for (const ended of due) {
    bucket = refill(bucket, roomBeside(accounts, policy, switches), ended.takenBackAtUs);
    accounts = accounts.filter((account) => account !== ended);
    if (!switches.unknownIsSpent) bucket = credit(bucket, policy, outstandingTokens(ended));
  }
  const { levelQuanta, updatedAtUs } = refill(bucket, roomBeside(accounts, policy, switches), nowUs);
  return {
    levelQuanta,
    updatedAtUs,
    quantaPerToken: policy.quantaPerToken,
    mostTokens: Math.max(mostTokens, policy.capacityTokens),
    accounts,
    keyExpiresAtUs: stored.keyExpiresAtUs,
  };
}

/** The policy with only the room that outstanding tokens leave. */
function roomBeside(
  accounts: readonly Account[],
  policy: Policy,
  switches: LeaseSwitches = LEASE_SWITCHES,
): Policy {
  if (!switches.outstandingTakesRoom) return policy;
  const out = accounts.reduce((sum, account) => sum + outstandingTokens(account), 0);
  // Below zero if the policy was made smaller.
  const room = Math.max(0, policy.capacityQuanta - out * policy.quantaPerToken);
  return { ...policy, capacityQuanta: room };
}

/** Gives tokens back to the level, at most until it is full. */
export function credit({ levelQuanta, updatedAtUs }: Bucket, policy: Policy, tokens: number): Bucket {
  const credited = Math.min(policy.capacityQuanta, levelQuanta + tokens * policy.quantaPerToken);
  return { levelQuanta: credited, updatedAtUs };
}

/** The parsed value of a key of lua/lease.lua: home's level, and the accounts of the borrowers. */
export type StoredHome = Omit<Home, 'keyExpiresAtUs'>;

const FIELDS = 7;
/** A lease and its margin are at most two hours; the rest allows for a clock that was set back. */
const FARTHEST_US = 86_400_000_000;

/**
 * The accounts in a key, in one of an earlier version after time and level; undefined if there are none, or if the numbers
 * are levels of policies: an account ends near the bucket's own time, and a level is not near it.
 */
export function readAccounts(numbers: readonly number[], updatedAtUs: number): Account[] | undefined {
  if (numbers.length === 0 || numbers.length % FIELDS !== 0) return undefined;
  const accounts = Array.from({ length: numbers.length / FIELDS }, (_, i): Account => {
    const [holder = 0, lease = 0, seq = 0, granted = 0, used = 0, returned = 0, takenBackAtUs = 0] =
      numbers.slice(i * FIELDS, (i + 1) * FIELDS);
    return { holder, lease, seq, granted, used, returned, takenBackAtUs };
  });
  const areAccounts = accounts.every(
    (each) => each.lease > 0 && each.seq > 0 && Math.abs(each.takenBackAtUs - updatedAtUs) <= FARTHEST_US,
  );
  return areAccounts ? accounts : undefined;
}

/** A value of lua/lease.lua with accounts, without its last byte; undefined if the numbers are none. */
export function readHome([
  updatedAtUs = 0,
  levelQuanta = 0,
  quantaPerToken = 0,
  mostTokens = 0,
  ...rest
]: readonly number[]): StoredHome | undefined {
  const accounts = readAccounts(rest, updatedAtUs);
  if (accounts === undefined || quantaPerToken < 1) return undefined;
  return { updatedAtUs, levelQuanta, quantaPerToken, mostTokens, accounts };
}

/** The holder of the account by which a move stops lending: lua/shared/accounts.lua. */
const STOP = 0;

/** The current state of home on its node's clock. Microseconds, whole tokens. */
export interface HomeNow {
  readonly levelQuanta: number;
  /** How far its own time is ahead of the node's clock. */
  readonly aheadUs: number;
  readonly lent: { readonly tokens: number; readonly holders: number };
  /** The number of the move that waits until no token is lent. Meanwhile home lends none. */
  readonly move?: number;
  /** Time until the level reaches `quanta` (at most the capacity) if no holder reports any more. */
  readonly untilUs: (quanta: number) => number;
}

export function homeNow(stored: StoredHome, policy: Policy, nowUs: number): HomeNow {
  const home = advance({ ...stored, keyExpiresAtUs: Number.POSITIVE_INFINITY }, policy, nowUs);
  const stop = home.accounts.find(({ holder }) => holder === STOP);
  return {
    levelQuanta: home.levelQuanta,
    aheadUs: home.updatedAtUs - nowUs,
    lent: {
      tokens: home.accounts.reduce((sum, account) => sum + outstandingTokens(account), 0),
      holders: home.accounts.filter(({ holder }) => holder !== STOP).length,
    },
    ...(stop && { move: stop.lease }),
    untilUs: (quanta) => reachedAtUs(home, policy, quanta) - nowUs,
  };
}

/** Refill is limited to the capacity minus lent tokens, which grows with each account that is taken back. */
function reachedAtUs(home: Home, policy: Policy, quanta: number): number {
  const { accounts, levelQuanta, updatedAtUs } = home;
  const nextUs = Math.min(...accounts.map(({ takenBackAtUs }) => takenBackAtUs));
  const atUs = updatedAtUs + timeToLevelUs(levelQuanta, quanta, policy);
  const hasRoom = quanta <= roomBeside(accounts, policy).capacityQuanta;
  if (accounts.length === 0 || (hasRoom && atUs <= nextUs)) return atUs;
  return reachedAtUs(advance(home, policy, nextUs), policy, quanta);
}
