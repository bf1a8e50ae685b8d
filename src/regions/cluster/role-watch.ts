import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { ALL_SLOTS, isInCluster, type Topology } from '../../topology/topology.ts';
import type { Regions } from '../provider.ts';
import { parseClusterNodes } from './cluster-view.ts';
import { connectDirect } from './connect-direct.ts';

/** `down`: the node does not answer. */
export type WatchedRole = 'primary' | 'replica' | 'down';

export interface NodeRole {
  readonly role: WatchedRole;
  /** The slots it serves, as CLUSTER NODES prints them, separated by blanks; empty unless it is a primary. Without marks of migrating ones. */
  readonly slots: string;
}

/** A change, observed at `atUs` on the caller's clock. It happened since the previous poll. */
export type RoleEvent =
  | {
      readonly event: 'role';
      readonly node: string;
      readonly atUs: number;
      readonly from: WatchedRole;
      /** Equal to `from` if only the slots changed: while they move one by one, that is reported once they rest. */
      readonly to: WatchedRole;
      readonly slots: string;
    }
  | {
      readonly event: 'restarted';
      readonly node: string;
      /** When the new process was first observed; the event is reported later. */
      readonly atUs: number;
      readonly runId: string;
      readonly previousRunId: string;
      /** It has lost its data, and served its slots without, or a replica copied them from it. */
      readonly isEmpty: boolean;
    };

export interface RoleWatch {
  /** Every node as of the last poll. */
  current(): ReadonlyMap<string, NodeRole>;
  /** Stops watching and reports undecided restarts. No timer or connection is left once it resolves. */
  stop(): Promise<void>;
}

export interface RoleWatchOptions {
  readonly nowUs: () => number;
  readonly onChange: (event: RoleEvent) => void;
  /** Milliseconds from an answer to the next poll; default 50. */
  readonly everyMs?: number;
}

const EVERY_MS = 50;
/** A node without an answer for this long is down: a paused one still accepts connections and commands. */
const SILENT_MS = 500;
/** Longer for the first poll: the restart of a process that was never observed could not be detected. */
const FIRST_MS = 5_000;

/**
 * Watches the role of every node on its private port, over one connection each, and reports every change.
 * Resolves once each node has answered, or has not for 5 s. The initial roles are not reported.
 */
export async function watchRoles(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  options: RoleWatchOptions,
): Promise<RoleWatch> {
  const watches = topology.nodes.map(
    ({ name }) => new NodeWatch({ name, client: connectDirect(direct(name)), topology }, options),
  );
  await Promise.all(watches.map((watch) => watch.begin()));
  for (const watch of watches) watch.lookAgain();
  return {
    current: () => new Map(watches.map(({ name, role }) => [name, role])),
    async stop() {
      await Promise.all(watches.map((watch) => watch.stop()));
    },
  };
}

interface WatchedNode {
  readonly name: string;
  readonly client: Redis;
  readonly topology: Topology;
}

