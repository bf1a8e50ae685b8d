import { Peer } from './peer.ts';
import { SlotTable } from './slot-table.ts';

/** The cluster as one node knows it, itself included: nodes.conf has all of it that outlives the process. */
export class View {
  readonly self: Peer;
  /** All nodes in the order of the plan. */
  readonly peers: readonly Peer[];
  /** Without itself. */
  readonly others: readonly Peer[];
  readonly table: SlotTable;
  readonly #byName: ReadonlyMap<string, Peer>;
  currentEpoch = 0;
  /** The epoch in which this node voted last. */
  votedEpoch = 0;
  /** Primaries with slots, counted when the state was last looked at. */
  size = 0;
  /** Suspected nodes, counted when `cron` last began. */
  suspected = 0;

  constructor(self: string, peers: readonly string[], table = new SlotTable(peers)) {
    this.peers = peers.map((name) => new Peer(name));
    this.#byName = new Map(this.peers.map((peer) => [peer.name, peer]));
    this.self = this.get(self);
    this.others = this.peers.filter((peer) => peer !== this.self);
    this.table = table;
  }

  /** Throws RangeError for a node that is not of the cluster. */
  get(name: string): Peer {
    const peer = this.#byName.get(name);
    if (peer === undefined) throw new RangeError(`no node is called ${name}`);
    return peer;
  }

  get quorum(): number {
    return Math.floor(this.size / 2) + 1;
  }

  slotsOf(peer: Peer): number {
    return this.table.of(peer.name).size;
  }

  replicasOf(primary: Peer): readonly Peer[] {
    return this.peers.filter((peer) => peer.primary === primary);
  }

  /** The view of a process that starts with what this one saved. */
  restarted(nowMs: number): View {
    const names = this.peers.map(({ name }) => name);
    const view = new View(this.self.name, names, this.table.copy());
    for (const [at, saved] of this.peers.entries()) {
      const peer = view.peers[at] as Peer;
      peer.primary = saved.primary && view.get(saved.primary.name);
      peer.configEpoch = saved.configEpoch;
      [peer.isSuspected, peer.isFailed] = [saved.isSuspected, saved.isFailed];
      if (saved.isFailed) peer.failedMs = nowMs;
      if (saved.pingMs > 0) peer.pingMs = nowMs;
      if (saved.pongMs > 0) peer.pongMs = nowMs;
    }
    [view.currentEpoch, view.votedEpoch, view.size] = [this.currentEpoch, this.votedEpoch, this.size];
    return view;
  }
}
