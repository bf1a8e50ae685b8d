import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { Plan } from '../../scenario/plan.ts';
import { optionsOf } from '../../topology/topology.ts';
import { standingTopology } from '../flags/cluster-flags.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { choosePlugin } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { planOnEngine, scenarioOnEngine } from './engine-plan.ts';
import { openExternalRun } from './external-run.ts';
import { formatCommand, type PlanFlags, planOfFlags } from './flag-plan.ts';
import type { RunRequest } from './run-plan.ts';

/** The run of the flags of `bench` or `chaos`: in regions of ours, or on the nodes of an endpoints file. */
export async function planRun(
  flags: PlanFlags & RunFlags,
  environment: Environment,
  fault?: FaultSpec,
): Promise<RunRequest> {
  if (flags.engine !== undefined) return planOnEngine(flags, environment, fault);
  const plugin = await choosePlugin(flags, environment);
  const external = await externalRun(flags, environment);
  if (fault !== undefined) external?.check(fault);
  const isOnCluster = external === undefined && !flags.simulate;
  const standing = isOnCluster ? await standingTopology(environment, flags) : undefined;
  const running = external?.topology ?? (standing && optionsOf(standing));
  const plan = planOfFlags(flags, { running, plugin, ...(fault && { fault }) });
  return {
    plan: external?.accept(plan) ?? plan,
    ...{ command: formatCommand(plan, flags), flags },
    ...(external && { system: external.system }),
    ...(plugin && { promise: plugin.promise }),
  };
}

/** The same run on the nodes of the endpoints file that the flags name, if they name one. */
export async function onEndpoints(
  plan: Plan,
  flags: EndpointFlags,
  environment: Environment,
): Promise<Pick<RunRequest, 'plan' | 'system' | 'found'>> {
  if (flags.engine !== undefined) return scenarioOnEngine(plan, flags, environment);
  const external = await externalRun(flags, environment);
  if (external === undefined) return { plan };
  return { plan: external.accept(plan), system: external.system };
}

type EndpointFlags = Pick<RunFlags, 'endpoints' | 'allowEviction' | 'engine'>;

async function externalRun(flags: EndpointFlags, environment: Environment) {
  const { endpoints } = flags;
  return endpoints === undefined ? undefined : openExternalRun(endpoints, flags, environment);
}
