import type { NodeClockSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

/** The clock of a Redis node steps, and steps back by as much when healed. */
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
