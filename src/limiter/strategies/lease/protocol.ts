import type { Policy } from '../../../core/policy.ts';

/**
 * The protocol of the `lease` strategy. Home is the bucket's single authority: a key in Redis, changed by one script.
 * Holders are the processes that borrow tokens from it and decide in memory. A holder sends requests, and home sends a
 * reply to each; both may be lost, late, duplicated and out of order.
 *
 * A lease is an account at home: `granted`, `used` and `returned`, all counted from its opening. *Outstanding* is
 * granted - used - returned as home knows it, *left* is the same as the holder knows it, *unspent* is outstanding minus
 * the tokens that the holder has used without home knowing yet.
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
 *   admission ideal, unspent and left fall by the cost; outstanding stays until the holder reports it, for which (2) has room.
 *   settle    `used` and `returned` only grow and home keeps the largest values, so a late or repeated message
 *             changes nothing. Returned tokens leave the holder before the message is sent: (3). Level gains what
 *             unspent and outstanding lose: (1), (2).
 *   repeat    a repeated request gets a reply with the same `granted` and a new term.
 *   end       the holder spends until its own clock is a term past the *sending* of a request that was answered;
 *             home takes the account back a term and the margin after *handling* it. By then the holder has stopped,
 *             if its clock's loss and the forward steps of home's clock are together at most the margin: (3) does not
 *             concern an account that is gone. Tokens with unknown use count as spent: (1).
 *   opening   only the first request of a lease opens its account, and a lease's name is never used again. A repeated
 *             first request whose account is gone opens it again, perhaps with less: the holder takes over home's
 *             `granted`, and tokens that no holder accepts stay in the account until home takes them back.
 *   failover  home falls back to an earlier state of its own, which has every grant that was accepted (`acked`).
 *             Between then and now ideal lost only admitted tokens, which were unspent in that state, and gained
 *             its refill: (1). Lost are only reports of used or returned tokens: outstanding is larger.
 *   expiry    the key ends when nothing is outstanding and the level has refilled: then it equals a new bucket.
 * A forward step of home's clock by s makes level at most min(capacity, refill * s) too large. A step above the margin
 * lets home take back tokens that a holder still spends, at most the capacity. So does a restart without state.
 * test/verdicts/lease-exploration.test.ts visits every state of small configurations and, for each rule below, the
 * shortest way to go wrong without it.
 */
export interface LeaseTerms {
  readonly policy: Policy;
  /** How long a holder may spend a grant, from the time it sent the request. Microseconds. */
  readonly leaseUs: number;
  /** How much longer home waits: at least a holder's clock drift in a lease plus the forward steps of home's clock. */
  readonly marginUs: number;
}

/** A lease's name. Every start of a process draws another `holder`; `lease` counts its leases of one bucket. */
export interface LeaseName {
  readonly holder: number;
  readonly lease: number;
}

/** From a holder to home. Tokens are whole tokens; `used` and `returned` count from the opening of the lease. */
export interface Request extends LeaseName {
  /** 1 opens the lease. A repeated request keeps its number. */
  readonly seq: number;
  readonly used: number;
  readonly returned: number;
  /** The most tokens to borrow; 0 only renews or returns. */
  readonly want: number;
  /** The fewest tokens that are of use; at most `want`. */
  readonly need: number;
  /** The holder's monotonic clock before sending; the reply repeats it. */
  readonly sentAtUs: number;
}

/** From home to a holder. `granted` counts from the opening of the lease. */
export interface Reply extends LeaseName {
  /** `ended`: no tokens are outstanding, or home took them back; `stale`: home has handled a later request. */
  readonly account: 'open' | 'ended' | 'stale';
  readonly seq: number;
  readonly granted: number;
  readonly sentAtUs: number;
  /** Home's level after the grant. */
  readonly levelQuanta: number;
  /** The number of accounts at home, including this one, that share the level. */
  readonly borrowers: number;
  readonly atUs: number;
}

/** The rules that make the protocol safe, each by name, so that tests can switch one off. */
export const LEASE_SWITCHES = {
  /** Home: level + outstanding stay within the capacity. */
  outstandingTakesRoom: true,
  /** Holder: tokens are gone before the message that returns them. */
  returnsLeaveFirst: true,
  /** `used` counts from the opening of the lease, not from the previous message. */
  usedIsCumulative: true,
  /** Home: a message of an ended account changes nothing. */
  endedAccountsStayEnded: true,
  /** Holder: a term begins before its request is sent, not when the reply comes. */
  termBeginsAtSending: true,
  /** Holder: the end of the term is read at every decision, not by a timer. */
  termIsReadAtEveryDecision: true,
  /** Holder: its clock never steps back. */
  holderClockIsMonotonic: true,
  /** Holder: a request without a reply is repeated with its number. */
  repeatedByTheSameNumber: true,
  /** Home: the key lives at least until the last account is taken back. */
  keyOutlivesAccounts: true,
  /** Home: and from then until the level has refilled. */
  keyOutlivesRefill: true,
  /** Home: an account is taken back a margin after its term. */
  takenBackAfterMargin: true,
  /** Home: outstanding tokens of an account that is taken back count as spent. */
  unknownIsSpent: true,
  /** A reply is accepted once every promotable replica has its grant. */
  grantsAreAcked: true,
  /** Holder: `granted` is the value of the last reply, also if an account was opened again with less. */
  grantedIsAsHomeHasIt: true,
  /** Home: a repeated request renews the term and writes, since WAIT covers writes of its own connection only. */
  repeatsAreWritten: true,
  /** A restarted process is another holder. */
  restartIsAnotherHolder: true,
};

export type LeaseSwitches = Readonly<typeof LEASE_SWITCHES>;
