import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { sampleTarget, type Target } from '../load/target.ts';
import { setServiceClock } from '../rating/set-service-clock.ts';
import { findDeviations } from '../regions/deviations.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import type { Endpoint, Regions } from '../regions/provider.ts';
import { settle } from '../regions/settle.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Cleanup } from './cleanup.ts';
import { failurePolicyOf } from './failure-policy-of.ts';
import { cannotWrite } from './run-folder.ts';
import { type RegionServices, startRegion } from './services.ts';

/** What the load of a run is sent to. */
export interface System {
  /** For people: provider and server. */
  readonly description: string;
  readonly targets: readonly Target[];
  /** Absent where nothing of it is ours: then there are no clocks to read, no roles to watch and no faults. */
  readonly regions?: Regions;
  /** Whether it ends with the run. */
  readonly isOurs: boolean;
  /** Whether every bucket is known to be full when the load begins. */
  readonly initial: 'full' | 'unknown';
  /** Of what is not ours: how many requests may be sent before the load. */
  readonly warmUpRequests?: number;
  readonly setServiceClock?: (region: string, offsetMs: number) => Promise<void>;
}

/** What starting a system may use of the run it is for. */
export interface Provision {
  readonly plan: Plan;
  readonly folder: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  readonly onDeath: (how: string) => void;
  readonly onStep: (what: string) => void;
}

export type ProvideSystem = (provision: Provision) => Promise<System>;

export interface RegionsSource {
  readonly self: SelfCommand;
  /** The environment of the services. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  /** Brings up the cluster, or takes one that is up; it is ended after the run only when `isOurs`. */
  readonly provide: () => Promise<{ readonly regions: Regions; readonly isOurs: boolean }>;
  /** Called once a cluster that is up was found fit for the run. */
  readonly onTaken?: () => Promise<void>;
}

/** Three regions or as many as the plan has, each with its Rating service and its gateway. */
export function regionsSystem({ self, env, prefix, provide, onTaken }: RegionsSource): ProvideSystem {
  return async ({ plan, folder, cleanup, signal, onDeath, onStep }) => {
    const logs = join(folder, 'logs');
    await mkdir(logs).catch((error: unknown) => {
      throw cannotWrite(folder, error);
    });
    const { regions, isOurs } = await provide();
    if (isOurs) cleanup.add(`end cluster ${regions.name}`, () => regions.down());
    else {
      await takeOver(regions, signal, onStep);
      await onTaken?.();
    }
    const names = plan.topology.regions;
    onStep(`${names.length} gateways and Rating services`);
    const { strategy, policy, limiter } = plan;
    const { replicas } = plan.topology;
    const onFailure = failurePolicyOf(plan);
    const decides = {
      strategy,
      replicas,
      onFailure,
      policy,
      prefix,
      ...(limiter !== undefined && { limiter }),
    };
    const place = regions.place && { place: regions.place };
    const common = { self, env, ...decides, logs, cleanup, signal, onDeath, ...place };
    const started = await allSettledOrThrow(
      names.map(async (name) => {
        const region = { view: regions.view(name), others: othersOf(name, regions) };
        return [name, await startRegion({ ...common, ...region })] as const;
      }),
    );
    const services = new Map<string, RegionServices>(started);
    return {
      description: regions.description,
      targets: started.map(([region, { gateway }]) => sampleTarget(region, gateway)),
      regions,
      isOurs,
      initial: 'full', // the prefix of a run is its own
      setServiceClock: (region, offsetMs) => setServiceClock(services.get(region)?.rating ?? '', offsetMs),
    };
  };
}

/** The first node of each other region. */
function othersOf(name: string, { topology, announced }: Regions): Record<string, Endpoint> {
  const firsts = topology.nodes.filter(({ region, index }) => region !== name && index === 0);
  return Object.fromEntries(firsts.map((node) => [node.region, announced(node.name)]));
}

/**
 * Makes sure that a cluster which others have used is as it was planned: its primaries are brought home. Throws
 * ENVIRONMENT_FAILED for what is in force on it, which somebody may want there.
 */
async function takeOver(regions: Regions, signal: AbortSignal, onStep: Provision['onStep']): Promise<void> {
  const deviations = await findDeviations(regions);
  if (deviations.length > 0) {
    const [shown, more] = [deviations.slice(0, 3), deviations.length - 3];
    const all = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    throw new OpenclawError(
      'ENVIRONMENT_FAILED',
      `cluster ${regions.name} is not as it was planned: ${all}`,
      {
        hint: `openclaw-rl fault heal --name ${regions.name}`,
      },
    );
  }
  onStep(`primaries of cluster ${regions.name} where they belong`);
  await settle(regions, signal);
}

/** Waits for all, so that a failure leaves none behind that is still starting. */
async function allSettledOrThrow<T>(starting: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}
