import { keySlot } from '../../limiter/redis/hash-slot.ts';
import type { Topology } from '../../topology/topology.ts';
import type { SimulatedNode } from './node.ts';
import type { NodeSlots } from './simulated-nodes.ts';

/**
 * The slots of one cluster. A slot moves in one instant, with all its keys: there is no ASK and no TRYAGAIN, and no server
 * is busy with it.
 */
export class ClusterSlots implements NodeSlots {
  readonly #topology: Topology;
  readonly #node: (name: string) => SimulatedNode;

  constructor(topology: Topology, node: (name: string) => SimulatedNode) {
    this.#topology = topology;
    this.#node = node;
  }

  primaryOf(planned: string): string | undefined {
    const shard = this.#topology.nodes.filter(
      ({ name, replicaOf }) => name === planned || replicaOf === planned,
    );
    const [newest] = shard
      .map(({ name }) => ({ name, self: this.#running(name)?.member.view.self }))
      .filter(({ self }) => self !== undefined && !self.isReplica)
      .sort((a, b) => (b.self?.configEpoch ?? 0) - (a.self?.configEpoch ?? 0));
    return newest?.name;
  }

  fullestFirst(node: string): number[] {
    const running = this.#running(node);
    if (running === undefined) return [];
    const counts = new Map<number, number>();
    for (const key of running.server.data.keys()) {
      const slot = keySlot(key);
      counts.set(slot, (counts.get(slot) ?? 0) + 1);
    }
    const own: number[] = [];
    for (const { from, to } of running.member.view.table.of(node).ranges.toReversed())
      for (let slot = to; slot >= from; slot--) own.push(slot);
    const full = own.filter((slot) => counts.has(slot));
    full.sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)); // of as many keys, the greater slot stays before
    return [...full, ...own.filter((slot) => !counts.has(slot))];
  }

  countKeys(node: string, slot: number): number {
    let count = 0;
    for (const key of this.#running(node)?.server.data.keys() ?? []) if (keySlot(key) === slot) count++;
    return count;
  }

  move(slot: number, ends: { readonly from: string; readonly to: string }): boolean {
    const [from, to] = [this.#running(ends.from), this.#running(ends.to)];
    if (from === undefined || to === undefined || to.member.view.self.isReplica) return false;
    if (from.member.view.table.ownerOf(slot) !== ends.from) return false;
    to.server.takeKeys(from.server.giveKeys((key) => keySlot(key) === slot));
    to.member.takeSlot(slot); // the new owner first, as with real nodes
    from.member.giveSlot(slot, ends.to);
    return true;
  }

  /** Undefined if it does not answer. */
  #running(name: string): SimulatedNode['running'] {
    const { running } = this.#node(name);
    return running?.isPaused === false ? running : undefined;
  }
}
