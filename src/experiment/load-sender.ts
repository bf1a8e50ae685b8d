import { OpenclawError } from '../core/errors.ts';
import { LoadProcesses } from '../load/processes/load-processes.ts';
import { type LoadOptions, runLoad } from '../load/run-load.ts';
import { loadProcessesOf } from './check-plan.ts';
import type { Run } from './run-context.ts';

/** Sends the loads of a run: in this process, or in several processes. */
export interface LoadSender {
  readonly processes: number;
  /**
   * Sends a load like `runLoad`. Throws ENVIRONMENT_FAILED if a process ended by itself; what was recorded is then
   * complete up to the last record.
   */
  readonly send: (load: LoadOptions) => Promise<number>;
}

/** Starts the processes of a run, which end with it. Throws ENVIRONMENT_FAILED. */
export async function openSender({ plan, loadProgram, part, cleanup, problems }: Run): Promise<LoadSender> {
  const count = part === undefined ? loadProcessesOf(plan) : 1;
  if (count === 1 || loadProgram === undefined) return { processes: 1, send: runLoad };
  const processes = await LoadProcesses.start({
    ...{ program: loadProgram, regions: plan.topology.regions, count },
    onStart: (started) =>
      cleanup.add(
        'end the load processes',
        () => started.close(),
        () => started.kill(),
      ),
    onPause: (what) => problems.push(`${what}; latencies include that stall`),
  });
  return { processes: count, send: (load) => processes.send(load) };
}

/** Whether this error of a sender says that one of its processes ended by itself. */
export function isDeath(error: unknown): error is OpenclawError {
  return error instanceof OpenclawError && error.code === 'ENVIRONMENT_FAILED';
}
