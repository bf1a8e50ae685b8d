import { resolve } from 'node:path';
import { explainClaim } from '../../checker/claims/claim.ts';
import { printable } from '../../core/printable.ts';
import { checkPlan } from '../../experiment/check-plan.ts';
import { makeRunFolder } from '../../experiment/run-folder.ts';
import { checkSimulatedPlan } from '../../simulation/check-simulated-plan.ts';
import { type SimulationOptions, simulatePlan } from '../../simulation/run.ts';
import type { RunFlags } from '../flags/run-options.ts';
import type { Environment } from '../process/environment.ts';

export { simulatePlan };

/** Checks a plan, explains its claims, and makes the folder of its simulation. Throws INVALID_OPTION and INVALID_CLAIM. */
export async function prepareSimulation(
  {
    plan,
    flags: { reports },
  }: Pick<SimulationOptions, 'plan'> & { readonly flags: Pick<RunFlags, 'reports'> },
  { cwd, log }: Pick<Environment, 'cwd' | 'log'>,
): Promise<Pick<SimulationOptions, 'plan' | 'folder' | 'startedAt'>> {
  const startedAt = new Date();
  checkSimulatedPlan(plan);
  for (const claim of checkPlan({ plan, provider: 'local' }))
    log(`claim: ${printable(explainClaim(claim))}\n`);
  const folder = await makeRunFolder(resolve(cwd, reports), startedAt, `${plan.scenario}-${plan.seed}`);
  return { plan, folder, startedAt };
}
