import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { PlannedNode } from '../../topology/planned-node.ts';
import { ask } from '../support/ask.ts';
import type { FaultContext } from '../support/fault.ts';

type Nodes = Pick<FaultContext['regions'], 'topology' | 'direct'>;

/** By node, the process that ran so many commands with keys. Absent without an answer, or where commands are not counted. */
type Counts = ReadonlyMap<string, { readonly process: string; readonly commands: number }>;

/** A fault that is earlier has too little load before it. */
const LEAST_LOAD_MS = 500;

/** Which nodes the load reached: a fault of a node that has no key shows nothing of a limiter. Begins when the load does. */
export class Traffic {
  readonly #nodes: Nodes;
  readonly #began: Promise<Counts>;
  readonly #beganMs = performance.now();

  /** Reads nothing if none of these faults is of a node. */
  constructor(nodes: Nodes, faults: readonly FaultSpec[]) {
    this.#nodes = nodes;
    const isCounted = faults.some((fault) => this.#nodesOf(fault).length > 0);
    this.#began = isCounted ? countAll(nodes) : Promise.resolve(new Map());
  }

  /**
   * Counts just before a fault. Call what it resolves to after the heal: that resolves to why the fault concerned no key,
   * since no command with a key reached its node or a replica of it, though one reached another node. It resolves to
   * undefined if one did, or if that cannot be told.
   */
  async before(fault: FaultSpec): Promise<() => Promise<string | undefined>> {
    const ofFault = this.#nodesOf(fault);
    const isEarly = performance.now() - this.#beganMs < LEAST_LOAD_MS;
    if (ofFault.length === 0 || isEarly) return async () => undefined;
    const before = await countAll(this.#nodes);
    return async () => {
      const began = await this.#began;
      const isMissed = (counts: Counts) => {
        const reached = (name: string) => since(began, counts, name);
        return ofFault.every((name) => reached(name) === 0) && [...counts.keys()].some(reached);
      };
      if (!isMissed(before) || !isMissed(await countAll(this.#nodes))) return undefined;
      return `no command with a key reached ${ofFault.join(' or ')} after the load began, but other nodes ran some`;
    };
  }

  /** The node that a fault acts on, its primary and the replicas of that; none if it acts on links or on services. */
  #nodesOf(fault: FaultSpec): string[] {
    if (!('node' in fault || fault.fault === 'move-slots')) return [];
    const { nodes } = this.#nodes.topology;
    const isOf = ({ name, region, replicaOf }: PlannedNode) =>
      'node' in fault ? name === fault.node : region === fault.from && replicaOf === undefined;
    const primaries = nodes.filter(isOf).map(({ name, replicaOf }) => replicaOf ?? name);
    return nodes
      .filter(({ name, replicaOf }) => primaries.includes(replicaOf ?? name))
      .map(({ name }) => name);
  }
}

/** Commands between two counts; those of a process that has started meanwhile. Undefined if it cannot be told. */
function since(began: Counts, counts: Counts, name: string): number | undefined {
  const [from, to] = [began.get(name), counts.get(name)];
  if (to === undefined) return undefined;
  return from?.process === to.process ? to.commands - from.commands : to.commands;
}

async function countAll(nodes: Nodes): Promise<Counts> {
  const counts = await Promise.all(
    nodes.topology.nodes.map(async ({ name }) => {
      const info = await ask(name, nodes, (client) => client.info('all')).catch(() => '');
      const process = /^run_id:(\w+)/m.exec(info)?.[1];
      const stats = [...info.matchAll(/^cmdstat_([^:|\s]+)(?:\|\S+?)?:calls=(\d+)/gm)];
      if (process === undefined || stats.length === 0) return [];
      const withKeys = stats.filter(([, command = '']) => !WITHOUT_KEYS.has(command.toLowerCase()));
      return [
        [name, { process, commands: withKeys.reduce((sum, [, , calls]) => sum + Number(calls), 0) }] as const,
      ];
    }),
  );
  return new Map(counts.flat());
}

/** What clients, Sentinels, replication and this program ask of every node. */
const WITHOUT_KEYS = new Set(
  `acl asking auth bgrewriteaof bgsave client cluster command config dbsize debug discard echo exec failover function
  hello info keys lastsave latency memory module monitor multi ping psubscribe psync publish punsubscribe quit readonly
  readwrite replconf replicaof reset role save scan script select sentinel shutdown slaveof slowlog spublish ssubscribe
  subscribe sunsubscribe sync time unsubscribe unwatch wait waitaof`.split(/\s+/),
);
