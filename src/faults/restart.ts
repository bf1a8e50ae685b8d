import type { RestartSpec } from '../scenario/faults/restart.ts';
import { killUntilTakeover } from './kill.ts';
import type { Inject } from './support/fault.ts';

/** SIGKILL and a start as soon as a replica has taken over; the undo waits for both. */
export const restart: Inject<RestartSpec> = async ({ node }, context) => {
  const comeBack = await killUntilTakeover(node, context);
  comeBack().catch(() => {}); // the undo tries again and reports the failure
  return comeBack;
};
