import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../../with-timeout.ts';
import { backoff } from '../command-timeout.ts';
import { closedError, describeFailure } from '../errors.ts';
import type {
  NodeRedisSentinel,
  NodeRedisSentinelOptions,
  NodeRedisStandalone,
  SentinelNode,
} from './client.ts';
import { LEAST_HANDSHAKE_MS, NodeRedisConnection, NodeReplyError } from './node-redis-connection.ts';
import type { NodeRedisRoute } from './port.ts';
import { SentinelView, sentinelOptionsOf } from './sentinel-view.ts';
import { ONCE_ONLY } from './standalone.ts';

/** The shortest time between two searches: a primary may accept connections and close them at once. */
const LEAST_BETWEEN_SEARCHES_MS = 100;

/** Replies of a server that was demoted. */
const OF_A_REPLICA = /^(READONLY|MASTERDOWN) /;

/** All commands go to the primary that the Sentinels name, after a failover to the new one. Throws INVALID_OPTION. */
export function sentinelRoute(given: NodeRedisSentinel, timeoutMs: number): NodeRedisRoute {
  return new SentinelRoute(given, timeoutMs);
}

/** A primary, the connection to it, and the view that found it. */
interface Primary {
  readonly connection: NodeRedisConnection;
  readonly view: SentinelView;
  /** Ends its use; written commands still get their replies. */
  leave(): void;
  /** Resolves when the primary must be searched for again. */
  readonly over: Promise<void>;
}

/**
 * Asks all Sentinels for the primary, and takes the first answer that the server confirms. A connection is made once:
 * behind a second one the server could be a replica, whose denials would be old.
 */
class SentinelRoute implements NodeRedisRoute {
  readonly #given: NodeRedisSentinel;
  readonly #options: NodeRedisSentinelOptions;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  readonly #connections = new Set<NodeRedisConnection>();
  readonly #retired = new Set<NodeRedisConnection>();
  readonly #waiters = new Set<() => void>();
  #primary: Primary | undefined;
  #lastError: Error | undefined;
  /** Whether the last attempt by each Sentinel failed. */
  #hasFailed = false;

  constructor(given: NodeRedisSentinel, timeoutMs: number) {
    this.#given = given;
    this.#options = sentinelOptionsOf(given);
    this.#timeoutMs = timeoutMs;
    this.#follow().catch(() => {}); // rejects once the route is closed
  }

  async send(_key: string | undefined, args: readonly string[], deadlineMs: number) {
    const primary = this.#primary ?? (await this.#untilFound(deadlineMs, args[0] === 'PING'));
    const { connection } = primary;
    try {
      return { reply: await connection.send(args, deadlineMs), node: connection.address };
    } catch (error) {
      if (error instanceof NodeReplyError && OF_A_REPLICA.test(error.message)) primary.leave();
      throw error;
    }
  }

