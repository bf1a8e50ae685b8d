import { OpenclawError } from '../core/errors.ts';
import { backoff } from './command-timeout.ts';
import type { ClusterNode, NodeRedisCluster } from './node-redis-client.ts';
import { NodeRedisLink, NodeReplyError } from './node-redis-link.ts';
import type { NodeRedisRoute } from './node-redis-port.ts';
import { ONCE_ONLY } from './node-redis-standalone.ts';
import { closedError, describeFailure } from './redis-errors.ts';
import { keySlot } from './slot.ts';

const MOST_REDIRECTIONS = 16;
/** Between two looks at who serves what, when commands fail. */
const LEAST_BETWEEN_LOOKS_MS = 100;

/** Each command goes to the node that serves its slot, and on to where that node says with MOVED or ASK. */
export function clusterRoute(given: NodeRedisCluster, timeoutMs: number): NodeRedisRoute {
  return new ClusterRoute(given, timeoutMs);
}

/**
 * node-redis' own cluster client sends a command on by itself and does not say to whom. Here it finds the nodes and
 * makes their clients; which of them gets a command is decided here, so that the node that answered is known.
 */
class ClusterRoute implements NodeRedisRoute {
  readonly #given: NodeRedisCluster;
  readonly #timeoutMs: number;
  readonly #factory: NodeRedisCluster;
  readonly #links = new Map<string, NodeRedisLink>();
  readonly #retired = new Set<NodeRedisLink>();
  /** The address of each slot's primary. */
  #owners: (string | undefined)[] | undefined;
  #look: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether the last look found the cluster. */
  #hasSeen = false;
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
    let address = await this.#ownerOf(slot, deadlineMs);
    let prefix: readonly string[] | undefined;
    for (let redirections = 0; ; redirections++) {
      try {
        return { reply: await this.#linkTo(address).send(args, deadlineMs, prefix), node: address };
      } catch (error) {
        const redirection = readRedirection(error);
        if (redirection === undefined || redirections === MOST_REDIRECTIONS) {
          if (!(error instanceof NodeReplyError) || /^(CLUSTERDOWN|MOVED)/.test(error.message))
            this.#lookAgain();
          throw error;
        }
        // The node has run nothing: sending the command to another is not sending it twice.
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
    for (const link of [...this.#links.values(), ...this.#retired]) link.close();
    this.#links.clear();
    this.#retired.clear();
  }

  async #ownerOf(slot: number | undefined, deadlineMs: number): Promise<string> {
    const known = this.#knownOwnerOf(slot);
    if (known !== undefined) return known;
    if (!this.#isRecent()) await within(deadlineMs, this.#lookNow()).catch(() => {});
    if (this.#isClosed) throw closedError();
    const found = this.#knownOwnerOf(slot);
    if (found !== undefined) return found;
    if (this.#hasSeen)
      throw new OpenclawError(
        'REDIS_CLUSTER_DOWN',
        slot === undefined ? 'no node serves a slot' : `no node serves slot ${slot}`,
      );
    const why = new Error('no node of the cluster answered in time');
    throw describeFailure(why, { written: false, node: 'no node' }, this.#lastError);
  }

  #knownOwnerOf(slot: number | undefined): string | undefined {
    return slot === undefined ? this.#owners?.find((owner) => owner !== undefined) : this.#owners?.[slot];
  }

  #linkTo(address: string): NodeRedisLink {
    const known = this.#links.get(address);
    if (known !== undefined) return known;
    if (this.#isClosed) throw closedError();
    const open = () => {
      const node: ClusterNode = { address, ...hostAndPort(address), readonly: false };
      this.#factory.nodeClient(node).catch(() => {}); // its errors are events
      if (node.client === undefined) throw new Error('nodeClient made no client');
      return node.client;
    };
    const link = new NodeRedisLink(address, open, this.#timeoutMs);
    this.#links.set(address, link);
    return link;
  }

  /** In the background; a failure shows when a command needs it. */
  #lookAgain(): void {
    if (this.#isClosed || this.#isRecent()) return;
    this.#lookNow().catch(() => {});
  }

  /** What the last look found still holds: the next would find nothing else, and takes would make thousands of them. */
  #isRecent(): boolean {
    return this.#look === undefined && performance.now() - this.#lookedMs < LEAST_BETWEEN_LOOKS_MS;
  }

  #lookNow(): Promise<void> {
    if (this.#look !== undefined) return this.#look;
    this.#hasSeen = false;
    this.#lastError = undefined;
    this.#look = this.#findOwners().finally(() => {
      this.#look = undefined;
      this.#lookedMs = performance.now();
    });
    return this.#look;
  }

  /** Asks the nodes that are known by a client of its own, which lives as long as that takes. */
  async #findOwners(): Promise<void> {
    const { rootNodes, nodeAddressMap } = this.#given._options;
    const known = nodeAddressMap === undefined ? [...this.#links.keys()] : [];
    const ended = new AbortController(); // the view does not know the connection by which it finds its nodes
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

  /** A node that serves nothing any more still answers what it was asked; then its connection is closed. */
  #retireLinks(owners: ReadonlySet<string | undefined>): void {
    for (const [address, link] of this.#links) {
      if (owners.has(address)) continue;
      this.#links.delete(address);
      this.#retired.add(link);
      setTimeout(() => {
        if (this.#retired.delete(link)) link.close();
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

/** Whether it resolved by then; rejects as it does. */
async function within(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(1, deadlineMs - performance.now()), false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads `MOVED <slot> <host>:<port>` and `ASK ...`; a node that leaves the host out means its own. */
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
