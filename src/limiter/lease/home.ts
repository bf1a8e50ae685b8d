import { type Bucket, fullBucket, refill, timeToFullUs } from '../../core/bucket.ts';
import type { Policy } from '../../core/policy.ts';
import { type LeaseName, type LeaseTerms, type Reply, type Request, RULES, type Rules } from './protocol.ts';
import { type GrantQuestion, grantTokens } from './sizing.ts';

/** One lease at home. Whole tokens, counted from its opening. */
export interface Account extends LeaseName {
  /** The last request that was granted. */
  readonly seq: number;
  readonly granted: number;
  readonly used: number;
  readonly returned: number;
  readonly takenBackAtUs: number;
}

/** A bucket that lends: what its key holds, and until when. No key means a full bucket that lent nothing. */
export interface Home extends Bucket {
  readonly accounts: readonly Account[];
  readonly keyExpiresAtUs: number;
}

/** What a test may exchange: which rules hold, and how large a grant is. */
export interface HomeOptions {
  readonly rules?: Rules;
  readonly size?: (question: GrantQuestion) => number;
}

/** Tokens that the holder may still have, as far as home knows. */
export function outstandingTokens({ granted, used, returned }: Account): number {
  return Math.max(0, granted - used - returned);
}

/**
 * Brings home up to `nowUs`: refills up to what the outstanding tokens leave of the capacity, and takes back the
 * accounts whose time has come, each at its time, so that it makes no difference how often this is done.
 */
export function advance(
  stored: Home | undefined,
  policy: Policy,
  nowUs: number,
  { rules = RULES }: HomeOptions = {},
): Home {
  if (stored === undefined || nowUs >= stored.keyExpiresAtUs) {
    return { ...fullBucket(policy, nowUs), accounts: [], keyExpiresAtUs: nowUs };
  }
  const due = stored.accounts
    .filter(({ takenBackAtUs }) => takenBackAtUs <= nowUs)
    .sort((a, b) => a.takenBackAtUs - b.takenBackAtUs);
  let { accounts } = stored;
  let bucket: Bucket = stored;
  for (const ended of due) {
    bucket = refill(bucket, roomBeside(accounts, policy, rules), ended.takenBackAtUs);
    accounts = accounts.filter((account) => account !== ended);
    if (!rules.unknownIsSpent) bucket = credit(bucket, policy, outstandingTokens(ended));
  }
  const { levelQuanta, updatedAtUs } = refill(bucket, roomBeside(accounts, policy, rules), nowUs);
  return { levelQuanta, updatedAtUs, accounts, keyExpiresAtUs: stored.keyExpiresAtUs };
}

/**
 * Handles one request on the clock of the node: what lua/lease.lua does. `isWritten` says whether the key was, and
 * so whether the reply has to wait until replicas have it.
 */
export function handle(
  stored: Home | undefined,
  request: Request,
  { terms, nowUs, options = {} }: { terms: LeaseTerms; nowUs: number; options?: HomeOptions },
): { home: Home | undefined; reply: Reply; isWritten: boolean } {
  const { rules = RULES, size = grantTokens } = options;
  const { policy } = terms;
  const home = advance(stored, policy, nowUs, options);
  const known = home.accounts.find((account) => isOf(account, request));
  if (known === undefined && request.seq > 1) {
    const reply = answer(home, request, { account: 'ended', granted: 0, nowUs });
    if (rules.endedAccountsStayEnded) return { home: stored, reply, isWritten: false };
    const credited = { ...home, ...credit(home, policy, request.returned) };
    return { home: kept(credited, terms, rules), reply, isWritten: true };
  }
  const account = known ?? { ...nameOf(request), seq: 0, granted: 0, used: 0, returned: 0, takenBackAtUs: 0 };
  const settled = settle(account, request, rules);
  const levelQuanta = home.levelQuanta + settled.creditTokens * policy.quantaPerToken;
  const others = home.accounts.filter((other) => other !== known);
  const isRepeat = request.seq === account.seq;
  if (isRepeat && !rules.repeatsAreWritten) {
    const reply = answer(home, request, { account: 'open', granted: account.granted, nowUs });
    return { home: stored, reply, isWritten: false };
  }

  const tokens =
    request.seq <= account.seq
      ? 0
      : size({
          available: Math.floor(levelQuanta / policy.quantaPerToken),
          want: request.want,
          need: request.need,
          borrowers: others.length + 1,
        });
  const isStale = request.seq < account.seq;
  const marginUs = rules.takenBackAfterMargin ? terms.marginUs : 0;
  const changed: Account = {
    ...settled.account,
    seq: Math.max(account.seq, request.seq),
    granted: settled.account.granted + tokens,
    takenBackAtUs: isStale
      ? account.takenBackAtUs
      : Math.max(account.takenBackAtUs, home.updatedAtUs + terms.leaseUs + marginUs),
  };
  const isEnded = outstandingTokens(changed) === 0;
  const after = {
    ...home,
    levelQuanta: levelQuanta - tokens * policy.quantaPerToken,
    accounts: isEnded ? others : [...others, changed],
  };
  const state = isStale ? 'stale' : isEnded ? 'ended' : 'open';
  const reply = answer(after, request, { account: state, granted: changed.granted, nowUs });
  if (known === undefined && isEnded) return { home: stored, reply, isWritten: false };
  return { home: kept(after, terms, rules), reply, isWritten: true };
}

