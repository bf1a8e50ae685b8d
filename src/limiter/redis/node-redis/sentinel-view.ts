import { invalidOption } from '../../../core/errors.ts';
import type {
  NodeRedisSentinel,
  NodeRedisSentinelOptions,
  NodeRedisStandalone,
  SentinelNode,
} from './client.ts';
import { ONCE_ONLY } from './standalone.ts';

export interface ViewEvents {
  /** The Sentinel names another primary. */
  onChange(): void;
  /** The view has no connection to its Sentinel. */
  onLost(error: Error): void;
}

/**
 * The primary as one Sentinel sees it. The Sentinel client of node-redis sends a command again after READONLY or a lost
 * connection, so no command of the limiter goes through it: it only finds the primary, and reports a failover.
 */
export class SentinelView {
  readonly #view: NodeRedisSentinel;
  readonly #events: ViewEvents;
  readonly #ended = new AbortController(); // `destroy` waits for connections that it could close

  constructor(
    given: NodeRedisSentinel,
    node: SentinelNode,
    options: NodeRedisSentinelOptions,
    events: ViewEvents,
  ) {
    const { nodeClientOptions, sentinelClientOptions } = options;
    const { signal } = this.#ended;
    const once = { ...ONCE_ONLY, socketTimeout: undefined };
    this.#events = events;
    this.#view = given.duplicate({
      sentinelRootNodes: [{ host: node.host, port: node.port }],
      maxCommandRediscovers: 0,
      masterPoolSize: 1,
      replicaPoolSize: 0,
      reserveClient: false,
      scanInterval: 0,
      passthroughClientErrorEvents: false, // errors of single clients, which the view survives
      clientSideCache: undefined,
      commandOptions: undefined,
      nodeClientOptions: {
        ...nodeClientOptions,
        ...once,
        socket: { ...nodeClientOptions?.socket, reconnectStrategy: false, signal },
      },
      sentinelClientOptions: {
        ...sentinelClientOptions,
        ...once,
        socket: { ...sentinelClientOptions?.socket, reconnectStrategy: false, signal },
      },
    });
  }

  /** Returns a connected client of the primary, to be duplicated. */
  async connect(): Promise<NodeRedisStandalone> {
    let lastError: Error | undefined;
    let isConnected = false;
    this.#view.on('error', (error) => {
      lastError = error instanceof Error ? error : new Error(String(error));
      if (isConnected && !this.#ended.signal.aborted) this.#events.onLost(lastError);
    });
    await this.#view.connect().catch((error: Error) => {
      throw lastError ?? error;
    });
    let found: NodeRedisStandalone | undefined;
    await this.#view._execute(false, async (client) => {
      found = client;
    });
    if (found === undefined) throw new Error('the Sentinel client has no client of the primary');
    isConnected = true;
    this.#view.on('topology-change', ({ type }) => {
      if (type === 'MASTER_CHANGE') this.#events.onChange();
    });
    return found;
  }

  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#view.destroy().catch(() => {});
  }
}

/** The options of a Sentinel client, which it passes to none but the constructor of a duplicate. Throws INVALID_OPTION. */
export function sentinelOptionsOf(given: NodeRedisSentinel): NodeRedisSentinelOptions {
  let found: Partial<NodeRedisSentinelOptions> = {};
  class Reader {
    constructor(options: NodeRedisSentinelOptions) {
      found = options;
    }
  }
  const asked = Object.assign(Object.create(Reader.prototype), { _self: Reflect.get(given, '_self') });
  given.duplicate.call(asked, {});
  const { sentinelRootNodes } = found;
  if (Array.isArray(sentinelRootNodes) && sentinelRootNodes.length > 0)
    return { ...found, sentinelRootNodes };
  throw invalidOption(
    'the Sentinel client of this version of redis does not give its options',
    "use redis: { urls: ['redis://...'], sentinel: { primary: 'mymaster' } }",
  );
}
