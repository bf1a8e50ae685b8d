import type { KillSpec } from '../scenario/faults/kill.ts';
import type { FaultContext, Inject, Undo } from './support/fault.ts';
import { findSuccessors, waitForTakeover } from './support/takeover.ts';
import { orUndo } from './support/undo.ts';

/** SIGKILL. The undo starts the node again, after a replica has taken over if there is one. */
export const kill: Inject<KillSpec> = ({ node }, context) => killUntilTakeover(node, context);

/** Kills a node. The undo waits for the takeover first: otherwise the node would return as the primary of lost data. */
export async function killUntilTakeover(node: string, { regions }: FaultContext): Promise<Undo> {
  const successors = await findSuccessors(node, regions);
  let isDead = false;
  return orUndo(
    async () => {
      await regions.nodes.kill(node);
      isDead = true;
    },
    async () => {
      if (isDead) await waitForTakeover(successors, regions);
      await regions.nodes.start(node);
    },
  );
}
