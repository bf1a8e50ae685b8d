/** A client of node-redis 5 or 6 for one server, as much of it as is used; the package itself is never imported. */
export interface NodeRedisStandalone {
  readonly isOpen: boolean;
  /** Connected, and through with the handshake. */
  readonly isReady: boolean;
  readonly options: {
    readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
  };
  /** Whose abort signal takes effect until the command is written, and never after. */
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
  /** Begins to connect and puts the client into `node` at once. */
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
