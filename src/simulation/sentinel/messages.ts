/** What a Sentinel says of itself and of the primary, every publish period, to all nodes and Sentinels. */
export interface Hello {
  readonly sentinel: string;
  readonly currentEpoch: number;
  readonly primary: string;
  readonly configEpoch: number;
}

/** INFO of a node, as far as Sentinels read it. */
export interface NodeInfo {
  readonly runId: string;
  readonly role: 'primary' | 'replica';
  /** The node that a replica follows. */
  readonly follows?: string;
  readonly isLinked: boolean;
  /** Milliseconds since the link to its primary is down; 0 while it is up, -1,000 if it never was, as INFO says. */
  readonly linkDownMs: number;
  readonly offset: number;
  readonly priority: number;
}

/** What a Sentinel sends to a node or another Sentinel. */
export type FromSentinel =
  | { readonly name: 'ping' }
  | { readonly name: 'info' }
  /** REPLICAOF, or of nothing: NO ONE; with CONFIG REWRITE and CLIENT KILL. */
  | { readonly name: 'replicaof'; readonly node: string | undefined }
  | { readonly name: 'hello'; readonly hello: Hello }
  /** SENTINEL IS-MASTER-DOWN-BY-ADDR. With a candidate it asks for a vote. */
  | {
      readonly name: 'is-down';
      readonly node: string;
      readonly epoch: number;
      readonly candidate: string | undefined;
    };

/** Replies in the order of the commands, and what other Sentinels published at a node. */
export type ToSentinel =
  | { readonly reply: 'pong' }
  | { readonly info: NodeInfo }
  | { readonly hello: Hello }
  | { readonly isDown: boolean; readonly vote: Vote | undefined };

/** Who has the vote of a Sentinel in an epoch. */
export interface Vote {
  readonly leader: string;
  readonly epoch: number;
}
