import type { Script } from './script.ts';

/** The operations of Redis that a strategy uses: it runs one script on keys of one slot, and names the node. */
export interface RedisPort {
  /**
   * Runs a script at most once and returns its reply of integers. Rejects with an OpenclawError whose `charge` says
   * whether the script may have run.
   */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply>;
  /** Resolves once a server answers a PING; rejects if none does in time, or if it is a Sentinel. */
  ready(): Promise<void>;
  /** Closes the port's connections. */
  close(): Promise<void>;
}

/** A connection to Redis that can also wait until the replicas have received a write. */
export interface AckedPort extends RedisPort {
  /**
   * Like `run`, for a script that writes. Rejects with REPLICAS_MISSING, without running the script, while the node has
   * too few replicas.
   */
  runAcked(script: Script, keys: readonly string[], args: readonly string[]): Promise<AckedReply>;
}

export interface AckedReply extends ScriptReply {
  /**
   * Resolves once every promotable replica of the node has the writes of this script; rejects with NOT_ACKED (charge
   * possible) on timeout. It does not wait for writes of earlier scripts on other connections.
   */
  acked(): Promise<void>;
}

export interface AckOptions {
  /** The number of promotable replicas of each primary; all of them must have a write. 1 to 100. */
  readonly replicas: number;
  /** Connections to each node for writes and WAIT, 1 to 64. With fewer, more writes share a WAIT. Default 8. */
  readonly lanes?: number;
}

/** A port for scripts whose reply contains text. */
export interface TextPort extends RedisPort {
  /** Like `run`, for a reply of text and integers. */
  runText(script: Script, keys: readonly string[], args: readonly string[]): Promise<TextReply>;
}

export interface TextReply {
  readonly values: readonly (string | number)[];
  readonly node: string;
}

export interface ScriptReply {
  readonly values: readonly number[];
  readonly node: string;
}

/** The Redis of a client: the result of `fromIoredis` and `fromNodeRedis`. */
export interface RedisSource {
  readonly isCluster: boolean;
  /** Opens the limiter's own connections; closing the limiter does not close the client. */
  open(): RedisPort;
  /** The same, for writes that wait for the replicas. Throws INVALID_OPTION. */
  openAcked(options: AckOptions): AckedPort;
}

/** Runs scripts that may write: `run` of a port, or `runAcked`, whose reply has `acked`. */
export type RunWrites = (
  script: Script,
  keys: readonly string[],
  args: readonly string[],
) => Promise<ScriptReply & Partial<Pick<AckedReply, 'acked'>>>;
