import type { Policy } from '../../core/policy.ts';
import { type Account, advance, type Home, outstandingTokens, roomBeside } from './home.ts';

/** Bytes of a key as lua/lease.lua writes it, read: what is at home, and the accounts of those who borrowed. */
export type StoredHome = Omit<Home, 'keyExpiresAtUs'>;

const FIELDS = 7;
/** A lease and its margin are two hours at most; a clock may have been set back meanwhile. */
const FARTHEST_US = 86_400_000_000;

/**
 * The accounts that follow time and level in a key; undefined where it has none, or where these numbers are levels of
 * policies: an account ends near the bucket's own time, which no level is.
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

/** A home brought up to now on its node's clock. Microseconds, whole tokens. */
export interface HomeNow {
  readonly levelQuanta: number;
  /** How far its own time is ahead of the clock. */
  readonly aheadUs: number;
  readonly lent: { readonly tokens: number; readonly holders: number };
  /** How long until the level is so many quanta, no more than the capacity, if home hears of nobody any more. */
  readonly untilUs: (quanta: number) => number;
}

export function homeNow(stored: StoredHome, policy: Policy, nowUs: number): HomeNow {
  const home = advance({ ...stored, keyExpiresAtUs: Number.POSITIVE_INFINITY }, policy, nowUs);
  return {
    levelQuanta: home.levelQuanta,
    aheadUs: home.updatedAtUs - nowUs,
    lent: {
      tokens: home.accounts.reduce((sum, account) => sum + outstandingTokens(account), 0),
      holders: home.accounts.length,
    },
    untilUs: (quanta) => reachedAtUs(home, policy, quanta) - nowUs,
  };
}

/** By refill within the room beside what is lent, which grows with each account that is taken back. */
function reachedAtUs(home: Home, policy: Policy, quanta: number): number {
  const { accounts, levelQuanta, updatedAtUs } = home;
  const nextUs = Math.min(...accounts.map(({ takenBackAtUs }) => takenBackAtUs));
  const atUs = updatedAtUs + Math.max(0, Math.ceil((quanta - levelQuanta) / policy.quantaPerUs));
  const hasRoom = quanta <= roomBeside(accounts, policy).capacityQuanta;
  if (accounts.length === 0 || (hasRoom && atUs <= nextUs)) return atUs;
  return reachedAtUs(advance(home, policy, nextUs), policy, quanta);
}
