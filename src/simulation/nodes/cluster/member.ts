import { keySlot } from '../../../limiter/redis/hash-slot.ts';
import type { End, Network, Place } from '../../network.ts';
import type { ScriptCommand, SlotsView } from '../messages.ts';
import type { ServerProcess } from '../process.ts';
import type { ClusterRules, Server } from '../server.ts';
import { BusLink } from './bus-link.ts';
import { Configuration } from './configuration.ts';
import { FailureDetector } from './detector.ts';
import { Election } from './election.ts';
import { Health } from './health.ts';
import { type Body, type BusMessage, bytesOf } from './messages.ts';
import type { Peer } from './peer.ts';
import { slotsView } from './slots-view.ts';
import type { View } from './view.ts';

/** `clusterCron` of Redis. */
const CRON_US = 100_000;
const START_CRON_US = 1_000;
/** How long a primary holds writes for an ordered failover. */
const HOLD_MS = 5_000;

export interface MemberOptions {
  readonly network: Network;
  readonly process: ServerProcess;
  readonly place: Place & { readonly node: string };
  readonly server: Server;
  readonly view: View;
  readonly nodeTimeoutMs: number;
  /** Whether it serves at once: the cluster has been formed just now. */
  readonly isFormed: boolean;
  /** Milliseconds since 1970 by its clock. */
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Its role or its slots may have changed. */
  readonly changed: () => void;
}

/**
 * One process as a member of a Redis Cluster: its bus, what it knows of the others, and what of the keys it serves.
 * Modelled from cluster_legacy.c of Redis 8. Left out: handshakes, forgetting nodes, replica migration, public messages.
 */
export class Member implements ClusterRules {
  readonly view: View;
  readonly #options: MemberOptions;
  readonly #health: Health;
  readonly #detector: FailureDetector;
  readonly #configuration: Configuration;
  readonly #election: Election;
  readonly #listening: { close(): void };
  /** The replica for whose ordered failover this primary holds writes, until when. */
  #holding: { readonly replica: Peer; readonly untilMs: number } | undefined;
  #hasChanged = false;
  #mustBroadcast = false;

