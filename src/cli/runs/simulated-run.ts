import { resolve } from 'node:path';
import { explainClaim } from '../../checker/claims/claim.ts';
import { printable } from '../../core/printable.ts';
import { checkPlan } from '../../experiment/check-plan.ts';
import { makeRunFolder } from '../../experiment/run-folder.ts';
import { checkSimulatedPlan } from '../../simulation/check-simulated-plan.ts';
import { type SimulationOptions, simulatePlan } from '../../simulation/run.ts';
import type { RunFlags } from '../flags/run-options.ts';
import type { Environment } from '../process/environment.ts';
import { guardPlugin } from './simulated-plugin.ts';

export { simulatePlan };

/** Checks a plan, explains its claims, and makes the folder of its simulation. Throws INVALID_OPTION and INVALID_CLAIM. */
export async function prepareSimulation(
  {
    plan,
    command,
    flags: { reports },
  }: Pick<SimulationOptions, 'plan'> & {
    readonly command: string;
    readonly flags: Pick<RunFlags, 'reports'>;
  },
  environment: Environment,
): Promise<
  Pick<SimulationOptions, 'plan' | 'folder' | 'startedAt' | 'host'> & {
    readonly release: () => void;
  }
> {
  const { cwd, log } = environment;
  const startedAt = new Date();
  checkSimulatedPlan(plan);
  for (const claim of checkPlan({ plan, provider: 'local', isSimulated: true }))
    log(`claim: ${printable(explainClaim(claim))}\n`);
  const plugin =
    plan.limiter === undefined ? undefined : await guardPlugin(plan.limiter, command, environment);
  const release = () => plugin?.release();
  try {
    const folder = await makeRunFolder(resolve(cwd, reports), startedAt, `${plan.scenario}-${plan.seed}`);
    plugin?.runIn(folder);
    return { plan, folder, startedAt, release, host: plugin?.host };
  } catch (error) {
    release();
    throw error;
  }
}
