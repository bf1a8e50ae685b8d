import type { KillSpec } from '../scenario/fault-spec.ts';
import type { FaultContext, Inject, Undo } from './fault.ts';
import { findSuccessors, waitForTakeover } from './takeover.ts';
import { orUndo } from './undo.ts';

/** SIGKILL; healed by starting it again, once a replica has taken over where there is one. */
export const kill: Inject<KillSpec> = ({ node }, context) => killUntilTakeover(node, context);

/** Kills; started any sooner than its undo does, a node would be the primary of what it has lost. */
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
