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
  close(): Promise<void>;
}

export interface ScriptReply {
  readonly values: readonly number[];
  readonly node: string;
}