  constructor(options: MemberOptions) {
    const { view, network, place, process, nodeTimeoutMs, nowMs, random, server, isFormed } = options;
    this.#options = options;
    this.view = view;
    this.#health = new Health(view, { nodeTimeoutMs, isOk: isFormed });
    const changed = () => {
      this.#hasChanged = true;
    };
    const shared = { view, nodeTimeoutMs, nowMs, random, changed };
    this.#detector = new FailureDetector({
      ...shared,
      ping: (peer) => this.#ping(peer),
      announceFailure: ({ name }) => this.#toAll({ type: 'fail', node: name }),
    });
    this.#configuration = new Configuration({
      ...{ view, changed, follow: (primary) => this.#follow(primary) },
      correct: (receiver, owner) => this.#correct(receiver, owner),
      broadcast: () => {
        this.#mustBroadcast = true;
      },
    });
    this.#election = new Election({
      ...shared,
      offset: () => server.offset,
      ageS: () => server.ageS,
      askVotes: (forced) => this.#toAll({ type: 'ask-vote', forced }),
      vote: (candidate) => this.#send(candidate, { type: 'vote' }),
      tellOffset: () => this.#pongTo(view.others.filter((peer) => this.#isOfShard(peer))),
      askToHold: (primary) => this.#send(primary, { type: 'hold-writes' }),
      win: () => this.#promote(),
    });
    this.#listening = network.listen<BusMessage, BusMessage>({ node: place.node, port: 'bus' }, (end) => {
      const socket = process.socket();
      return {
        message: (message) => socket.run(() => this.#act(() => this.#hear(message, end))),
        closed: () => {},
      };
    });
    // A server begins with it; the nodes of a formed cluster started at different times.
    const firstUs = isFormed ? Math.floor(random() * CRON_US) : START_CRON_US;
    process.every(CRON_US, firstUs, () => this.#act(() => this.#cron()));
  }

  get isOk(): boolean {
    return this.#health.isOk;
  }

  /** CLUSTER FAILOVER. Returns the error, if it is refused. */
  orderFailover(): string | undefined {
    let refusal: string | undefined;
    this.#act(() => {
      refusal = this.#election.order();
    });
    return refusal;
  }

  /** Gets a slot of which it has the keys. */
  takeSlot(slot: number): void {
    this.#act(() => this.#configuration.take(slot));
  }

  /** Gives a slot to a node that has taken it. */
  giveSlot(slot: number, to: string): void {
    this.#act(() => this.#configuration.give(slot, this.view.get(to)));
  }

  refuse({ keys, slot = keySlot(keys[0] ?? ''), onReplica }: ScriptCommand): string | undefined {
    const { table, self } = this.view;
    if (keys.length > 1 && keys.some((key) => keySlot(key) !== slot))
      return "CROSSSLOT Keys in request don't hash to the same slot";
    const owner = table.ownerOf(slot);
    if (owner === undefined) return 'CLUSTERDOWN Hash slot not served';
    if (!this.#health.isOk) return 'CLUSTERDOWN The cluster is down';
    if (owner === self.name || (onReplica && owner === self.primary?.name)) return undefined;
    return `MOVED ${slot} ${owner}`;
  }

  slots(): readonly SlotsView[] {
    return slotsView(this.view, this.#options.server.offset);
  }

  /** Its process ends. */
  close(): void {
    this.#listening.close();
  }

  /** Runs a step, and then what Redis does before it sleeps. */
  #act(step: () => void): void {
    step();
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    if (hasChanged) this.#health.update(this.#options.nowMs());
    if (this.#mustBroadcast) this.#pongTo(this.view.others);
    this.#mustBroadcast = false;
    if (hasChanged) this.#options.changed();
  }

  #cron(): void {
    this.view.suspected = this.view.peers.filter(({ isSuspected }) => isSuspected).length;
    for (const peer of this.view.others) if (peer.link === undefined) this.#open(peer);
    this.#detector.cron(this.#holding?.replica);
    if (this.#holding !== undefined && this.#holding.untilMs < this.#options.nowMs()) this.#release();
    this.#election.cron();
    if (!this.#health.isOk) this.#hasChanged = true;
  }

  #open(peer: Peer): void {
    const { network, process, place, nowMs } = this.#options;
    let wasOpened = false;
    const link = new BusLink({
      ...{ network, process, place, to: peer.name, createdMs: nowMs() },
      opened: () => {
        wasOpened = true;
        const pendingMs = peer.pingMs;
        this.#ping(peer);
        if (pendingMs !== 0) peer.pingMs = pendingMs;
      },
      message: (message) => this.#act(() => this.#hear(message, undefined)),
      closed: () => {
        if (peer.link === link) peer.link = undefined;
        if (!wasOpened && peer.pingMs === 0) peer.pingMs = nowMs(); // refused: as if a PING had no answer
      },
    });
    peer.link = link;
  }

  /** `inbound`: the other end of a connection that the sender opened. */
  #hear(message: BusMessage, inbound: End<BusMessage> | undefined): void {
    const sender = this.view.get(message.sender);
    this.#learn(sender, message);
    if (message.type === 'ping' || message.type === 'pong') {
      if (message.type === 'ping' && inbound !== undefined) this.#reply(inbound);
      if (message.type === 'pong' && inbound === undefined) this.#detector.answered(sender);
      this.#configuration.hear(sender, message);
      this.#detector.hear(sender, message.gossip);
    } else if (message.type === 'fail') this.#detector.failed(this.view.get(message.node));
    else if (message.type === 'ask-vote') this.#election.asked(sender, message);
    else if (message.type === 'vote') this.#election.voted(sender, message.currentEpoch);
    else if (message.type === 'update')
      this.#configuration.update(this.view.get(message.node), message.epoch, message.claims);
    else this.#hold(sender, inbound);
  }

  /** What every message says of its sender. */
  #learn(sender: Peer, message: BusMessage): void {
    const { view } = this;
    sender.heardMs = this.#options.nowMs();
    view.currentEpoch = Math.max(view.currentEpoch, message.currentEpoch);
    sender.configEpoch = Math.max(sender.configEpoch, message.configEpoch);
    sender.offset = message.replicationOffset;
    if (message.holdsWrites && view.self.primary === sender) this.#election.primaryHolds(sender.offset);
  }

  /** A replica of this primary asks it to hold writes. */
  #hold(replica: Peer, inbound: End<BusMessage> | undefined): void {
    const { server, nowMs } = this.#options;
    if (replica.primary !== this.view.self) return;
    server.holdsWrites = true;
    this.#holding = { replica, untilMs: nowMs() + HOLD_MS };
    if (inbound !== undefined) this.#reply(inbound, 'ping');
  }

  #release(): void {
    if (this.#holding === undefined) return;
    this.#holding = undefined;
    this.#options.server.holdsWrites = false;
  }

  #follow(primary: Peer): void {
    this.view.self.primary = primary;
    this.#election.cancelOrder();
    this.#options.server.replicate(primary.name);
    this.#release(); // clients that waited are answered MOVED now
    this.#hasChanged = true;
  }

  #promote(): void {
    const { self, table } = this.view;
    const { primary } = self;
    if (primary === undefined) return;
    self.primary = undefined;
    this.#options.server.promote();
    table.move(primary.name, self.name);
    this.#hasChanged = true;
    this.#mustBroadcast = true;
  }

  #isOfShard(peer: Peer): boolean {
    const { self } = this.view;
    return peer.primary !== undefined && (peer.primary === self || peer.primary === self.primary);
  }

  #ping(peer: Peer): void {
    peer.pingMs = this.#options.nowMs();
    this.#send(peer, { type: 'ping', gossip: this.#detector.gossipFor(peer) });
  }

  #pongTo(peers: readonly Peer[]): void {
    for (const peer of peers)
      if (peer.link !== undefined) this.#send(peer, { type: 'pong', gossip: this.#detector.gossipFor(peer) });
  }

  #reply(end: End<BusMessage>, type: 'ping' | 'pong' = 'pong'): void {
    const message = this.#message({ type, gossip: this.#detector.gossipFor(undefined) });
    end.send(message, bytesOf(message));
  }

  #correct(receiver: Peer, owner: Peer): void {
    const claims = this.view.table.of(owner.name);
    this.#send(receiver, { type: 'update', node: owner.name, epoch: owner.configEpoch, claims });
  }

  #toAll(body: Body): void {
    for (const peer of this.view.others) this.#send(peer, body);
  }

  #send(peer: Peer, body: Body): void {
    peer.link?.send(this.#message(body));
  }

  #message(body: Body): BusMessage {
    const { self, table, currentEpoch } = this.view;
    const owner = self.primary ?? self;
    return {
      ...body,
      sender: self.name,
      ...(self.primary && { replicaOf: self.primary.name }),
      ...{ currentEpoch, configEpoch: owner.configEpoch, slots: table.of(owner.name) },
      replicationOffset: this.#options.server.offset,
      ...(this.#holding && { holdsWrites: true as const }),
    };
  }
}
