import type { NodeClockSpec } from '../scenario/faults/node-clock.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** Steps the clock of a Redis node. The undo steps it back by as much. */
export const nodeClock: Inject<NodeClockSpec> = async ({ node, stepMs }, { regions: { nodes } }) => {
  let hasStepped = false;
  return orUndo(
    async () => {
      await nodes.stepClock(node, stepMs);
      hasStepped = true;
    },
    async () => {
      if (hasStepped) await nodes.stepClock(node, -stepMs);
      hasStepped = false;
    },
  );
};
