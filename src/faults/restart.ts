import type { RestartSpec } from '../scenario/fault-spec.ts';
import type { Inject } from './fault.ts';
import { killUntilTakeover } from './kill.ts';

/** SIGKILL, and started again as soon as a replica has taken over; the undo waits for that. */
export const restart: Inject<RestartSpec> = async ({ node }, context) => {
  const comeBack = await killUntilTakeover(node, context);
  comeBack().catch(() => {}); // the undo tries again, and says so
  return comeBack;
};
