import { resolve } from 'node:path';
import { explainClaim } from '../../checker/claims/claim.ts';
import { printable } from '../../core/printable.ts';
import { checkPlan } from '../../experiment/check-plan.ts';
import { makeRunFolder } from '../../experiment/run-folder.ts';
import { loadPlugin } from '../../limiter/plugin/plugin.ts';
import type { Plan } from '../../scenario/plan.ts';
import { checkSimulatedPlan } from '../../simulation/check-simulated-plan.ts';
import { type SimulationOptions, simulatePlan } from '../../simulation/run.ts';
import { checkSimulated } from '../../simulation/service/plugin-instance.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';

export { simulatePlan };

/** Checks a plan, explains its claims, and makes the folder of its simulation. Throws INVALID_OPTION and INVALID_CLAIM. */
export async function prepareSimulation(
  {
    plan,
    flags: { reports },
  }: Pick<SimulationOptions, 'plan'> & { readonly flags: Pick<RunFlags, 'reports'> },
  environment: Environment,
): Promise<Pick<SimulationOptions, 'plan' | 'folder' | 'startedAt'> & { readonly release: () => void }> {
  const { cwd, log } = environment;
  const startedAt = new Date();
  checkSimulatedPlan(plan);
  for (const claim of checkPlan({ plan, provider: 'local' }))
    log(`claim: ${printable(explainClaim(claim))}\n`);
  const release = await guardPlugin(plan, environment);
  const folder = await makeRunFolder(resolve(cwd, reports), startedAt, `${plan.scenario}-${plan.seed}`);
  return { plan, folder, startedAt, release };
}

/**
 * Checks the plug-in of a plan, which runs in this process: until it is released, an end of the process is its failure, and
 * what it prints goes to the log instead of the results.
 */
async function guardPlugin({ limiter: file }: Plan, environment: Environment): Promise<() => void> {
  if (file === undefined) return () => {};
  const undivert = divertResults(environment);
  const { release } = await startPlugin(file, environment, async () =>
    checkSimulated(await loadPlugin(file), file),
  );
  return () => {
    undivert();
    release();
  };
}

function divertResults({ log }: Environment): () => void {
  const { stdout } = process;
  const write = stdout.write;
  stdout.write = (chunk: string | Uint8Array) => {
    log(printable(typeof chunk === 'string' ? chunk.trimEnd() : Buffer.from(chunk).toString()).concat('\n'));
    return true;
  };
  return () => {
    stdout.write = write;
  };
}
