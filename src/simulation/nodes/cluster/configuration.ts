import type { BusMessage } from './messages.ts';
import type { Peer } from './peer.ts';
import type { SlotSet } from './slot-set.ts';
import type { View } from './view.ts';

export interface ConfigurationOptions {
  readonly view: View;
  /** This node becomes a replica of that one. */
  readonly follow: (primary: Peer) => void;
  /** Tells a node that another has its slots by a newer epoch. */
  readonly correct: (receiver: Peer, owner: Peer) => void;
  /** Roles, epochs or slots have changed. */
  readonly changed: () => void;
  /** All others should hear of this node's new role now. */
  readonly broadcast: () => void;
}

/**
 * Roles and slots by configuration epochs: of two nodes that claim a slot, that with the greater epoch has it. A primary
 * that lost its last slot to one node becomes its replica, and so do its own replicas.
 */
export class Configuration {
  readonly #options: ConfigurationOptions;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
  }

  /** Takes over what a PING or PONG says of its sender's role, epoch and slots. */
  hear(sender: Peer, message: BusMessage): void {
    const { view } = this.#options;
    this.#learnRole(sender, message);
    const owner = sender.primary ?? sender;
    const isOther = !view.table.of(owner.name).equals(message.slots);
    if (isOther && !sender.isReplica) this.bind(sender, message.configEpoch, message.slots);
    if (isOther) this.#correctIfOld(sender, message);
    const { self } = view;
    if (!self.isReplica && !sender.isReplica && message.configEpoch === self.configEpoch)
      this.#resolveCollision(sender);
  }

  /** An UPDATE: this node has these slots by this epoch. */
  update(owner: Peer, epoch: number, claims: SlotSet): void {
    if (owner.configEpoch >= epoch) return;
    owner.primary = undefined;
    owner.configEpoch = epoch;
    this.#options.changed();
    this.bind(owner, epoch, claims);
  }

  /** Gives `owner` the slots that it claims by a newer epoch than their owner has, and those without an owner. */
  bind(owner: Peer, epoch: number, claims: SlotSet): void {
    const { view, follow, changed, broadcast } = this.#options;
    const { table, self } = view;
    if (owner === self) return;
    const current = self.primary ?? self;
    let lost = 0;
    let hasChanged = false;
    table.claim(owner.name, claims);
    for (const { from, to, owner: before, isUnclaimed } of table.runs(claims.ranges)) {
      if (before === owner.name || (!isUnclaimed && view.get(before ?? '').configEpoch >= epoch)) continue;
      if (before === current.name) lost += to - from + 1;
      table.giveAll(from, to, owner.name);
      hasChanged = true;
    }
    if (hasChanged) changed();
    // Without replica migration, only if the new owner has these slots alone.
    if (lost > 0 && view.slotsOf(current) === 0 && claims.size === lost) follow(owner);
    else if (self.primary?.primary !== undefined && self.primary.primary !== self)
      follow(self.primary.primary);
    else return;
    broadcast();
  }

  /** CLUSTER SETSLOT NODE with this node, once it has the keys: it owns the slot by the greatest epoch. */
  take(slot: number): void {
    const { view, broadcast } = this.#options;
    const greatest = Math.max(view.currentEpoch, ...view.peers.map(({ configEpoch }) => configEpoch));
    if (view.self.configEpoch !== greatest) {
      view.currentEpoch = greatest + 1;
      view.self.configEpoch = view.currentEpoch;
    }
    this.give(slot, view.self);
    broadcast();
  }

  /** CLUSTER SETSLOT NODE. */
  give(slot: number, owner: Peer): void {
    const { view, changed } = this.#options;
    view.table.give(slot, owner.name);
    changed();
  }

  #learnRole(sender: Peer, { replicaOf, configEpoch }: BusMessage): void {
    const { view, changed } = this.#options;
    const primary = replicaOf === undefined ? undefined : view.get(replicaOf);
    if (primary === sender.primary) return;
    if (primary !== undefined && !sender.isReplica && sender.configEpoch <= configEpoch) {
      view.table.move(sender.name, primary.name); // the sender knows its successor before this node does
      if (primary !== view.self) {
        primary.primary = undefined;
        primary.configEpoch = configEpoch;
      }
    }
    sender.primary = primary;
    changed();
  }

  /** The sender claims a slot that another node has by a greater epoch: it may have missed that. */
  #correctIfOld(sender: Peer, { slots, configEpoch }: BusMessage): void {
    const { view, correct } = this.#options;
    for (const { owner: name, isUnclaimed } of view.table.runs(slots.ranges)) {
      if (isUnclaimed) continue;
      const owner = view.get(name ?? '');
      if (owner === sender || owner.configEpoch <= configEpoch) continue;
      correct(sender, owner);
      return;
    }
  }

  /** Two primaries with one epoch: that with the smaller name takes a new one. */
  #resolveCollision(sender: Peer): void {
    const { view, changed } = this.#options;
    if (sender.name <= view.self.name) return;
    view.self.configEpoch = ++view.currentEpoch;
    changed();
  }
}
