/** The members of a node-redis 5 or 6 client that are used; the package itself is never imported. */
export interface NodeRedisStandalone {
  readonly isOpen: boolean;
  /** Connected, with a finished handshake. */
  readonly isReady: boolean;
  readonly options: {
    readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
  };
  /** The abort signal takes effect only before the command is written. */
  sendCommand(args: readonly string[], options: object): Promise<unknown>;
  connect(): Promise<unknown>;
  duplicate(overrides: object): NodeRedisStandalone;
  destroy(): void;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** The same for a cluster. */
export interface NodeRedisCluster {
  readonly isOpen: boolean;
  readonly _options: {
    readonly rootNodes: readonly object[];
    readonly defaults?: { readonly socket?: object };
    readonly nodeAddressMap?: unknown;
  };
  readonly slots: readonly ({ readonly master: { readonly address: string } } | undefined)[];
  /** Starts to connect, and sets `node.client` synchronously. */
  nodeClient(node: ClusterNode): Promise<unknown>;
  connect(): Promise<unknown>;
  duplicate(overrides: object): NodeRedisCluster;
  destroy(): void;
  on(event: string, listener: (error: Error) => void): unknown;
}

export interface ClusterNode {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly readonly: boolean;
  client?: NodeRedisStandalone;
}

/** The same for a client of Redis Sentinel. */
export interface NodeRedisSentinel {
  readonly isOpen: boolean;
  /** Calls `run` with the connected client of the primary. */
  _execute(isReadonly: boolean, run: (client: NodeRedisStandalone) => Promise<void>): Promise<void>;
  connect(): Promise<unknown>;
  duplicate(overrides: object): NodeRedisSentinel;
  destroy(): Promise<void>;
  on(event: string, listener: (event: Error & { readonly type?: string }) => void): unknown;
}

/** The options of `createSentinel` that are used. */
export interface NodeRedisSentinelOptions {
  readonly sentinelRootNodes: readonly SentinelNode[];
  readonly nodeClientOptions?: { readonly socket?: object };
  readonly sentinelClientOptions?: { readonly socket?: object };
}

export interface SentinelNode {
  readonly host: string;
  readonly port: number;
}
