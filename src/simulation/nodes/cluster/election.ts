import type { BusMessage } from './messages.ts';
import type { Peer } from './peer.ts';
import type { View } from './view.ts';

/** The fixed and the random part of the delay before an election, and what each better replica adds. */
const DELAY_MS = 500;
const RANDOM_MS = 500;
const RANK_MS = 1_000;
/** Votes count for two node timeouts, at least so long; the next try begins after twice that. */
const LEAST_VOTING_MS = 2_000;
/** A vote for a replica of the same primary is given once in two node timeouts. */
const VOTE_TIMEOUTS = 2;
/** `repl-ping-replica-period` and `cluster-replica-validity-factor`: older data is not promoted. */
const REPLICATION_PING_MS = 10_000;
const VALIDITY_TIMEOUTS = 10;
/** CLUSTER_MF_TIMEOUT: an ordered failover is given up after it. */
const ORDERED_MS = 5_000;

export interface ElectionOptions {
  readonly view: View;
  readonly nodeTimeoutMs: number;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** This node's replication offset. */
  readonly offset: () => number;
  /** Whole seconds since this replica heard its primary. */
  readonly ageS: () => number;
  readonly askVotes: (forced: boolean) => void;
  readonly vote: (candidate: Peer) => void;
  /** All replicas of this shard should hear of this node's offset. */
  readonly tellOffset: () => void;
  readonly askToHold: (primary: Peer) => void;
  /** This node won: it becomes the primary of its primary's slots. */
  readonly win: () => void;
  readonly changed: () => void;
}

/**
 * Elections as cluster_legacy.c of Redis 8 has them. A replica whose primary failed waits 500 ms, up to 500 ms more by
 * chance, and 1 s for each replica with more data. Then it asks all primaries for their vote in a new epoch; a majority
 * makes it the primary. An ordered failover waits instead until the replica has all of its primary, which holds writes.
 */
export class Election {
  readonly #options: ElectionOptions;
  /** Far in the past: no try. */
  #startMs = Number.NEGATIVE_INFINITY;
  #rank = 0;
  #hasAsked = false;
  #votes = 0;
  #epoch = 0;
  #orderedUntilMs = 0;
  #primaryOffset: number | undefined;
  #hasCaughtUp = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** CLUSTER FAILOVER. Returns the error, if it is refused. */
  order(): string | undefined {
    const { view, askToHold, nowMs } = this.#options;
    const { primary } = view.self;
    if (primary === undefined) return 'ERR You should send CLUSTER FAILOVER to a replica';
    if (primary.isFailed || primary.link === undefined)
      return 'ERR Master is down or failed, please use CLUSTER FAILOVER FORCE';
    this.cancelOrder();
    this.#orderedUntilMs = nowMs() + ORDERED_MS;
    askToHold(primary);
    return undefined;
  }

  cancelOrder(): void {
    this.#orderedUntilMs = 0;
    this.#primaryOffset = undefined;
    this.#hasCaughtUp = false;
  }

