import type { PauseSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** SIGSTOP: connections stay open and nothing is answered. Healed, it answers all that has waited in its sockets. */
export const pause: Inject<PauseSpec> = async ({ node }, { regions: { nodes } }) =>
  orUndo(
    () => nodes.pause(node),
    () => nodes.resume(node),
  );
