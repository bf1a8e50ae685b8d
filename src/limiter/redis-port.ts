import type { Script } from './script.ts';

/** The little that a strategy needs of Redis: run one script on keys of one slot, and learn which node answered. */
export interface RedisPort {
  /**
   * Runs a script once, never twice, and gives its reply of integers. Rejects with an OpenclawError that says
   * whether the script may have run.
   */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply>;
  /** Resolves once a server answers a PING; rejects with the reason when none does in time. */
  ready(): Promise<void>;
  /** Closes what the port opened. */
  close(): Promise<void>;
}

/** A port that can tell when a write has reached the replicas. */
export interface AckedPort extends RedisPort {
  /**
   * As `run`, for a script that writes; rejects with REPLICAS_MISSING, and has run nothing, while the node is known to be
   * short of replicas.
   */
  runAcked(script: Script, keys: readonly string[], args: readonly string[]): Promise<AckedReply>;
}

export interface AckedReply extends ScriptReply {
  /**
   * Resolves once every promotable replica of the node that ran the script has its writes; rejects with NOT_ACKED (charge
   * possible) when not in time. Covers what this very script wrote: one that wrote nothing has nothing to wait for, and
   * what an earlier one wrote, by another connection, is not waited for.
   */
  acked(): Promise<void>;
}

export interface AckOptions {
  /** How many replicas each primary has that could be promoted in its place: all of them must have a write. */
  readonly replicas: number;
  /** Connections to each node that take turns in waiting for its replicas: with fewer, more writes share a WAIT. Default 8. */
  readonly lanes?: number;
}

/** A port for strategies whose regions tell each other what they spent, which is text and numbers. */
export interface TextPort extends RedisPort {
  /** As `run`, for a reply that may hold text. */
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

/** Where Redis is and by which client it is reached: what `fromIoredis` and `fromNodeRedis` give to a limiter. */
export interface RedisSource {
  readonly isCluster: boolean;
  /** Opens connections of its own, so that closing the limiter closes nothing that is not its own. */
  open(): RedisPort;
  /** The same, for writes that count only when the replicas have them. Throws INVALID_OPTION. */
  openAcked(options: AckOptions): AckedPort;
}
