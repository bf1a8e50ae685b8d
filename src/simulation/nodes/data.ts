import type { Script } from '../../limiter/redis/script.ts';

/** The keys of a node, and the writes that its replicas must apply. */
export interface Data {
  /** What was written since the last call, with absolute expiry. */
  takeEffects(): readonly unknown[];
  apply(effect: unknown): void;
  copy(): Data;
  clear(): void;
}

/** What a script sees of the node that runs it. */
export interface ScriptPlace {
  readonly store: Data;
  /** TIME, microseconds since 1970; it stands still while a script runs. */
  readonly clockUs: number;
  readonly replicationId: string;
  readonly isReplica: boolean;
  readonly readOnly?: boolean;
}

/** Runs scripts on the data of a node. */
export interface Engine {
  run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    on: ScriptPlace,
  ): { readonly values: readonly (number | string)[] } | { readonly error: string };
}
