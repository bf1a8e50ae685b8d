import type { PauseSpec } from '../scenario/faults/pause.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** SIGSTOP: connections stay open without replies. After the undo, the node answers the waiting requests. */
export const pause: Inject<PauseSpec> = async ({ node }, { regions: { nodes } }) =>
  orUndo(
    () => nodes.pause(node),
    () => nodes.resume(node),
  );