/** The watch of one node. */
class NodeWatch {
  readonly name: string;
  readonly #client: Redis;
  readonly #topology: Topology;
  readonly #options: RoleWatchOptions;
  #role: NodeRole | undefined;
  #reportedSlots: string | undefined;
  #runId: string | undefined;
  /** On a new connection another process may answer. */
  #isNewConnection = true;
  #restart:
    | { runId: string; previousRunId: string; atUs: number; hasNothing: boolean; wasCopied: boolean }
    | undefined;
  #asking: Promise<Answer | undefined> | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor({ name, client, topology }: WatchedNode, options: RoleWatchOptions) {
    this.name = name;
    this.#client = client;
    this.#topology = topology;
    this.#options = options;
    client.on('close', () => {
      this.#isNewConnection = true;
    });
  }

  get role(): NodeRole {
    return this.#role ?? DOWN;
  }

  async begin(): Promise<void> {
    const untilMs = performance.now() + FIRST_MS;
    do {
      this.#role = undefined;
      await this.look();
    } while (this.role.role === 'down' && performance.now() < untilMs && (await delay(EVERY_MS, true)));
  }

  /** Polls until it is stopped. */
  lookAgain(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.look().then(() => {
        if (!this.#isStopped) this.lookAgain();
      });
    }, this.#options.everyMs ?? EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#client.disconnect(); // ends a poll that waits for an answer
    await this.#looking;
    this.#decideRestart(this.role.role === 'primary');
  }

  async look(): Promise<void> {
    const answer = await this.#answer();
    if (this.#isStopped) return; // no answer, since `stop` has disconnected
    const { nowUs, onChange } = this.#options;
    const atUs = nowUs();
    const before = this.#role;
    const now = answer?.role ?? DOWN;
    this.#role = now;
    if (before !== undefined && this.#isNews(before, now)) {
      const change = { from: before.role, to: now.role, slots: now.slots };
      onChange({ event: 'role', node: this.name, atUs, ...change });
    }
    if (answer?.process !== undefined) {
      this.#isNewConnection = false; // only now: an answer between two polls is not read
      this.#noteProcess(answer.process, atUs);
    }
    if (answer === undefined) return; // decides nothing
    if (this.#restart) this.#restart.wasCopied = answer.wasCopied;
    if (now.role === 'replica') this.#decideRestart(false);
    else if (answer.isServing) this.#decideRestart(true);
  }

  /** Of slots alone only the second equal answer is: hundreds may move, one after another. */
  #isNews(before: NodeRole, now: NodeRole): boolean {
    this.#reportedSlots ??= before.slots;
    if (before.role === now.role && (now.slots === this.#reportedSlots || now.slots !== before.slots))
      return false;
    this.#reportedSlots = now.slots;
    return true;
  }

  /** Reports a restart once it is known what became of the new process: it serves, or copies its successor. */
  #decideRestart(serves: boolean): void {
    if (this.#restart === undefined) return;
    const { hasNothing, wasCopied, ...seen } = this.#restart;
    this.#restart = undefined;
    this.#options.onChange({
      event: 'restarted',
      node: this.name,
      ...seen,
      isEmpty: hasNothing && (serves || wasCopied),
    });
  }

  /** Notes a new process. A server that has just started serves nothing yet, so `keys` has no new writes. */
  #noteProcess({ runId, keys }: NewProcess, atUs: number): void {
    const previousRunId = this.#runId;
    this.#runId = runId;
    if (previousRunId === undefined || previousRunId === runId) return;
    this.#decideRestart(false); // it has not served
    this.#restart = {
      runId,
      previousRunId,
      atUs,
      hasNothing: this.#topology.persistence === 'none' || keys === 0,
      wasCopied: false,
    };
  }

  /**
   * The answer; undefined after 500 ms without one. A pending request is not sent again. If this program was stalled,
   * the answer may have arrived by then, so sockets are read once more before the timeout counts.
   */
  #answer(): Promise<Answer | undefined> {
    this.#asking ??= this.#ask()
      .catch(() => undefined)
      .finally(() => {
        this.#asking = undefined;
      });
    const asking = this.#asking;
    return new Promise((resolve) => {
      const timer = setTimeout(() => setImmediate(resolve, undefined), SILENT_MS);
      void asking.then((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  async #ask(): Promise<Answer> {
    const isNew = this.#isNewConnection;
    const client = this.#client;
    const undecided = this.#restart !== undefined || isNew;
    const isCluster = isInCluster(this.#topology);
    // State before role: a node that learns of its successor in between reports ok, and then that it is no primary.
    // Copies after role: a replica copies before it is promoted, and only then is this node demoted.
    const [info, roles, stats, server, keys] = await Promise.all([
      undecided && isCluster ? client.cluster('INFO') : '',
      isCluster ? client.call('CLUSTER', 'NODES') : client.info('replication'),
      undecided ? client.info('stats') : '',
      isNew ? client.info('server') : undefined,
      isNew ? client.dbsize().catch(() => NO_KEY_COUNT) : 0,
    ]);
    const role = isCluster ? readOwnRole(String(roles)) : readRole(String(roles));
    const runId = /run_id:(\w+)/.exec(server ?? '')?.[1];
    return {
      role,
      // Counted from the start of the process. A server that does not count them may have been copied.
      wasCopied: /^sync_full:(\d+)/m.exec(stats)?.[1] !== '0',
      isServing: isCluster ? info.includes('cluster_state:ok') : true, // one that still loads answers with errors
      process: runId === undefined ? undefined : ({ runId, keys } satisfies NewProcess),
    };
  }
}

/** Parses its own line only: parsing all lines 20 times a second per node is wasted work. */
function readOwnRole(nodes: string): NodeRole {
  const [own] = parseClusterNodes(/^.*\bmyself\b.*$/m.exec(nodes)?.[0] ?? '');
  if (own === undefined) throw new Error('CLUSTER NODES has no line of the node itself');
  return { role: own.role, slots: own.slots.filter((range) => !range.startsWith('[')).join(' ') };
}

/** Of a server without cluster mode; its primary counts as one that serves all slots. */
function readRole(replication: string): NodeRole {
  return /^role:slave/m.test(replication)
    ? { role: 'replica', slots: '' }
    : { role: 'primary', slots: ALL_SLOTS };
}

interface Answer {
  readonly role: NodeRole;
  /** By a replica; true if this was not asked. */
  readonly wasCopied: boolean;
  readonly isServing: boolean;
  readonly process: NewProcess | undefined;
}

interface NewProcess {
  readonly runId: string;
  readonly keys: number;
}

/** A user may not be allowed to ask for it. */
const NO_KEY_COUNT = 0;

const DOWN: NodeRole = { role: 'down', slots: '' };
