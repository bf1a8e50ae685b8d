import { setTimeout as sleep } from 'node:timers/promises';
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

/**
 * Watches the role of every node on its private port, over one connection each, and tells of every change.
 * Resolves after the first look at each, of which nothing is told.
 */
export async function watchRoles(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  options: RoleWatchOptions,
): Promise<RoleWatch> {
  const stopping = new AbortController();
  const watched = topology.nodes.map(({ name }) => {
    const client = connectDirect(direct(name), SILENT_MS);
    const watch = new NodeWatch(name, client, topology, options);
    return { name, client, watch };
  });
  await Promise.all(watched.map(({ watch }) => watch.look()));
  const loops = watched.map(({ watch }) => repeat(watch, options.everyMs ?? EVERY_MS, stopping.signal));
  return {
    current: () => new Map(watched.map(({ name, watch }) => [name, watch.role])),
    async stop() {
      stopping.abort();
      for (const { client } of watched) client.disconnect();
      await Promise.all(loops);
      for (const { watch } of watched) watch.decideRestart(watch.role.role === 'primary');
    },
  };
}

async function repeat(watch: NodeWatch, everyMs: number, stopping: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(everyMs, undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted) return;
    await watch.look(stopping);
  }
}

/** What is known of one node. */
class NodeWatch {
  readonly #name: string;
  readonly #client: Redis;
  readonly #persistence: Topology['persistence'];
  readonly #options: RoleWatchOptions;
  #role: NodeRole | undefined;
  #runId: string | undefined;
  /** Another process may answer on a new connection. */
  #isNewConnection = true;
  #restart: { runId: string; previousRunId: string; atUs: number; hasNothing: boolean } | undefined;

  constructor(name: string, client: Redis, { persistence }: Topology, options: RoleWatchOptions) {
    this.#name = name;
    this.#client = client;
    this.#persistence = persistence;
    this.#options = options;
    client.on('close', () => {
      this.#isNewConnection = true;
    });
  }

  get role(): NodeRole {
    return this.#role ?? DOWN;
  }

  async look(stopping?: AbortSignal): Promise<void> {
    const answer = await this.#ask().catch(() => undefined);
    if (stopping?.aborted) return; // its end of the connection was ours
    const { nowUs, onChange } = this.#options;
    const atUs = nowUs();
    const before = this.#role;
    const now = answer?.role ?? DOWN;
    this.#role = now;
    if (before !== undefined && (before.role !== now.role || before.slots !== now.slots)) {
      const change = { from: before.role, to: now.role, slots: now.slots };
      onChange({ event: 'role', node: this.#name, atUs, ...change });
    }
    if (answer?.process !== undefined) this.#noteProcess(answer.process, atUs);
    // Back in service, with what it has; any other role, or none, and it never was.
    if (now.role !== 'primary') this.decideRestart(false);
    else if (answer?.isServing) this.decideRestart(true);
  }

  /** Tells of a restart once it is known whether the new process serves what the old one did. */
  decideRestart(serves: boolean): void {
    if (this.#restart === undefined) return;
    const { hasNothing, ...seen } = this.#restart;
    this.#restart = undefined;
    this.#options.onChange({
      event: 'restarted',
      node: this.#name,
      ...seen,
      isEmpty: serves && hasNothing,
    });
  }

  /** A server that has just started serves nothing for a while: it cannot have been written to by now. */
  #noteProcess({ runId, keys }: NewProcess, atUs: number): void {
    const previousRunId = this.#runId;
    this.#runId = runId;
    if (previousRunId === undefined || previousRunId === runId) return;
    this.decideRestart(false); // it was restarted again before it served
    this.#restart = {
      runId,
      previousRunId,
      atUs,
      hasNothing: this.#persistence === 'none' || keys === 0,
    };
  }

  async #ask() {
    const isNew = this.#isNewConnection;
    const client = this.#client;
    const undecided = this.#restart !== undefined || isNew;
    const [nodes, info, server, keys] = await Promise.all([
      client.call('CLUSTER', 'NODES'),
      undecided ? client.cluster('INFO') : '',
      isNew ? client.info('server') : undefined,
      isNew ? client.dbsize() : 0,
    ]);
    if (isNew) this.#isNewConnection = false;
    const own = parseClusterNodes(String(nodes)).find(({ isMyself }) => isMyself);
    if (own === undefined) throw new Error('a node that does not know itself');
    const role: NodeRole = { role: own.role, slots: own.slots.join(' ') };
    const runId = /run_id:(\w+)/.exec(server ?? '')?.[1];
    return {
      role,
      isServing: info.includes('cluster_state:ok'),
      process: runId === undefined ? undefined : ({ runId, keys } satisfies NewProcess),
    };
  }
}

interface NewProcess {
  readonly runId: string;
  readonly keys: number;
}

const DOWN: NodeRole = { role: 'down', slots: '' };
