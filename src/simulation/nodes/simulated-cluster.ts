import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import type { Topology } from '../../topology/topology.ts';
import { SlotTable } from './cluster/slot-table.ts';
import { View } from './cluster/view.ts';
import { ClusterSlots } from './cluster-slots.ts';
import { SimulatedNode } from './node.ts';
import { RoleEvents } from './role-events.ts';
import type { NodeSlots, NodesOptions, SimulatedControl, SimulatedNodes } from './simulated-nodes.ts';

export interface NodeHealth {
  readonly role: NodeRole;
  /** `cluster_state:ok`. */
  readonly isOk: boolean;
  /** `master_link_status:up`; false for a primary. */
  readonly isLinked: boolean;
  /** Of its replication stream, bytes. */
  readonly offset: number;
}

/**
 * The nodes of a topology of kind cluster, as one cluster or apart as clusters of one node each. It begins formed: all
 * nodes know all others and serve; replicas link within the first seconds.
 */
export class SimulatedCluster implements SimulatedNodes {
  readonly topology: Topology;
  readonly control: SimulatedControl;
  readonly slots?: NodeSlots;
  readonly #nodes: ReadonlyMap<string, SimulatedNode>;
  readonly #roles: RoleEvents;

  constructor(options: NodesOptions) {
    const { topology, network, onRole } = options;
    this.topology = topology;
    this.#roles = new RoleEvents(network.time, onRole);
    const changed = (node: SimulatedNode) => this.#roles.look(node);
    const { nodes: all, apart } = topology;
    const whole = apart ? undefined : formedTable(all);
    this.#nodes = new Map(
      all.map((planned) => {
        const known = whole === undefined ? [planned] : all;
        const view = formedView(planned.name, known, whole?.copy() ?? formedTable(known));
        return [planned.name, new SimulatedNode({ ...options, planned, view, changed })];
      }),
    );
    for (const node of this.#nodes.values()) node.start(true);
    if (!topology.apart) this.slots = new ClusterSlots(topology, (name) => this.#node(name));
    this.control = {
      kill: (node) => this.#node(node).kill(),
      start: (node) => this.#node(node).start(),
      startEmpty: (node) => this.#node(node).startEmpty(),
      pause: (node) => this.#node(node).pause(),
      resume: (node) => this.#node(node).resume(),
      stepClock: (node, byMs) => this.#node(node).stepClock(byMs),
      failover: (node) => {
        const { running } = this.#node(node);
        if (running === undefined || running.process.isPaused) return 'it does not answer';
        return running.member.orderFailover();
      },
    };
  }

  clockUsOf(node: string): number {
    return this.#node(node).clockUs;
  }

  roleOf(node: string): NodeRole {
    return this.#node(node).role;
  }

  /** What a node says of itself; undefined if it does not answer. */
  healthOf(node: string): NodeHealth | undefined {
    const { running, role } = this.#node(node);
    if (running === undefined || running.isPaused) return undefined;
    const { member, server } = running;
    return { role, isOk: member.isOk, isLinked: server.isLinked, offset: server.offset };
  }

  roles(): ReadonlyMap<string, NodeRole> {
    return this.#roles.current();
  }

  answers(node: string): boolean {
    return this.#node(node).running?.process.isPaused === false;
  }

  /** The names of the replicas of this primary, as the node itself sees them, or the plan's if it does not run. */
  replicasOf(node: string): string[] {
    const view = this.#node(node).running?.member.view;
    if (view === undefined)
      return this.topology.nodes.filter(({ replicaOf }) => replicaOf === node).map(({ name }) => name);
    return view.replicasOf(view.self).map(({ name }) => name);
  }

  /** The first of the nodes that does not answer, does not serve, or is a replica without its link; undefined: none. */
  lackOfWhole(): string | undefined {
    for (const { name, running } of this.#nodes.values()) {
      if (running === undefined || running.process.isPaused) return `${name} does not answer`;
      if (!running.member.isOk) return `${name} says cluster_state:fail`;
      if (running.member.view.self.isReplica && !running.server.isLinked) return `${name} is not linked`;
    }
    return undefined;
  }

  /** Nothing is lacking, every primary is where it was planned, and all nodes know of the same roles, epochs and slots. */
  isSettled(): boolean {
    if (this.lackOfWhole() !== undefined || this.awayFromHome().length > 0) return false;
    const views = [...this.#nodes.values()].map(({ running }) => running && fingerprint(running.member.view));
    return this.topology.apart === true || views.every((text) => text === views[0]);
  }

  awayFromHome(): string[] {
    return this.topology.nodes.map(({ name }) => name).filter((name) => !this.#isHome(name));
  }

  end(): void {
    this.#roles.end();
  }

  #isHome(name: string): boolean {
    const planned = this.topology.nodes.find((node) => node.name === name);
    return planned?.slots === undefined || this.roleOf(name).role === 'primary';
  }

  #node(name: string): SimulatedNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`no node is called ${name}`);
    return node;
  }
}

/** The slots of a cluster that has been formed. */
function formedTable(nodes: Topology['nodes']): SlotTable {
  const table = new SlotTable(nodes.map(({ name }) => name));
  for (const { name, slots } of nodes) if (slots !== undefined) table.giveAll(slots[0], slots[1], name);
  for (const { name } of nodes) table.of(name); // copies have these sets too
  return table;
}

/** What a node knows once the cluster of these nodes has been formed; each node has an epoch of its own. */
function formedView(self: string, nodes: Topology['nodes'], table: SlotTable): View {
  const names = nodes.map(({ name }) => name);
  const view = new View(self, names, table);
  for (const { name, replicaOf } of nodes) {
    const peer = view.get(name);
    peer.configEpoch = ++view.currentEpoch;
    if (replicaOf !== undefined) peer.primary = view.get(replicaOf);
  }
  return view;
}

/** Equal for nodes that know of the same roles, epochs and slots, and hold no node to be down. */
function fingerprint(view: View): string {
  return view.peers
    .map((peer) => {
      const owner = peer.primary?.name ?? peer.configEpoch;
      const slots = view.table.of(peer.name).ranges.flatMap(({ from, to }) => [from, to]);
      return `${peer.name} ${owner} ${peer.isDown} ${slots}`;
    })
    .join('\n');
}
