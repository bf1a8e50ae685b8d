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
}
