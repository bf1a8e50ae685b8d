import type { RestartEmptySpec } from '../scenario/faults/restart-empty.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/**
 * SIGKILL and an immediate start without data. The other nodes suspect it only after the node timeout, so a primary
 * returns as the primary of empty slots, and its replicas copy them.
 */
export const restartEmpty: Inject<RestartEmptySpec> = async ({ node }, { regions: { nodes } }) =>
  orUndo(
    async () => {
      await nodes.kill(node);
      await nodes.startEmpty(node);
    },
    () => nodes.start(node),
  );
