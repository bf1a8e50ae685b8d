import type { FaultSpec } from '../../scenario/faults/index.ts';
import { type PlannedNode, shardOf } from '../../topology/planned-node.ts';
import { ask } from '../support/ask.ts';
import type { FaultContext } from '../support/fault.ts';

type Nodes = Pick<FaultContext['regions'], 'topology' | 'direct'>;

interface Count {
  /** Of the process that answers. */
  readonly runId: string;
  readonly isPrimary: boolean;
  /** Commands with keys that it has run: as a replica, also those that its primary sent. */
  readonly commands: number;
}

/** By node. One that does not answer, or does not count its commands, is absent. */
type Counts = ReadonlyMap<string, Count>;

/** A fault that is earlier has too little load before it. */
const LEAST_LOAD_MS = 500;

const notAsked = async () => undefined;

/** Which primaries the load reached: a fault of a node that has no key shows nothing of a limiter. */
export class Traffic {
  readonly #nodes: Nodes;
  readonly #isAsked: boolean;
  #startedMs = 0;
  #atFirst: Promise<Counts> | undefined;
  /** Primaries that ran a command with a key since the load started, at any count so far. */
  readonly #reached = new Set<string>();

  /** Counts nothing if none of these faults is of a node. */
  constructor(nodes: Nodes, faults: readonly FaultSpec[]) {
    this.#nodes = nodes;
    this.#isAsked = faults.some((fault) => this.#nodesOf(fault).length > 0);
  }

  /** Counts what was run before the load. Without it, the first commands of the load may count as earlier ones. */
  async prepare(): Promise<void> {
    this.#atFirst ??= this.#isAsked ? countAll(this.#nodes) : Promise.resolve(new Map());
    await this.#atFirst;
  }

  /** The load starts now. */
  start(): void {
    this.#startedMs = performance.now();
    void this.prepare();
  }

  /**
   * Counts just before a fault. Call what it resolves to after the heal: that resolves to why the fault concerned no key,
   * since no command with a key reached its node or the others of its shard, though one reached another node. It resolves
   * to undefined if one did, or if that cannot be told.
   */
  async before(fault: FaultSpec): Promise<() => Promise<string | undefined>> {
    if (!this.#isAsked) return notAsked;
    const shard = this.#nodesOf(fault);
    const isEarly = performance.now() - this.#startedMs < LEAST_LOAD_MS;
    const before = await this.#count();
    // What would reach a killed node that has no replica reaches none.
    if (isEarly || shard.length === 0 || (fault.fault === 'kill' && shard.length === 1)) return notAsked;
    return async () => {
      const isReached = () => shard.some((name) => this.#reached.has(name));
      if (isReached()) return undefined;
      const [atFirst, after] = [await this.#atFirst, await this.#count()];
      const isCounted = shard.some((name) => {
        const count = after.get(name);
        const isWhole = count?.isPrimary === true && count.runId === atFirst?.get(name)?.runId;
        return isWhole || before.get(name)?.isPrimary === true;
      });
      if (isReached() || this.#reached.size === 0 || !isCounted) return undefined;
      return `no command with a key reached ${shard.join(' or ')} during the load, while other nodes ran some`;
    };
  }

  async #count(): Promise<Counts> {
    const [atFirst, counts] = [await this.#atFirst, await countAll(this.#nodes)];
    for (const [name, { runId, isPrimary, commands }] of counts) {
      const first = atFirst?.get(name);
      const ran = first?.runId === runId ? commands - first.commands : commands;
      if (isPrimary && ran > 0) this.#reached.add(name);
    }
    return counts;
  }

  /** The shard of the node that a fault acts on: its primary and the replicas of that. None if it acts on links or on services. */
  #nodesOf(fault: FaultSpec): string[] {
    if (!('node' in fault || fault.fault === 'move-slots')) return [];
    const { nodes } = this.#nodes.topology;
    const isOf = ({ name, region, replicaOf }: PlannedNode) =>
      'node' in fault ? name === fault.node : region === fault.from && replicaOf === undefined;
    const shards = nodes.filter(isOf).map(shardOf);
    return nodes.filter((node) => shards.includes(shardOf(node))).map(({ name }) => name);
  }
}

async function countAll(nodes: Nodes): Promise<Counts> {
  const counts = await Promise.all(
    nodes.topology.nodes.map(async ({ name }) => {
      const info = await ask(name, nodes, (client) => client.info('all')).catch(() => '');
      const count = countOf(info);
      return count === undefined ? [] : [[name, count] as const];
    }),
  );
  return new Map(counts.flat());
}

/** From INFO; undefined if it counts no commands. */
function countOf(info: string): Count | undefined {
  const runId = /^run_id:(\w+)/m.exec(info)?.[1];
  const stats = [...info.matchAll(/^cmdstat_([^:|\s]+)(?:\|\S+?)?:calls=(\d+)/gm)];
  if (runId === undefined || stats.length === 0) return undefined;
  const withKeys = stats.filter(([, command = '']) => !UNCOUNTED.has(command.toLowerCase()));
  const commands = withKeys.reduce((sum, [, , calls]) => sum + Number(calls), 0);
  return { runId, isPrimary: /^role:master\r?$/m.test(info), commands };
}

/** What runs without a key of the limiter: by clients, Sentinels, replication, this program, and for keys that expire or move. */
const UNCOUNTED = new Set(
  `acl asking auth bgrewriteaof bgsave client cluster command config dbsize debug del discard echo exec failover flushall
  flushdb function hello info keys lastsave latency memory migrate module monitor multi ping psubscribe psync publish
  pubsub punsubscribe quit readonly readwrite replconf replicaof reset restore restore-asking role save scan script select
  sentinel shutdown slaveof slowlog spublish ssubscribe subscribe sunsubscribe swapdb sync time unlink unsubscribe unwatch
  wait waitaof`.split(/\s+/),
);
