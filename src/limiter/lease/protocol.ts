import type { Policy } from '../../core/policy.ts';

/**
 * The protocol of the `lease` strategy. Home is the bucket's one authority (a key in Redis, changed by one script);
 * holders are the processes that borrow tokens from it and decide in memory. A holder sends requests, home answers
 * each with a reply; both may be lost, late, doubled and out of order.
 *
 * A lease is an account at home: `granted`, `used` and `returned`, all counted from its opening. *Outstanding* is
 * granted - used - returned as home knows it, *left* the same as the holder knows it, *unspent* is outstanding less what
 * the holder has used and home has not heard of.
 *
 * Invariant. Let `ideal` be an exact bucket of the policy from which every admission is taken at its true time. Then
 *
 *     ideal >= level + sum of unspent                    (1)
 *     capacity >= level + sum of outstanding             (2)
 *     of every lease that its holder can still spend from, and of every reply that it can still accept, home
 *       has the account, and its unspent >= left         (3)
 *
 * so an admission, which takes from some left >= cost, finds ideal >= cost, and nothing is admitted that one bucket
 * would not have admitted. Sketch of the proof, step by step:
 *   time      home refills up to capacity - outstanding. Where the ideal bucket is full, (1) follows from (2); where
 *             it is not, it gains at least as much as level.
 *   grant     moves tokens from level to outstanding and unspent: both sums stay. It reaches the holder by a reply: (3).
 *   admission ideal, unspent and left fall by the cost; outstanding stays until home is told, for which (2) has room.
 *   settle    `used` and `returned` only grow and home keeps the largest it has heard, so a late or doubled message
 *             says nothing new. What was returned left the holder before it was said: (3). Level gains what unspent
 *             and outstanding lose: (1), (2).
 *   repeat    a request that home has answered is answered again with the same `granted` and a new term.
 *   end       the holder spends until its own clock is a term past the *sending* of a request that was answered;
 *             home takes the account back a term and the margin after *handling* it. By then the holder has stopped,
 *             if its clock loses, and home's gains by steps, no more than the margin together: (3) asks nothing
 *             of an account that is gone. What home does not know counts as spent: (1).
 *   opening   only the first request of a lease opens its account, and a lease's name is never used again. A first
 *             request that comes once more when its account is gone opens it anew, perhaps with less: the holder takes
 *             `granted` as home has it, and what nobody accepts is kept until it is taken back.
 *   failover  home falls back to an earlier state of its own, which has every grant that was accepted (`acked`).
 *             Between then and now ideal lost only what was admitted, thus what was unspent in that state, and gained
 *             what time gives: (1). What is forgotten is news of tokens used or returned: outstanding is larger.
 *   expiry    the key ends when nothing is outstanding and the level has refilled: then it equals a new bucket.
 * A forward step of home's clock by s makes level at most min(capacity, refill * s) too large. One that passes the
 * margin lets home take back what a holder still spends: no more than the capacity. So does a restart without state.
 * test/lease-exploration.test.ts visits every state of small configurations and, for each rule below, the
 * shortest way to go wrong without it.
 */
export interface LeaseTerms {
  readonly policy: Policy;
  /** How long a grant lasts at its holder, from the sending of the request that is answered. */
  readonly leaseUs: number;
  /** How much longer home waits: at least what a holder's clock can lose in a lease plus what home's can jump ahead. */
  readonly marginUs: number;
}

/** A lease's name. `holder` is drawn anew by every start of a process, `lease` counts its leases of one bucket. */
export interface LeaseName {
  readonly holder: number;
  readonly lease: number;
}

/** From a holder to home. Tokens are whole tokens; `used` and `returned` count from the opening of the lease. */
export interface Request extends LeaseName {
  /** 1 opens the lease. A request that is asked again keeps its number. */
  readonly seq: number;
  readonly used: number;
  readonly returned: number;
  /** The most tokens that it asks for; 0 only renews, or returns. */
  readonly want: number;
  /** Fewer than this are of no use now; at most `want`. */
  readonly need: number;
  /** The holder's monotonic clock before sending; the reply brings it back. */
  readonly sentAtUs: number;
}

/** From home to a holder. `granted` counts from the opening of the lease. */
export interface Reply extends LeaseName {
  /** `ended`: nothing is outstanding, or it was taken back; `stale`: a later request has been handled. */
  readonly account: 'open' | 'ended' | 'stale';
  readonly seq: number;
  readonly granted: number;
  readonly sentAtUs: number;
  /** Home's level after the grant. */
  readonly levelQuanta: number;
  /** Accounts at home, this one included: between so many is the level shared. */
  readonly borrowers: number;
  readonly atUs: number;
}

/** What keeps the promise, each by name, so that tests can do without one. Everybody else takes `RULES`. */
export interface Rules {
  /** Home: level + outstanding stay within the capacity. */
  readonly outstandingTakesRoom: boolean;
  /** Holder: tokens are gone before the message that returns them. */
  readonly returnsLeaveFirst: boolean;
  /** `used` counts from the opening of the lease, not from the message before. */
  readonly usedIsCumulative: boolean;
  /** Home: a message of an account that is gone changes nothing. */
  readonly endedAccountsStayEnded: boolean;
  /** Holder: a term begins before its request is sent, not when the reply comes. */
  readonly termBeginsAtSending: boolean;
  /** Holder: the end of the term is read at every decision, not by a timer. */
  readonly termIsReadAtEveryDecision: boolean;
  /** Holder: its clock never steps back. */
  readonly holderClockIsMonotonic: boolean;
  /** Holder: an unanswered request is asked again by its number. */
  readonly askedAgainByTheSameNumber: boolean;
  /** Home: the key lives at least until the last account is taken back. */
  readonly keyOutlivesAccounts: boolean;
  /** Home: and from then until the level has refilled. */
  readonly keyOutlivesRefill: boolean;
  /** Home: an account is taken back a margin after its term. */
  readonly takenBackAfterMargin: boolean;
  /** Home: what is outstanding in an account that is taken back was spent. */
  readonly unknownIsSpent: boolean;
  /** A reply is accepted when every replica that can be promoted has what it says. */
  readonly grantsAreAcked: boolean;
  /** Holder: `granted` is what the last reply says, also where an account was opened anew with less. */
  readonly grantedIsAsHomeHasIt: boolean;
  /** Home: a repeat renews the term, and is a write: WAIT covers writes of its own connection only. */
  readonly repeatsAreWritten: boolean;
  /** A process that starts again is another holder. */
  readonly restartIsAnotherHolder: boolean;
}

export const RULES: Rules = {
  outstandingTakesRoom: true,
  returnsLeaveFirst: true,
  usedIsCumulative: true,
  endedAccountsStayEnded: true,
  termBeginsAtSending: true,
  termIsReadAtEveryDecision: true,
  holderClockIsMonotonic: true,
  askedAgainByTheSameNumber: true,
  keyOutlivesAccounts: true,
  keyOutlivesRefill: true,
  takenBackAfterMargin: true,
  unknownIsSpent: true,
  grantsAreAcked: true,
  grantedIsAsHomeHasIt: true,
  repeatsAreWritten: true,
  restartIsAnotherHolder: true,
};
