import { makeRandom } from '../../core/prng.ts';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import { PRIORITY } from '../../regions/sentinel/settings.ts';
import type { Topology } from '../../topology/topology.ts';
import { RoleEvents } from '../nodes/role-events.ts';
import type { NodesOptions, SimulatedControl, SimulatedNodes } from '../nodes/simulated-nodes.ts';
import { DataNode } from './data-node.ts';
import { Sentinel } from './sentinel.ts';

/** A replica with this priority is chosen first, while a failover to it is ordered. */
const FIRST_CHOICE = 1;

/** The nodes and Sentinels of a topology with one primary for all regions: of kind single or sentinel. */
export class SimulatedOnePrimary implements SimulatedNodes {
  readonly topology: Topology;
  readonly control: SimulatedControl;
  readonly #nodes: ReadonlyMap<string, DataNode>;
  readonly #sentinels: readonly Sentinel[];
  readonly #roles: RoleEvents;
  /** The node to which a failover is ordered, and by whom. */
  #order: { readonly node: DataNode; readonly by: Sentinel } | undefined;

  constructor(options: NodesOptions) {
    const { topology, network, seed, onRole } = options;
    this.topology = topology;
    this.#roles = new RoleEvents(network.time, onRole);
    this.#nodes = new Map(
      topology.nodes.map((planned) => [
        planned.name,
        new DataNode({ ...options, planned, changed: (node) => this.#changed(node) }),
      ]),
    );
    for (const node of this.#nodes.values()) node.start(true);
    this.#sentinels = topology.sentinels.map(
      (planned) =>
        new Sentinel({ topology, planned, network, random: makeRandom(seed, `node ${planned.name}`) }),
    );
    this.control = {
      kill: (node) => this.#node(node).kill(),
      start: (node) => this.#node(node).start(),
      startEmpty: (node) => this.#node(node).startEmpty(),
      pause: (node) => this.#node(node).pause(),
      resume: (node) => this.#node(node).resume(),
      stepClock: (node, byMs) => this.#node(node).stepClock(byMs),
      failover: (node) => this.#orderFailover(this.#node(node)),
    };
  }

  clockUsOf(node: string): number {
    return this.#node(node).clockUs;
  }

  roleOf(node: string): NodeRole {
    return this.#node(node).role;
  }

  roles(): ReadonlyMap<string, NodeRole> {
    return this.#roles.current();
  }

  answers(node: string): boolean {
    return this.#node(node).running?.isPaused === false;
  }

  replicasOf(node: string): string[] {
    const others = [...this.#nodes.values()].filter(({ name }) => name !== node);
    const { role } = this.roleOf(node);
    if (this.answers(node)) return role === 'primary' ? others.map(({ name }) => name) : [];
    return others.filter(({ running }) => running?.server.primary === node).map(({ name }) => name);
  }

  lackOfWhole(): string | undefined {
    for (const { name, running } of this.#nodes.values()) {
      if (running === undefined || running.isPaused) return `${name} does not answer`;
      if (running.server.primary !== undefined && !running.server.isLinked) return `${name} is not linked`;
    }
    const primaries = [...this.#nodes.values()].filter(({ role }) => role.role === 'primary');
    return primaries.length === 1 ? undefined : `there are ${primaries.length} primaries`;
  }

  isSettled(): boolean {
    const home = this.topology.nodes[0]?.name;
    const agrees = ({ isCalm, named }: Sentinel) => isCalm && named === home;
    return (
      this.lackOfWhole() === undefined && this.awayFromHome().length === 0 && this.#sentinels.every(agrees)
    );
  }

  awayFromHome(): string[] {
    const home = this.topology.nodes[0]?.name ?? '';
    return this.roleOf(home).role === 'primary' ? [] : [home];
  }

  end(): void {
    this.#roles.end();
  }

  #changed(node: DataNode): void {
    this.#roles.look(node);
    if (this.#order?.node === node && node.role.role === 'primary') this.#endOrder();
  }

  /**
   * Gives the replica the best priority, lets a Sentinel hurry, that of its region first, and orders a failover once that
   * Sentinel has read the priority. The result is the error, if it is refused.
   */
  #orderFailover(node: DataNode): string | undefined {
    if (node.running === undefined || node.running.isPaused) return 'it does not answer';
    const region = this.topology.nodes.find(({ name }) => name === node.name)?.region;
    const at = this.topology.sentinels.findIndex((sentinel) => sentinel.region === region);
    const by = this.#sentinels[Math.max(0, at)];
    if (by === undefined) return 'there is no Sentinel';
    if (this.#order?.node !== node) {
      this.#endOrder();
      this.#order = { node, by };
      node.priority = FIRST_CHOICE;
      by.isHurried = true;
    }
    const seen = by.priorityOf(node.name);
    return seen === FIRST_CHOICE ? by.orderFailover() : `the Sentinel sees its priority as ${seen}`;
  }

  #endOrder(): void {
    if (this.#order === undefined) return;
    this.#order.node.priority = PRIORITY;
    this.#order.by.isHurried = false;
    this.#order = undefined;
  }

  #node(name: string): DataNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`no node is called ${name}`);
    return node;
  }
}
