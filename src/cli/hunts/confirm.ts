import { OpenclawError } from '../../core/errors.ts';
import type { Ground } from '../../hunt/ground.ts';
import type { RealCase } from '../../hunt/hunt-document.ts';
import { outcomeText } from '../../hunt/hunt-text.ts';
import { isFound, outcomeOf } from '../../hunt/outcome.ts';
import { planOf, type Schedule } from '../../hunt/schedule.ts';
import type { RealRuns } from './real-runs.ts';
import { unrecordedTakeover } from './recorded-roles.ts';

/** The timing of a real cluster is not that of the model, so the same schedule is run again if it finds nothing. */
const MOST_TRIES = 3;

/** A schedule that was found in simulation, and its scenario file. */
export interface ToConfirm {
  readonly ground: Ground;
  readonly schedule: Schedule;
  /** The name of its scenario. */
  readonly name: string;
  /** The command that runs the file. */
  readonly command: string;
}

/**
 * Runs a schedule on a real cluster until it is found there, three times at most. An excess counts only if each takeover
 * of its shard was recorded: the bound depends on them. Throws INTERRUPTED.
 */
export async function confirm(
  { ground, schedule, name, command }: ToConfirm,
  { runs: real, signal }: { readonly runs: RealRuns; readonly signal: AbortSignal },
): Promise<RealCase> {
  const plan = planOf(ground, schedule, name);
  const runs: string[] = [];
  let last: Omit<RealCase, 'runs'> = { status: 'not confirmed', reason: 'it was not run' };
  while (runs.length < MOST_TRIES) {
    const report = await real.run(plan, command).catch((error: unknown) => {
      if (error instanceof OpenclawError && error.code !== 'INTERRUPTED') return error;
      throw error;
    });
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted during a real run');
    if (report instanceof OpenclawError)
      return { status: 'not confirmed', reason: `it could not be run: ${report.message}`, runs };
    runs.push(report.folder);
    const { excess, bound, verdict, ...others } = outcomeOf(ground, plan, report);
    const outcome = { excess, bound, verdict };
    const text = outcomeText({ ...outcome, ...others });
    if (!isFound({ ...outcome, ...others })) {
      last = { status: 'not confirmed', reason: `${text}, verdict ${verdict}, in each real run`, outcome };
      continue;
    }
    const lack = await unrecordedTakeover(ground, report);
    if (lack === undefined) return { status: 'confirmed', reason: text, outcome, runs };
    last = { status: 'not confirmed', reason: `${text}, but ${lack}`, outcome };
  }
  return { ...last, runs };
}
