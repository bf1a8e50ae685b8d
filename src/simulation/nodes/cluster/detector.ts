import type { Gossip } from './messages.ts';
import type { Peer } from './peer.ts';
import type { View } from './view.ts';

/** CLUSTER_FAIL_REPORT_VALIDITY_MULT and CLUSTER_FAIL_UNDO_TIME_MULT, node timeouts. */
const REPORT_TIMEOUTS = 2;
const UNDO_TIMEOUTS = 2;
/** Nodes in the gossip of one message: a tenth of the cluster, at least so many. */
const LEAST_GOSSIP = 3;
/** Every tenth cron one of so many random nodes is pinged, that with the oldest PONG. */
const PING_CANDIDATES = 5;
/** How far the clock of another node may be ahead. */
const CLOCK_TOLERANCE_MS = 500;

export interface DetectorOptions {
  readonly view: View;
  readonly nodeTimeoutMs: number;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Sends a PING on the open link, and notes when. */
  readonly ping: (peer: Peer) => void;
  /** A node was found to be down by a majority: tells all. */
  readonly announceFailure: (peer: Peer) => void;
  /** What this node knows has changed. */
  readonly changed: () => void;
}

/**
 * Failure detection as cluster_legacy.c of Redis 8 has it. A node that does not answer a PING within the node timeout is
 * suspected (PFAIL). It is failed (FAIL) once a majority of the primaries suspected it within twice the timeout.
 */
export class FailureDetector {
  readonly #options: DetectorOptions;
  #iteration = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
  }

  /** Ten times a second: pings, frees silent links, and suspects. `isHolding`: pings it all the time. */
  cron(isHolding: Peer | undefined): void {
    if (++this.#iteration % 10 === 0) this.#pingOldest();
    for (const peer of this.#options.view.others) this.#look(peer, isHolding === peer);
  }

  /** A PONG on the link to this node. */
  answered(peer: Peer): void {
    const { nowMs, changed } = this.#options;
    peer.pongMs = nowMs();
    peer.pingMs = 0;
    if (peer.isSuspected) {
      peer.isSuspected = false;
      changed();
    } else if (peer.isFailed) this.#forgive(peer);
  }

  /** Another node says that this one failed. */
  failed(peer: Peer): void {
    if (peer.isFailed || peer === this.#options.view.self) return;
    [peer.isFailed, peer.isSuspected] = [true, false];
    peer.failedMs = this.#options.nowMs();
    this.#options.changed();
  }

  /** What to say of others in a PING or PONG to this node: some random ones, and all that are suspected. */
  gossipFor(receiver: Peer | undefined): Gossip[] {
    const { view, random } = this.#options;
    let fresh = view.peers.length - 2;
    const wanted = Math.min(fresh, Math.max(LEAST_GOSSIP, Math.floor(view.peers.length / 10)));
    const chosen = new Set<Peer>();
    for (let tries = wanted * 3; fresh > 0 && chosen.size < wanted && tries > 0; tries--) {
      const peer = view.peers[Math.floor(random() * view.peers.length)] as Peer;
      if (peer === view.self || peer === receiver || peer.isSuspected || chosen.has(peer)) continue;
      fresh--;
      if (peer.link !== undefined || view.slotsOf(peer) > 0) chosen.add(peer);
    }
    const suspected = view.suspected === 0 ? [] : this.#suspected();
    return [...chosen, ...suspected].map((peer) => ({
      node: peer.name,
      isFailing: peer.isDown,
      pongS: Math.floor(peer.pongMs / 1_000),
    }));
  }

  /** No more than when `cron` last began. */
  #suspected(): Peer[] {
    const { peers, suspected } = this.#options.view;
    return peers.filter(({ isSuspected }) => isSuspected).slice(0, suspected);
  }

  hear(sender: Peer, gossip: readonly Gossip[]): void {
    const { view, nowMs } = this.#options;
    for (const { node, isFailing, pongS } of gossip) {
      const peer = view.get(node);
      if (peer === view.self) continue;
      if (!sender.isReplica) {
        if (isFailing) {
          peer.reports.set(sender, nowMs());
          this.#failIfAgreed(peer);
        } else this.#withdraw(peer, sender);
      }
      if (isFailing || peer.pingMs !== 0 || this.#countReports(peer) > 0) continue;
      const pongMs = pongS * 1_000;
      if (pongMs <= nowMs() + CLOCK_TOLERANCE_MS && pongMs > peer.pongMs) peer.pongMs = pongMs;
    }
  }

  #pingOldest(): void {
    const { view, random, ping } = this.#options;
    let oldest: Peer | undefined;
    for (let tries = 0; tries < PING_CANDIDATES; tries++) {
      const peer = view.peers[Math.floor(random() * view.peers.length)] as Peer;
      if (peer === view.self || peer.link === undefined || peer.pingMs !== 0) continue;
      if (oldest === undefined || oldest.pongMs > peer.pongMs) oldest = peer;
    }
    if (oldest !== undefined) ping(oldest);
  }

  #look(peer: Peer, isHolding: boolean): void {
    const { nodeTimeoutMs, nowMs, ping, view, changed } = this.#options;
    const now = nowMs();
    const half = Math.floor(nodeTimeoutMs / 2);
    const pingAgeMs = now - peer.pingMs;
    const silentMs = now - peer.heardMs;
    const isOld = peer.link !== undefined && now - peer.link.createdMs > nodeTimeoutMs;
    if (isOld && peer.pingMs !== 0 && pingAgeMs > half && silentMs > half) {
      peer.link?.free();
      peer.link = undefined; // opened again by the next cron
    }
    const isDue = peer.pingMs === 0 && now - peer.pongMs > half;
    if (peer.link !== undefined && (isDue || isHolding)) {
      ping(peer);
      return;
    }
    if (peer.pingMs === 0 || Math.min(pingAgeMs, silentMs) <= nodeTimeoutMs || peer.isDown) return;
    peer.isSuspected = true;
    if (!view.self.isReplica && view.size === 1) this.#failIfAgreed(peer);
    changed();
  }

  /** FAIL needs a majority of all primaries with slots; this node counts if it is one. */
  #failIfAgreed(peer: Peer): void {
    const { view, announceFailure } = this.#options;
    if (!peer.isSuspected || peer.isFailed) return;
    const own = view.self.isReplica ? 0 : 1;
    if (this.#countReports(peer) + own < view.quorum) return;
    this.failed(peer);
    announceFailure(peer);
  }

  /** A replica that answers is up again; a primary only if, after two node timeouts, no other node has its slots. */
  #forgive(peer: Peer): void {
    const { view, nodeTimeoutMs, nowMs, changed } = this.#options;
    const isOld = nowMs() - peer.failedMs > nodeTimeoutMs * UNDO_TIMEOUTS;
    if (!peer.isReplica && view.slotsOf(peer) > 0 && !isOld) return;
    peer.isFailed = false;
    changed();
  }

  #withdraw(peer: Peer, sender: Peer): void {
    if (peer.reports.delete(sender)) this.#countReports(peer);
  }

  /** Reports that are still valid. */
  #countReports({ reports }: Peer): number {
    const { nodeTimeoutMs, nowMs } = this.#options;
    const oldest = nowMs() - nodeTimeoutMs * REPORT_TIMEOUTS;
    for (const [by, atMs] of reports) if (atMs < oldest) reports.delete(by);
    return reports.size;
  }
}
