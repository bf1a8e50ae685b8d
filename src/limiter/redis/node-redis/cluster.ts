import { OpenclawError } from '../../../core/errors.ts';
import { withTimeout } from '../../with-timeout.ts';
import { backoff } from '../command-timeout.ts';
import { closedError, describeFailure } from '../errors.ts';
import { keySlot } from '../hash-slot.ts';
import type { ClusterNode, NodeRedisCluster } from './client.ts';
import { NodeRedisConnection, NodeReplyError } from './node-redis-connection.ts';
import type { NodeRedisRoute } from './port.ts';
import { ONCE_ONLY } from './standalone.ts';

const MOST_REDIRECTIONS = 16;
/** The shortest time between two refreshes of the slot owners while commands fail. */
const LEAST_BETWEEN_LOOKS_MS = 100;

/** Sends each command to the node that serves its slot, and follows its MOVED and ASK replies. */
export function clusterRoute(given: NodeRedisCluster, timeoutMs: number): NodeRedisRoute {
  return new ClusterRoute(given, timeoutMs);
}

/**
 * The cluster client of node-redis follows redirections without naming the node. Here it only finds the nodes and makes
 * their clients; this class chooses the node of each command, so the node that replied is known.
 */
class ClusterRoute implements NodeRedisRoute {
  readonly #given: NodeRedisCluster;
  readonly #timeoutMs: number;
  readonly #factory: NodeRedisCluster;
  readonly #connections = new Map<string, NodeRedisConnection>();
  readonly #retired = new Set<NodeRedisConnection>();
  /** The address of each slot's primary. */
  #owners: (string | undefined)[] | undefined;
  #look: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether the last refresh found the cluster. */
  #hasSeen = false;
  /** Whether the last refresh failed; commands do not wait for the next, which may fail as well. */
  #hasFailed = false;
  readonly #closing = new AbortController();
  #lastError: Error | undefined;
  #isClosed = false;

  constructor(given: NodeRedisCluster, timeoutMs: number) {
    this.#given = given;
    this.#timeoutMs = timeoutMs;
    this.#factory = this.#duplicate({});
    this.#lookAgain();
  }

