import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { invalidOption } from '../../core/errors.ts';
import { checkEnginePlan } from '../../engines/check-engine-plan.ts';
import { checkFill } from '../../experiment/external-system.ts';
import type { FaultSpec } from '../../scenario/faults/index.ts';
import type { Plan } from '../../scenario/plan.ts';
import type { Endpoints } from '../../topology/endpoints.ts';
import { DEFAULT_TOPOLOGY, type TopologyOptions } from '../../topology/topology.ts';
import { readEndpoints } from '../flags/endpoints-option.ts';
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
  const found = await readNodes(flags, environment);
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
  const found = await readNodes(flags, environment);
  return accept(found === undefined ? plan : { ...plan, topology: topologyOf(found.endpoints) }, found);
}

function accept(plan: Plan, found: Found | undefined): Pick<RunRequest, 'plan' | 'found'> {
  checkEnginePlan(plan, { areNodesOurs: found === undefined });
  if (found !== undefined) checkFill(plan);
  return { plan, ...(found && { found }) };
}

/** An endpoints file, and the text of the certificates that it names. */
interface Found {
  readonly endpoints: Endpoints;
  readonly ca?: string;
}

async function readNodes(
  { endpoints: file }: Pick<RunFlags, 'endpoints'>,
  environment: Environment,
): Promise<Found | undefined> {
  if (file === undefined) return undefined;
  const endpoints = await readEndpoints(file, environment);
  if (endpoints.nodes.length === 0)
    throw invalidOption(
      `${file} has HTTP services, and an engine sends load to nodes of Redis only`,
      'send the parts by hand: openclaw-rl load --help',
    );
  const { ca } = endpoints.tls ?? {};
  if (ca === undefined) return { endpoints };
  const path = resolve(dirname(resolve(environment.cwd, file)), ca);
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw invalidOption(`${file}: tls.ca cannot be read: ${error.message}`);
  });
  return { endpoints, ca: text };
}

/** Roles and slots of the nodes are not known here; the machines look at them. */
function topologyOf({ kind, regions, nodes, roundTripMs }: Endpoints): TopologyOptions {
  const areApart = kind === 'single' && nodes.length > 1;
  return { ...DEFAULT_TOPOLOGY, regions, roundTripMs, ...(areApart && { apart: true, replicas: 0 }) };
}
