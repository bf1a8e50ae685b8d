import { checkEnginePlan } from '../../engines/check-engine-plan.ts';
import { checkFill } from '../../experiment/external-system.ts';
import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type FoundNodes, readNodes, topologyOf } from '../files/read-nodes.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { choosePlugin } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { formatCommand, type PlanFlags, planOfFlags } from './flag-plan.ts';
import type { RunRequest } from './run-plan.ts';

/** The run of the flags of `bench` or `chaos` on an engine. Throws INVALID_OPTION if that cannot run it. */
export async function planOnEngine(
  flags: PlanFlags & RunFlags,
  environment: Environment,
  fault?: FaultSpec,
): Promise<RunRequest> {
  const plugin = await choosePlugin(flags, environment);
  const found = await nodesOf(flags, environment);
  const running = found && topologyOf(found.endpoints);
  const plan = planOfFlags(flags, { running, plugin, ...(fault && { fault }) });
  return {
    ...accept(plan, found),
    ...{ command: formatCommand(plan, flags), flags },
    ...(plugin && { promise: plugin.promise }),
  };
}

/** The same for a scenario. */
export async function scenarioOnEngine(
  plan: Plan,
  flags: Pick<RunFlags, 'endpoints'>,
  environment: Environment,
): Promise<Pick<RunRequest, 'plan' | 'found'>> {
  const found = await nodesOf(flags, environment);
  return accept(found === undefined ? plan : { ...plan, topology: topologyOf(found.endpoints) }, found);
}

function accept(plan: Plan, found: FoundNodes | undefined): Pick<RunRequest, 'plan' | 'found'> {
  checkEnginePlan(plan, { areNodesOurs: found === undefined });
  if (found !== undefined) checkFill(plan);
  return { plan, ...(found && { found }) };
}

async function nodesOf({ endpoints }: Pick<RunFlags, 'endpoints'>, environment: Environment) {
  return endpoints === undefined ? undefined : readNodes(endpoints, environment);
}
