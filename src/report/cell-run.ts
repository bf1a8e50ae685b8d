import { sortedJson } from '../core/sorted-json.ts';
import type { Plan } from '../scenario/plan.ts';
import type { RunReport } from './report.ts';

/** The kept run of a cell, and the version of the program that made it. */
export interface CellRun {
  readonly program: string;
  readonly report: RunReport;
}

export interface WantedRun {
  readonly plan: Plan;
  readonly program: string;
  readonly simulated?: boolean;
}

/**
 * Whether a kept run is of the same program and plan, simulated or not as is wanted. How many processes sent the load
 * does not matter: they send the same requests.
 */
export function isWantedRun(
  { program, report }: CellRun,
  { plan, program: wanted, simulated = false }: WantedRun,
): boolean {
  if (program !== wanted || sentText(report.plan) !== sentText(plan)) return false;
  return (report.simulated ?? false) === simulated;
}

/** The text of a plan, without how many processes send its load. */
function sentText({ load, ...plan }: Plan): string | undefined {
  const { processes: _, ...sent } = load;
  return sortedJson({ ...plan, load: sent });
}
