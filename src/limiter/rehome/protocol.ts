/**
 * How the bucket of one subject moves from one key to another, mostly in another region. An absent key is a full bucket,
 * so a bucket cannot be copied and deleted: each key that is not the subject's home has a *mark* instead, which no call
 * spends from. Every move of a subject has a number, higher than those before. Its steps, each one script on one key:
 *
 *   close  at `to`    a mark, closed(n), takes the place of what is there
 *   leave  at `from`  a mark, moved(n), takes the place of the bucket; answers its levels as of then
 *   open   at `to`    the bucket takes the place of closed(n), with those levels
 *   cancel at `to`    moved(n) takes the place of closed(n), once leave was refused for good
 *
 * Beside each key is a *record* of the last move there: its number, the last step, and the levels that left and for where. Each step
 * is sent once the reply to the one before has come, and every promotable replica has what that wrote (`acked`, `lease`).
 *
 *            close(n)         leave(n), lower n    close(n), higher n
 *   closed ◄───────── absent      opened ─────► left ─────► closed
 *     │ open(n): opened   cancel(n): cancelled ───────────────▲
 *
 * What a step finds decides: the record's number m and step, and whether m is n.
 *   close   m > n: refused. opened(n): answers so. closed(m): refused, m is unfinished. opened(m): refused, the bucket is
 *           here. left(n): refused, n is used. Otherwise it closes, also again.
 *   leave   m > n: refused. left(n): answers the same levels, to the same `to` only. closed(m): refused, m is unfinished. left(m), cancelled(m):
 *           refused, the bucket is not here. Other steps of n: refused, n is used. Otherwise it leaves.
 *   open    opened(n): answers so. Otherwise refused, but for closed(n).
 *   cancel  refused, but for closed(n).
 *
 * Invariant. Let `ideal` be an exact bucket of the policy from which every admission is taken at its true time. Let the
 * *tokens* of a subject be the levels of its buckets, brought up to now, and those that left with a move that has not
 * opened. Processes take at the home, at homes of before, and at `to` once it is closed. Then
 *
 *     ideal >= tokens (+ lent tokens that can still be spent)                                 (1)
 *     one key at most, of those at which processes take, has a bucket; all others have marks  (2)
 *
 * so an admission, which takes from some bucket, finds ideal >= cost. Sketch of the proof, step by step:
 *   close   only removes tokens: a bucket at `to` is no home's, since a home is never closed (opened(m), not left). (2): no
 *           process takes at `to` before.
 *   leave   moves tokens from the bucket to the way. Only a home leaves, and only once for all numbers: from then on the
 *           record is left(n) until the subject comes home again by a higher number. A repeat, also a late one, answers the
 *           same levels, a lower number is refused, and so is the same number for another `to`, which would open too:
 *           each level leaves once, for one home.
 *   open    moves tokens from the way to the bucket, once: closed(n) ends with it, and closed(n) is not made again, since
 *           close answers opened(n), and any later step here has a higher number. The levels are those of leave(n), which
 *           are the same in each reply. The way gains nothing while ideal refills. Its time is that of the new clock: the
 *           difference of two clocks adds nothing. A bucket that was ahead of its clock waits for it no more: what it had
 *           gained was a step of that clock, as for one key.
 *   time    a bucket gains what ideal gains, or less; marks gain nothing.
 *   failover a key falls back to an earlier state of its own, which has every step whose reply was used, and every
 *           admission: (1) as for one key. A step that was not acked is repeated. A repeat is written, since WAIT covers
 *           writes of its own connection only.
 *   death   after any step tokens stay on the way, and in no bucket: (1). Another process finishes by the same number.
 *   expiry  mark and record live `keep`, which is longer than a bucket takes to fill; no process takes at an old home, or
 *           sends a step of the move, for longer. Of a move that was not finished by then the old home is full again, and so
 *           is ideal.
 *   lease   `leave` waits until no account is open: a token that a holder still spends would have no room in the new
 *           bucket. Until then the bucket lends no more, and a holder's term is not renewed: its reply is an error, so
 *           neither holder nor home extends it.
 * Two moves at once: both may close; the first to leave wins, and the other is refused at `from`, and cancels. A move that
 * died between close and leave blocks later moves to its `to` only until it is repeated: it finishes, or cancels.
 *
 * Not covered. A wrong `from`, at which the subject has no bucket, leaves with a full one, unless a record shows it.
 * A process that takes at `to` before the move begins takes from a full bucket, as with any wrong `regionOf`. Without
 * `acked` a failover may lose a step, at most one bucket; `leave` is repeated with each repeat of a move, which mends it.
 * test/verdicts/rehome-exploration.test.ts visits every state of small configurations and, for each rule below, the
 * shortest way to go wrong without it.
 */

/** The rules that make a move safe, each by name, so that tests can switch one off. */
export const REHOME_SWITCHES = {
  /** The new home is closed before the bucket leaves the old one. */
  closesFirst: true,
  /** Leave: a mark takes the place of the bucket. */
  leavesMark: true,
  /** Open: with the levels that left. */
  levelTravels: true,
  /** Open: the way adds no refill by the difference of the clocks. */
  wayAddsNoRefill: true,
  /** Open: only what this move closed. */
  opensOnlyWhatItClosed: true,
  /** Close: a bucket that this move opened stays open. */
  openedStaysOpen: true,
  /** Every step: a number below the last one is refused. */
  lowerIsRefused: true,
  /** Leave: a repeat answers the levels of the record. */
  repeatAnswersTheSame: true,
  /** Leave: what left for one home leaves for no other by the same number. */
  leavesForOne: true,
  /** Leave: what another move took away does not leave again. */
  leavesOnce: true,
  /** Leave: what another move closed does not leave. */
  closedStays: true,
  /** Cancel: a mark stays. */
  cancelLeavesMark: true,
  /** A reset deletes no mark. */
  resetKeepsMarks: true,
  /** The mark lives until its bucket would have refilled. */
  markOutlivesRefill: true,
  /** A step's reply is used once every promotable replica has what it wrote. */
  stepsAreAcked: true,
  /** A repeated step writes. */
  repeatsAreWritten: true,
  /** Leave: waits until no account of a lease is open. */
  waitsForLent: true,
  /** A lease that is to leave renews no holder's term. */
  renewsNoTerm: true,
};

export type RehomeSwitches = Readonly<typeof REHOME_SWITCHES>;
