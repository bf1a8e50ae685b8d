import { invalidOption } from '../core/errors.ts';
import type { RestartServiceSpec } from '../scenario/faults/restart-service.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

/** SIGKILL. The undo starts the services again at their addresses, and resolves once they listen. */
export const restartService: Inject<RestartServiceSpec> = async ({ region, instance }, context) => {
  const { serviceProcesses } = context;
  if (serviceProcesses === undefined)
    throw invalidOption(`${region} has no Rating service of this run: it cannot be restarted`);
  return orUndo(
    () => serviceProcesses.kill(region, instance),
    () => serviceProcesses.start(region, instance),
  );
};