  close(): void {
    this.#closing.abort();
    this.#primary?.leave();
    for (const connection of [...this.#connections, ...this.#retired]) connection.close();
    this.#connections.clear();
    this.#retired.clear();
    this.#wake();
  }

  /** Rejects at once while no Sentinel gives a primary: the next attempt may fail as well. PING awaits it. */
  async #untilFound(deadlineMs: number, isPing: boolean): Promise<Primary> {
    for (let isFirst = true; ; isFirst = false) {
      if (this.#closing.signal.aborted) throw closedError();
      if (this.#primary !== undefined) return this.#primary;
      if (this.#hasFailed && !(isPing && isFirst)) throw this.#notFound();
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.#waiters.add(wake);
      await withTimeout(deadlineMs - performance.now(), woken, () => {
        throw this.#notFound();
      }).finally(() => this.#waiters.delete(wake));
    }
  }

  #notFound(): Error {
    const why = new Error('no Sentinel named a primary that answered in time');
    return describeFailure(why, { written: false, node: 'no node' }, this.#lastError);
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      const searchedMs = performance.now();
      const found = await this.#search();
      const before = this.#primary;
      // Without its connection it was lost meanwhile.
      this.#primary = this.#connections.has(found.connection) ? found : undefined;
      before?.leave();
      if (this.#primary !== undefined) this.#lastError = undefined;
      this.#hasFailed = false;
      this.#wake();
      if (!signal.aborted) await found.over;
      found.view.end();
      await sleep(searchedMs + LEAST_BETWEEN_SEARCHES_MS - performance.now(), undefined, { signal });
    }
  }

  async #search(): Promise<Primary> {
    const searching = new AbortController();
    const stop = () => searching.abort();
    this.#closing.signal.addEventListener('abort', stop);
    const { sentinelRootNodes } = this.#options;
    const untried = new Set(sentinelRootNodes);
    const onFailure = (node: SentinelNode) => {
      untried.delete(node);
      if (untried.size > 0) return;
      this.#hasFailed = true;
      this.#wake();
    };
    try {
      return await Promise.any(
        sentinelRootNodes.map((node) => this.#searchBy(node, searching, () => onFailure(node))),
      );
    } finally {
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  /** Asks one Sentinel until it gives a primary; the first one to do so ends the search by the others. */
  async #searchBy(node: SentinelNode, searching: AbortController, onFailure: () => void): Promise<Primary> {
    const { signal } = searching;
    for (let attempt = 0; ; attempt++) {
      try {
        const found = await this.#find(node, signal);
        if (!signal.aborted) {
          searching.abort();
          return found;
        }
        found.view.end();
        found.leave();
      } catch (error) {
        if (!signal.aborted) {
          if (error instanceof Error) this.#lastError = error;
          onFailure();
        }
      }
      await sleep(backoff(attempt), undefined, { signal });
    }
  }

  async #find({ host, port }: SentinelNode, signal: AbortSignal): Promise<Primary> {
    let onOver = () => {};
    const over = new Promise<void>((resolve) => {
      onOver = resolve;
    });
    let connection: NodeRedisConnection | undefined;
    const leave = () => {
      if (connection !== undefined) this.#retire(connection);
      onOver();
    };
    const onLost = (error: Error) => {
      this.#lastError = error;
      onOver();
    };
    const view = new SentinelView(this.#given, { host, port }, this.#options, { onChange: leave, onLost });
    const stop = () => view.end();
    signal.addEventListener('abort', stop);
    try {
      const client = await withTimeout(this.#handshakeMs, view.connect(), () => {
        throw new Error(`the Sentinel at ${host}:${port} gave no primary in time`);
      });
      signal.throwIfAborted();
      connection = this.#connect(client, leave);
      await checkRole(connection, this.#handshakeMs);
      signal.throwIfAborted();
      return { connection, view, leave, over };
    } catch (error) {
      view.end();
      if (connection !== undefined && this.#connections.delete(connection)) connection.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  get #handshakeMs(): number {
    return Math.max(this.#timeoutMs, LEAST_HANDSHAKE_MS);
  }

  #connect(client: NodeRedisStandalone, onLost: () => void): NodeRedisConnection {
    const { host, port } = client.options.socket ?? {};
    let isFirst = true;
    const open = () => {
      const own = client.duplicate({
        ...ONCE_ONLY,
        socket: { ...this.#options.nodeClientOptions?.socket, host, port, reconnectStrategy: false },
      });
      if (isFirst) {
        isFirst = false;
        own.on('error', onLost);
        own.connect().catch(() => {}); // its errors are events
      } else onLost(); // a second connection is not made
      return own;
    };
    const connection = new NodeRedisConnection(`${host}:${port}`, open, this.#timeoutMs);
    this.#connections.add(connection);
    return connection;
  }

  /** Closes a connection once the commands written to it have their replies or are late. */
  #retire(connection: NodeRedisConnection): void {
    if (this.#primary?.connection === connection) this.#primary = undefined;
    if (!this.#connections.delete(connection)) return;
    this.#retired.add(connection);
    setTimeout(() => {
      if (this.#retired.delete(connection)) connection.close();
    }, 2 * this.#timeoutMs).unref();
  }
}

/** By INFO, as ioredis does: a Sentinel may not know yet that it was demoted. */
async function checkRole(connection: NodeRedisConnection, timeoutMs: number): Promise<void> {
  const info = await connection.send(['INFO', 'replication'], performance.now() + timeoutMs);
  if (/^role:master\r?$/m.test(String(info))) return;
  throw new Error(`${connection.address} is no primary, but a Sentinel still names it`);
}
