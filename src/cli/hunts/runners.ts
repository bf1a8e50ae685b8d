import { availableParallelism } from 'node:os';
import { OpenclawError } from '../../core/errors.ts';
import type { Ground } from '../../hunt/ground.ts';
import { failedOutcome, isFound, outcomeOf } from '../../hunt/outcome.ts';
import { planOf, type Schedule } from '../../hunt/schedule.ts';
import type { HuntFlags } from '../flags/hunt-options.ts';
import type { Environment } from '../process/environment.ts';
import { HuntWorkers } from '../threads/hunt-workers.ts';
import type { RealRuns } from './real-runs.ts';
import { unrecordedTakeover } from './recorded-roles.ts';
import type { Trial } from './trials.ts';

/** Runs the schedules of a search. */
export interface Runner {
  run(schedule: Schedule): Promise<Trial>;
  /** Ends all that it has started. Safe to call twice. */
  close(): Promise<void>;
}

/** In threads, one schedule in each; a signal ends them. */
export function simulatedRunner(
  ground: Ground,
  { workers: count = availableParallelism() }: HuntFlags,
  { interrupt }: Environment,
): Runner {
  const workers = new HuntWorkers({ ground, count });
  const close = () => workers.close();
  interrupt.addEventListener('abort', () => void close(), { once: true });
  return { run: (schedule) => workers.simulate(schedule), close };
}

/** After so many runs that failed one after the other the machine is at fault, not the schedule. */
const MOST_FAILURES = 3;

/** On one real cluster, one schedule after the other. Once `isOver`, it stops between two of them. */
export function realRunner(
  ground: Ground,
  { runs, isOver }: { readonly runs: RealRuns; readonly isOver: () => boolean },
  { interrupt }: Environment,
): Runner {
  let failures = 0;
  let last: Promise<unknown> = Promise.resolve();
  const runNow = async (schedule: Schedule): Promise<Trial> => {
    if (interrupt.aborted || isOver()) return 'stopped';
    const plan = planOf(ground, schedule);
    try {
      const report = await runs.run(plan, 'openclaw-rl hunt');
      if (interrupt.aborted) return 'stopped';
      failures = 0;
      const outcome = outcomeOf(ground, plan, report);
      const lack = isFound(outcome) ? await unrecordedTakeover(ground, report) : undefined;
      return lack === undefined ? outcome : { ...outcome, verdict: 'unknown' };
    } catch (error) {
      if (interrupt.aborted) return 'stopped';
      if (!(error instanceof OpenclawError) || error.code === 'SERVER_MISSING') throw error;
      if (++failures >= MOST_FAILURES) throw error;
      return failedOutcome(plan, error);
    }
  };
  return {
    run(schedule) {
      const run = last.then(() => runNow(schedule));
      last = run.catch(() => {});
      return run;
    },
    close: () => runs.close(),
  };
}
