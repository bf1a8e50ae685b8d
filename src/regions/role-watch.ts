import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { parseClusterNodes } from './cluster-view.ts';
import { connectDirect } from './form-cluster.ts';
import type { Regions } from './provider.ts';
import type { Topology } from './topology.ts';

/** `down` when it does not answer. */
export type WatchedRole = 'primary' | 'replica' | 'down';

export interface NodeRole {
  readonly role: WatchedRole;
  /** The slots it serves, as CLUSTER NODES prints them, with blanks between; empty for all but primaries. */
  readonly slots: string;
}

/** Seen `atUs` on the caller's clock; it happened since the look before. */
export type RoleEvent =
  | {
      readonly event: 'role';
      readonly node: string;
      readonly atUs: number;
      readonly from: WatchedRole;
      /** As `from` where only the slots changed. */
      readonly to: WatchedRole;
      readonly slots: string;
    }
  | {
      readonly event: 'restarted';
      readonly node: string;
      /** When the new process was first seen, which is before it is known what became of it. */
      readonly atUs: number;
      readonly runId: string;
      readonly previousRunId: string;
      /** It serves its slots without what it had. */
      readonly isEmpty: boolean;
    };

export interface RoleWatch {
  /** Every node as it was at the last look. */
  current(): ReadonlyMap<string, NodeRole>;
  /** Ends it; what is undecided is told first. Nothing of it is left once this has resolved. */
  stop(): Promise<void>;
}

export interface RoleWatchOptions {
  readonly nowUs: () => number;
  readonly onChange: (event: RoleEvent) => void;
  /** From the answer to the next question; default 50. */
  readonly everyMs?: number;
}

const EVERY_MS = 50;
/** A node that has not answered for this long is down: a paused one takes connections and questions. */
const SILENT_MS = 500;
/** At first longer: of a process that was never seen, nothing shows later that another one took its place. */
const FIRST_MS = 5_000;

/**
 * Watches the role of every node on its private port, over one connection each, and tells of every change.
 * Resolves once each has answered, or has not for 5 s; nothing is told of that.
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

/** What is known of one node. */
class NodeWatch {
  readonly name: string;
  readonly #client: Redis;
  readonly #persistence: Topology['persistence'];
  readonly #options: RoleWatchOptions;
  #role: NodeRole | undefined;
  #runId: string | undefined;
  /** Another process may answer on a new connection. */
  #isNewConnection = true;
  #restart: { runId: string; previousRunId: string; atUs: number; hasNothing: boolean } | undefined;
  #asking: Promise<Answer | undefined> | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    { name, client, topology }: { name: string; client: Redis; topology: Topology },
    options: RoleWatchOptions,
  ) {
    this.name = name;
    this.#client = client;
    this.#persistence = topology.persistence;
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

  /** From now on, until it is stopped. */
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
    this.#client.disconnect(); // which ends a look that waits for an answer
    await this.#looking;
    this.#decideRestart(this.role.role === 'primary');
  }

  async look(): Promise<void> {
    const answer = await this.#answer();
    if (this.#isStopped) return; // that it is silent is our own doing
    const { nowUs, onChange } = this.#options;
    const atUs = nowUs();
    const before = this.#role;
    const now = answer?.role ?? DOWN;
    this.#role = now;
    if (before !== undefined && (before.role !== now.role || before.slots !== now.slots)) {
      const change = { from: before.role, to: now.role, slots: now.slots };
      onChange({ event: 'role', node: this.name, atUs, ...change });
    }
    if (answer?.process !== undefined) {
      this.#isNewConnection = false; // only now: an answer that comes between two looks is not read
      this.#noteProcess(answer.process, atUs);
    }
    // Back in service with what it has, or a replica, which takes what its primary has. A stall decides nothing.
    if (now.role === 'replica') this.#decideRestart(false);
    else if (answer?.isServing) this.#decideRestart(true);
  }

  /** Tells of a restart once it is known whether the new process serves what the old one did. */
  #decideRestart(serves: boolean): void {
    if (this.#restart === undefined) return;
    const { hasNothing, ...seen } = this.#restart;
    this.#restart = undefined;
    this.#options.onChange({
      event: 'restarted',
      node: this.name,
      ...seen,
      isEmpty: serves && hasNothing,
    });
  }

  /** A server that has just started serves nothing for a while: it cannot have been written to by now. */
  #noteProcess({ runId, keys }: NewProcess, atUs: number): void {
    const previousRunId = this.#runId;
    this.#runId = runId;
    if (previousRunId === undefined || previousRunId === runId) return;
    this.#decideRestart(false); // it was restarted again before it served
    this.#restart = {
      runId,
      previousRunId,
      atUs,
      hasNothing: this.#persistence === 'none' || keys === 0,
    };
  }

  /**
   * Undefined when it is silent; what it has not answered yet is not asked again. Where it was this program that
   * had no time, the answer is there by now: sockets are read once more before that is decided.
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
    // The state before the role: a node that hears of its successor between the two is ok from then on, and no primary.
    const [info, nodes, server, keys] = await Promise.all([
      undecided ? client.cluster('INFO') : '',
      client.call('CLUSTER', 'NODES'),
      isNew ? client.info('server') : undefined,
      isNew ? client.dbsize() : 0,
    ]);
    const role = readOwnRole(String(nodes));
    const runId = /run_id:(\w+)/.exec(server ?? '')?.[1];
    return {
      role,
      isServing: info.includes('cluster_state:ok'),
      process: runId === undefined ? undefined : ({ runId, keys } satisfies NewProcess),
    };
  }
}

/** Of its own line alone: all the others are read for nothing, twenty times a second and node. */
function readOwnRole(nodes: string): NodeRole {
  const [own] = parseClusterNodes(/^.*\bmyself\b.*$/m.exec(nodes)?.[0] ?? '');
  if (own === undefined) throw new Error('a node that does not know itself');
  return { role: own.role, slots: own.slots.join(' ') };
}

interface Answer {
  readonly role: NodeRole;
  readonly isServing: boolean;
  readonly process: NewProcess | undefined;
}

interface NewProcess {
  readonly runId: string;
  readonly keys: number;
}

const DOWN: NodeRole = { role: 'down', slots: '' };
