import type { Vote } from './messages.ts';
import type { Peer } from './peers.ts';

/** The votes of one Sentinel: one for each epoch, and what others say. */
export class Votes {
  readonly #self: string;
  readonly #gaveAway: () => void;
  #own: Vote = { leader: '', epoch: 0 };
  currentEpoch = 0;

  /** Calls `gaveAway` when it votes for another: then it does not start a failover soon. */
  constructor(self: string, gaveAway: () => void) {
    this.#self = self;
    this.#gaveAway = gaveAway;
  }

  /** A later epoch is adopted. */
  hear(epoch: number): void {
    this.currentEpoch = Math.max(this.currentEpoch, epoch);
  }

  /** Votes for a candidate unless it has voted in this epoch. The result is the vote that it gave last. */
  give(candidate: string, epoch: number): Vote {
    this.hear(epoch);
    if (this.#own.epoch >= epoch || this.currentEpoch > epoch) return this.#own;
    this.#own = { leader: candidate, epoch: this.currentEpoch };
    if (candidate !== this.#self) this.#gaveAway();
    return this.#own;
  }

  /** Whether this Sentinel has a majority of all, and at least the quorum, in an epoch. It votes for the first of others. */
  isLeader(epoch: number, peers: readonly Peer[], quorum: number): boolean {
    const counts = new Map<string, number>();
    const count = (leader: string) => counts.set(leader, (counts.get(leader) ?? 0) + 1);
    for (const { vote } of peers) if (vote?.epoch === this.currentEpoch) count(vote.leader);
    const [ahead] = [...counts].sort(([, a], [, b]) => b - a);
    const own = this.give(ahead?.[0] ?? this.#self, epoch);
    if (own.epoch === epoch) count(own.leader);
    const majority = Math.floor((peers.length + 1) / 2) + 1;
    return (counts.get(this.#self) ?? 0) >= Math.max(majority, quorum);
  }
}
