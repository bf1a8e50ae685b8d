import { timeToLevelUs } from '../../../src/core/retry-after.ts';
import {
  type Account,
  advance,
  credit,
  type Home,
  outstandingTokens,
} from '../../../src/limiter/strategies/lease/home.ts';
import {
  LEASE_SWITCHES,
  type LeaseName,
  type LeaseSwitches,
  type LeaseTerms,
  type Reply,
  type Request,
} from '../../../src/limiter/strategies/lease/protocol.ts';
import { type GrantQuestion, grantTokens } from './sizing.ts';

/** What a test may exchange: which switches hold, and how large a grant is. */
interface HomeOptions {
  readonly switches?: LeaseSwitches;
  readonly size?: (question: GrantQuestion) => number;
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
  const { switches = LEASE_SWITCHES, size = grantTokens } = options;
  const { policy } = terms;
  const home = advance(stored, policy, nowUs, switches);
  const known = home.accounts.find((account) => isOf(account, request));
  if (known === undefined && request.seq > 1) {
    const reply = answer(home, request, { account: 'ended', granted: 0, nowUs });
    if (switches.endedAccountsStayEnded) return { home: stored, reply, isWritten: false };
    const credited = { ...home, ...credit(home, policy, request.returned) };
    return { home: kept(credited, terms, switches), reply, isWritten: true };
  }
  const account = known ?? { ...nameOf(request), seq: 0, granted: 0, used: 0, returned: 0, takenBackAtUs: 0 };
  const settled = settle(account, request, switches);
  const { levelQuanta } = credit(home, policy, settled.creditTokens);
  const others = home.accounts.filter((other) => other !== known);
  const isRepeat = request.seq === account.seq;
  if (isRepeat && !switches.repeatsAreWritten) {
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
        });
  const isStale = request.seq < account.seq;
  const marginUs = switches.takenBackAfterMargin ? terms.marginUs : 0;
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
  return { home: kept(after, terms, switches), reply, isWritten: true };
}

/** Takes note of what a message says was used and returned. The level gains no more than was outstanding. */
function settle(
  account: Account,
  request: Request,
  { usedIsCumulative }: LeaseSwitches,
): { account: Account; creditTokens: number } {
  const used = usedIsCumulative ? Math.max(account.used, request.used) : account.used + request.used;
  const returned = Math.max(account.returned, request.returned);
  const stillOut = outstandingTokens({ ...account, used });
  return {
    // Of an account that was opened once more, the holder may have used more than was granted since.
    account: { ...account, used, returned, granted: Math.max(account.granted, used + returned) },
    creditTokens: Math.min(returned - account.returned, stillOut),
  };
}

/**
 * Home with the time its key expires: once all accounts are taken back and the level has refilled from what they left,
 * at the latest from nothing, to the largest capacity of all policies that wrote. An expired key then equals a full bucket.
 */
function kept(home: Home, { policy }: LeaseTerms, switches: LeaseSwitches): Home {
  const mostQuanta = (home.mostTokens ?? policy.capacityTokens) * policy.quantaPerToken;
  const fullAtUs = home.updatedAtUs + timeToLevelUs(home.levelQuanta, mostQuanta, policy);
  const last = home.accounts.reduce((latest, { takenBackAtUs }) => Math.max(latest, takenBackAtUs), 0);
  if (home.accounts.length === 0 || !switches.keyOutlivesAccounts)
    return { ...home, keyExpiresAtUs: fullAtUs };
  const refillUs = switches.keyOutlivesRefill ? timeToLevelUs(0, mostQuanta, policy) : 0;
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