  /** The primary holds writes at this offset. */
  primaryHolds(offset: number): void {
    if (this.#orderedUntilMs === 0 || this.#primaryOffset !== undefined) return;
    this.#primaryOffset = offset;
    this.catchUp();
  }

  /** Looks whether an ordered failover can begin: this replica has all of its primary. */
  catchUp(): void {
    if (this.#orderedUntilMs === 0 || this.#hasCaughtUp) return;
    if (this.#primaryOffset !== this.#options.offset()) return;
    this.#hasCaughtUp = true;
    this.proceed();
  }

  /** Ten times a second. */
  cron(): void {
    if (this.#orderedUntilMs !== 0 && this.#orderedUntilMs < this.#options.nowMs()) this.cancelOrder();
    if (!this.#options.view.self.isReplica) return;
    this.catchUp();
    this.proceed();
  }

  /** A vote for this node. */
  voted(by: Peer, epoch: number): void {
    const { view } = this.#options;
    if (by.isReplica || view.slotsOf(by) === 0 || epoch < this.#epoch) return;
    this.#votes++;
    this.proceed();
  }

  /** One step towards the promotion of this replica, if its primary failed or an order is ready. */
  proceed(): void {
    const { view, nodeTimeoutMs, nowMs } = this.#options;
    const { primary } = view.self;
    const isOrdered = this.#orderedUntilMs !== 0 && this.#hasCaughtUp;
    if (primary === undefined || (!primary.isFailed && !isOrdered) || view.slotsOf(primary) === 0) return;
    if (!isOrdered && this.#isDataOld()) return;
    const votingMs = Math.max(LEAST_VOTING_MS, nodeTimeoutMs * 2);
    const sinceMs = nowMs() - this.#startMs;
    if (sinceMs > votingMs * 2) {
      this.#plan();
      return;
    }
    if (!this.#hasAsked && this.#orderedUntilMs === 0) this.#yieldToBetter();
    if (nowMs() < this.#startMs || sinceMs > votingMs) return;
    if (!this.#hasAsked) this.#ask();
    else if (this.#votes >= view.quorum) this.#win();
  }

  /** Votes for the sender if it may replace its primary: once an epoch. */
  asked(candidate: Peer, request: BusMessage & { readonly type: 'ask-vote' }): void {
    const { view, nodeTimeoutMs, nowMs, vote, changed } = this.#options;
    const { self, table } = view;
    if (self.isReplica || view.slotsOf(self) === 0) return;
    if (request.currentEpoch < view.currentEpoch || view.votedEpoch === view.currentEpoch) return;
    const { primary } = candidate;
    if (primary === undefined || (!primary.isFailed && !request.forced)) return;
    if (primary.votedMs !== 0 && nowMs() - primary.votedMs < nodeTimeoutMs * VOTE_TIMEOUTS) return;
    for (const { owner, isUnclaimed } of table.runs(request.slots.ranges))
      if (!isUnclaimed && view.get(owner ?? '').configEpoch > request.configEpoch) return;
    view.votedEpoch = view.currentEpoch;
    primary.votedMs = nowMs();
    changed();
    vote(candidate);
  }

  #isDataOld(): boolean {
    const { ageS, nodeTimeoutMs } = this.#options;
    const ageMs = ageS() * 1_000;
    const beyondMs = ageMs > nodeTimeoutMs ? ageMs - nodeTimeoutMs : ageMs;
    return beyondMs > REPLICATION_PING_MS + nodeTimeoutMs * VALIDITY_TIMEOUTS;
  }

  #plan(): void {
    const { nowMs, random, tellOffset } = this.#options;
    this.#votes = 0;
    this.#hasAsked = false;
    const isOrdered = this.#orderedUntilMs !== 0;
    this.#rank = isOrdered ? 0 : this.#currentRank();
    const delayMs = DELAY_MS + Math.floor(random() * RANDOM_MS) + this.#rank * RANK_MS;
    this.#startMs = nowMs() + (isOrdered ? 0 : delayMs);
    tellOffset();
    if (isOrdered) this.proceed();
  }

  #yieldToBetter(): void {
    const rank = this.#currentRank();
    if (rank <= this.#rank) return;
    this.#startMs += (rank - this.#rank) * RANK_MS;
    this.#rank = rank;
  }

  /** How many replicas of the same primary have more of its data. */
  #currentRank(): number {
    const { view, offset } = this.#options;
    const { self } = view;
    if (self.primary === undefined) return 0;
    return view.replicasOf(self.primary).filter((peer) => peer !== self && peer.offset > offset()).length;
  }

  #ask(): void {
    const { view, askVotes, changed } = this.#options;
    this.#epoch = ++view.currentEpoch;
    this.#hasAsked = true;
    askVotes(this.#orderedUntilMs !== 0);
    changed();
  }

  #win(): void {
    const { view, win } = this.#options;
    view.self.configEpoch = Math.max(view.self.configEpoch, this.#epoch);
    win();
    this.cancelOrder();
  }
}
