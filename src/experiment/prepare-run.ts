import { basename } from 'node:path';
import { explainClaim } from '../checker/claims/claim.ts';
import { printable } from '../core/printable.ts';
import { DEFAULT_PREFIX } from '../limiter/options/key.ts';
import { bringUp } from '../regions/bring-up.ts';
import { type ClusterContext, chooseProvider, type WantedProvider } from '../regions/choose-provider.ts';
import type { ClusterHomes } from '../regions/cluster/homes.ts';
import { sweepAloud } from '../regions/clusters.ts';
import { isAsWanted } from '../regions/differences.ts';
import { findRunning } from '../regions/open-cluster.ts';
import { runName } from '../regions/processes/owner.ts';
import type { Regions } from '../regions/provider.ts';
import { isOfStore } from '../scenario/faults/index.ts';
import type { Plan } from '../scenario/plan.ts';
import { planTopology } from '../topology/topology.ts';
import { checkPlan } from './check-plan.ts';
import type { RunOptions } from './run-context.ts';
import { makeRunFolder } from './run-folder.ts';
import { type ProvideSystem, regionsSystem } from './system.ts';

export interface RunRequest {
  readonly plan: Plan;
  /** The run gets a folder in this one. */
  readonly reports: string;
  /** The cluster to use if it is up and fits the plan; otherwise one that is made for the run and ends with it. */
  readonly cluster: Omit<WantedProvider, 'seed'> & { readonly name: string };
  /** Instead of a cluster: a system that is already running. */
  readonly system?: ProvideSystem;
  /** The environment of the services. */
  readonly serviceEnv: Readonly<Record<string, string>>;
}

/**
 * Checks a plan, explains its claims, finds a cluster or what can start one, and makes the folder of the run. Starts
 * nothing. Throws like `checkPlan`, SERVER_MISSING and ENVIRONMENT_FAILED.
 */
export async function prepareRun(
  request: RunRequest,
  context: ClusterContext,
): Promise<Pick<RunOptions, 'plan' | 'folder' | 'startedAt' | 'provide'>> {
  const { plan, reports, cluster, system } = request;
  const startedAt = new Date();
  for (const claim of checkPlan({ plan, provider: cluster.provider, startsNodes: system === undefined }))
    context.onProgress(`claim: ${printable(explainClaim(claim))}`);
  await import('../load/autocannon.ts'); // where its WebAssembly has too little memory, it fails before regions start
  const provideFor = system === undefined ? await findRegions(request, context) : () => system;
  const folder = await makeRunFolder(reports, startedAt, `${plan.scenario}-${plan.seed}`);
  return { plan, folder, startedAt, provide: provideFor(folder) };
}

/**
 * The cluster of that name if it is up and fits, otherwise one that ends with the run; for a run in this folder. Throws
 * SERVER_MISSING and ENVIRONMENT_FAILED if no regions can run here.
 */
async function findRegions(
  { plan, cluster: { name, ...cluster }, serviceEnv: env }: RunRequest,
  context: ClusterContext,
): Promise<(folder: string) => ProvideSystem> {
  const { store, self, onProgress } = context;
  const wanted = {
    topology: planTopology(plan.topology),
    ...cluster,
    ...((plan.limiter !== undefined || plan.faults.some(isOfStore)) && { provider: 'local' as const }),
  };
  const steppableClocks = plan.faults.some(({ fault }) => fault === 'node-clock');
  const running = await findRunning(store, name);
  const canBreak = !plan.faults.some(isOfStore) || running?.regions.access !== undefined;
  const fits = running !== undefined && !steppableClocks && canBreak && isAsWanted(wanted, running.state);
  if (running !== undefined && !fits)
    onProgress(`cluster ${name} is up but does not fit this run; starting another`);
  if (fits)
    await sweepAloud(context, { requested: [], unknownContainers: false }); // `bringUp` sweeps, too
  else await chooseProvider({ ...wanted, seed: plan.seed }, { ...context, onProgress: () => {} });
  const provide = async (): Promise<{ regions: Regions; isOurs: boolean }> => {
    if (fits) return { regions: running.regions, isOurs: false };
    const own = { name: runName(), lifetime: 'run', steppableClocks, seed: plan.seed } as const;
    return { regions: await bringUp({ ...own, ...wanted }, context), isOurs: true };
  };
  return (folder) => {
    const prefix = `${DEFAULT_PREFIX}:${basename(folder)}`; // new keys: every bucket starts full
    const onTaken = (
      homes: ClusterHomes | undefined, // not for a run that is refused
    ) => store.noteRun(name, { policy: plan.policy, prefix, ...(homes && { homes }) });
    return regionsSystem({ self, env, prefix, provide, onTaken });
  };
}
