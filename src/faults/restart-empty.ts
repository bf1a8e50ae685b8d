import type { RestartEmptySpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/**
 * SIGKILL, and started again at once with nothing. Nobody suspects it before the node timeout, so a primary comes
 * back as the primary of empty slots, and its replicas copy that.
 */
export const restartEmpty: Inject<RestartEmptySpec> = async ({ node }, { regions: { nodes } }) =>
  orUndo(
    async () => {
      await nodes.kill(node);
      await nodes.startEmpty(node);
    },
    () => nodes.start(node),
  );
