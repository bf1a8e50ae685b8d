import type { AckedReply, ScriptReply } from './redis-port.ts';
import type { Script } from './script.ts';

/** Runs scripts that may write: `run` of a port, or `runAcked`, whose writes count when `acked` says so. */
export type RunWrites = (
  script: Script,
  keys: readonly string[],
  args: readonly string[],
) => Promise<ScriptReply & Partial<Pick<AckedReply, 'acked'>>>;