/** Takes note of what a message says was used and returned. The level gains no more than was outstanding. */
function settle(
  account: Account,
  request: Request,
  { usedIsCumulative }: Rules,
): { account: Account; creditTokens: number } {
  const used = usedIsCumulative ? Math.max(account.used, request.used) : account.used + request.used;
  const returned = Math.max(account.returned, request.returned);
  const stillOut = outstandingTokens({ ...account, used });
  return {
    // Of an account that was opened anew, the holder may have used more than was granted since.
    account: { ...account, used, returned, granted: Math.max(account.granted, used + returned) },
    creditTokens: Math.min(returned - account.returned, stillOut),
  };
}

/** The policy with only the room that outstanding tokens leave. */
export function roomBeside(
  accounts: readonly Account[],
  policy: Policy,
  { outstandingTakesRoom }: Rules = RULES,
): Policy {
  if (!outstandingTakesRoom) return policy;
  const out = accounts.reduce((sum, account) => sum + outstandingTokens(account), 0);
  // Where the policy was made smaller, less than nothing.
  const room = Math.max(0, policy.capacityQuanta - out * policy.quantaPerToken);
  return { ...policy, capacityQuanta: room };
}

function credit({ levelQuanta, updatedAtUs }: Bucket, policy: Policy, tokens: number): Bucket {
  const credited = Math.min(policy.capacityQuanta, levelQuanta + tokens * policy.quantaPerToken);
  return { levelQuanta: credited, updatedAtUs };
}

/**
 * Home with the time its key expires: once all accounts are taken back and the level has refilled from what they left,
 * at the latest from nothing. An expired key then equals a full bucket.
 */
function kept(home: Home, { policy }: LeaseTerms, rules: Rules): Home {
  const fullAtUs = home.updatedAtUs + timeToFullUs(home.levelQuanta, policy);
  const last = home.accounts.reduce((latest, { takenBackAtUs }) => Math.max(latest, takenBackAtUs), 0);
  if (home.accounts.length === 0 || !rules.keyOutlivesAccounts) return { ...home, keyExpiresAtUs: fullAtUs };
  const refillUs = rules.keyOutlivesRefill ? timeToFullUs(0, policy) : 0;
  return { ...home, keyExpiresAtUs: Math.max(fullAtUs, last + refillUs) };
}

function answer(
  home: Home,
  request: Request,
  { account, granted, nowUs }: { account: Reply['account']; granted: number; nowUs: number },
): Reply {
  return {
    ...nameOf(request),
    account,
    seq: request.seq,
    granted,
    sentAtUs: request.sentAtUs,
    levelQuanta: home.levelQuanta,
    borrowers: home.accounts.length,
    atUs: nowUs,
  };
}

const nameOf = ({ holder, lease }: LeaseName): LeaseName => ({ holder, lease });
const isOf = (a: LeaseName, b: LeaseName) => a.holder === b.holder && a.lease === b.lease;