  async send(key: string | undefined, args: readonly string[], deadlineMs: number) {
    const slot = key === undefined ? undefined : keySlot(key);
    let address = await this.#findOwner(slot, deadlineMs);
    let prefix: readonly string[] | undefined;
    for (let redirections = 0; ; redirections++) {
      try {
        return { reply: await this.#connectionTo(address).send(args, deadlineMs, prefix), node: address };
      } catch (error) {
        const redirection = readRedirection(error);
        if (redirection === undefined || redirections === MOST_REDIRECTIONS) {
          if (!(error instanceof NodeReplyError) || /^(CLUSTERDOWN|MOVED)/.test(error.message))
            this.#lookAgain();
          throw error;
        }
        // The node did not run the command, so sending it to another node runs it once.
        address = redirection.address;
        prefix = redirection.isAsk ? ['ASKING'] : undefined;
        if (!redirection.isAsk) {
          if (slot !== undefined && this.#owners !== undefined) this.#owners[slot] = address;
          this.#lookAgain();
        }
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort();
    for (const connection of [...this.#connections.values(), ...this.#retired]) connection.close();
    this.#connections.clear();
    this.#retired.clear();
  }

  async #findOwner(slot: number | undefined, deadlineMs: number): Promise<string> {
    const known = this.#knownOwnerOf(slot);
    if (known !== undefined) return known;
    if (this.#hasFailed && slot !== undefined) this.#lookAgain();
    else if (!this.#isRecent()) await within(deadlineMs, this.#lookNow()).catch(() => {});
    if (this.#isClosed) throw closedError();
    const found = this.#knownOwnerOf(slot);
    if (found !== undefined) return found;
    if (this.#hasSeen)
      throw new OpenclawError(
        'REDIS_CLUSTER_DOWN',
        slot === undefined ? 'no node serves any slot' : `no node serves slot ${slot}`,
      );
    const why = new Error('no node of the cluster answered in time');
    throw describeFailure(why, { written: false, node: 'no node' }, this.#lastError);
  }

  #knownOwnerOf(slot: number | undefined): string | undefined {
    return slot === undefined ? this.#owners?.find((owner) => owner !== undefined) : this.#owners?.[slot];
  }

  #connectionTo(address: string): NodeRedisConnection {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    if (this.#isClosed) throw closedError();
    const open = () => {
      const node: ClusterNode = { address, ...hostAndPort(address), readonly: false };
      this.#factory.nodeClient(node).catch(() => {}); // errors are reported as events
      if (node.client === undefined) throw new Error('nodeClient made no client');
      return node.client;
    };
    const connection = new NodeRedisConnection(address, open, this.#timeoutMs);
    this.#connections.set(address, connection);
    return connection;
  }

  /** Refreshes in the background; a command that needs the result reports its failure. */
  #lookAgain(): void {
    if (this.#isClosed || this.#isRecent()) return;
    this.#lookNow().catch(() => {});
  }

  /** Whether the last refresh is recent: failing takes would otherwise start thousands. */
  #isRecent(): boolean {
    return this.#look === undefined && performance.now() - this.#lookedMs < LEAST_BETWEEN_LOOKS_MS;
  }

  #lookNow(): Promise<void> {
    if (this.#look !== undefined) return this.#look;
    this.#hasSeen = false;
    this.#look = this.#findOwners().finally(() => {
      this.#look = undefined;
      this.#lookedMs = performance.now();
      this.#hasFailed = !this.#hasSeen;
      if (this.#hasSeen) this.#lastError = undefined;
    });
    return this.#look;
  }

  /** Asks the known nodes for the slot owners, with a temporary client. */
  async #findOwners(): Promise<void> {
    const { rootNodes, nodeAddressMap } = this.#given._options;
    const known = nodeAddressMap === undefined ? [...this.#connections.keys()] : [];
    const ended = new AbortController(); // `destroy` does not close the view's discovery connection
    const { signal } = ended;
    const view = this.#duplicate({
      rootNodes: [...rootNodes, ...known.map((address) => ({ socket: hostAndPort(address) }))].map(
        (node) => ({
          ...node,
          socket: { ...(node as { socket?: object }).socket, signal },
        }),
      ),
    });
    const end = () => {
      ended.abort();
      if (view.isOpen) view.destroy();
    };
    this.#closing.signal.addEventListener('abort', end);
    view.on('error', (error) => {
      if (!signal.aborted) this.#lastError = error;
    });
    try {
      const connected = view.connect();
      connected.catch(() => {});
      if (!(await within(performance.now() + this.#timeoutMs, connected)))
        throw new Error('no answer in time');
      this.#owners = Array.from(view.slots, (shard) => shard?.master.address);
      this.#hasSeen = true;
      this.#retireLinks(new Set(this.#owners));
    } finally {
      this.#closing.signal.removeEventListener('abort', end);
      end();
    }
  }

  /** A node without slots may still reply to sent commands; its connection is closed after two timeouts. */
  #retireLinks(owners: ReadonlySet<string | undefined>): void {
    for (const [address, connection] of this.#connections) {
      if (owners.has(address)) continue;
      this.#connections.delete(address);
      this.#retired.add(connection);
      setTimeout(() => {
        if (this.#retired.delete(connection)) connection.close();
      }, 2 * this.#timeoutMs).unref();
    }
  }

  #duplicate(overrides: object): NodeRedisCluster {
    const { defaults } = this.#given._options;
    const cluster = this.#given.duplicate({
      minimizeConnections: true,
      useReplicas: false,
      clientSideCache: undefined,
      commandOptions: undefined,
      topologyRefreshOnReconnectionAttemptStrategy: false,
      defaults: {
        ...defaults,
        ...ONCE_ONLY,
        socket: { ...defaults?.socket, reconnectStrategy: backoff, socketTimeout: undefined },
      },
      ...overrides,
    });
    cluster.on('error', () => {});
    return cluster;
  }
}

/** Whether `work` resolves before the deadline; rejects as `work` does. */
function within(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  return withTimeout(
    deadlineMs - performance.now(),
    work.then(() => true),
    () => false,
  );
}

/** Parses `MOVED <slot> <host>:<port>` and `ASK ...`; an empty host means the node's own. */
function readRedirection(error: unknown): { readonly address: string; readonly isAsk: boolean } | undefined {
  if (!(error instanceof NodeReplyError)) return undefined;
  const [, kind, host, port] = /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(error.message) ?? [];
  if (kind === undefined) return undefined;
  const known = host === '' || host === '?' ? hostAndPort(error.node).host : host;
  return { address: `${known}:${port}`, isAsk: kind === 'ASK' };
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
