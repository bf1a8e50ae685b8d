import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed } from '../core/errors.ts';
import type { ServiceProcesses } from '../faults/support/fault.ts';
import { sampleTarget, type Target } from '../load/target.ts';
import type { Users } from '../load/users.ts';
import { type ClusterHomes, requireHomes } from '../regions/cluster/homes.ts';
import { settle } from '../regions/cluster/settle.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import { findDeviations } from '../regions/network/deviations.ts';
import type { Regions } from '../regions/provider.ts';
import { settleAll } from '../regions/waiting.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Cleanup } from './cleanup.ts';
import { cannotWrite } from './run-folder.ts';
import { checkServices } from './running-services.ts';
import { decidingOf, othersOf } from './service-arguments.ts';
import { controlServices } from './service-control.ts';
import { startRegion } from './services.ts';

/** The system that the load of a run is sent to. */
export interface System {
  /** For people: provider and server. */
  readonly description: string;
  readonly targets: readonly Target[];
  /** Absent for an audited system: then no clocks are read, no roles are watched and there are no faults. */
  readonly regions?: Regions;
  /** Whether it ends with the run. */
  readonly isOurs: boolean;
  /** Whether every bucket is known to be full at the start of the load. */
  readonly initial: 'full' | 'unknown';
  /** For an audited system: how many requests may be sent before the load. */
  readonly warmUpRequests?: number;
  /** Sets the clocks of all services of a region. */
  readonly setServiceClock?: (region: string, offsetMs: number) => Promise<void>;
  /** Of several services, that of the one whose clock differs the least. */
  readonly readServiceClock?: (region: string) => Promise<number>;
  readonly serviceProcesses?: ServiceProcesses;
}

/** What a system gets from the run that starts it. */
export interface Provision {
  readonly plan: Plan;
  /** Of the load. */
  readonly users: Users;
  readonly folder: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  readonly onDeath: (how: string) => void;
  readonly onStep: (what: string) => void;
  /** Of a run in parts: the only region whose services are started, and what all parts begin their keys with. */
  readonly part?: { readonly region: string; readonly prefix: string; readonly gateway?: RunningGateway };
}

/** A gateway and Rating services that run already, instead of those that a part starts. */
export interface RunningGateway {
  readonly url: string;
  /** Until the part has to be ready, in milliseconds. */
  readonly leftMs: () => number;
}

export type ProvideSystem = (provision: Provision) => Promise<System>;

export interface RegionsSource {
  readonly self: SelfCommand;
  /** The environment of the services. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  /** Brings up a cluster or takes a running one. It ends with the run only if `isOurs`. */
  readonly provide: (
    provision: Provision,
  ) => Promise<{ readonly regions: Regions; readonly isOurs: boolean }>;
  /** Called once a running cluster is found fit for the run, with the homes of its users if they have any. */
  readonly onTaken?: (homes: ClusterHomes | undefined) => Promise<void>;
}

/** The regions of the plan, each with a Rating service and a gateway. */
export function regionsSystem({ self, env, prefix, provide, onTaken }: RegionsSource): ProvideSystem {
  return async (provision) => {
    const { plan, folder, cleanup, signal, onDeath, onStep, part } = provision;
    const logs = join(folder, 'logs');
    if (part?.gateway === undefined)
      await mkdir(logs).catch((error: unknown) => {
        throw cannotWrite(folder, error);
      });
    const { regions, isOurs } = await provide(provision);
    if (isOurs) {
      cleanup.add(`end cluster ${regions.name}`, () => regions.down(), regions.kill);
      cleanup.add('keep the logs of its nodes', async () => regions.keepLogs?.(logs).catch(() => {})); // a full disk
    } else {
      await takeOver(regions, signal, onStep);
    }
    if (part?.gateway !== undefined)
      return runningSystem(provision, { ...part, gateway: part.gateway }, regions);
    const homes = plan.homes && (await requireHomes(regions)); // settled: each primary is in its region
    if (!isOurs) await onTaken?.(homes);
    const names = part === undefined ? plan.topology.regions : [part.region];
    const { instances = 1 } = plan;
    onStep(startText(names.length, instances));
    const decides = {
      ...decidingOf(plan, prefix),
      instances,
      areRestarted: plan.faults.some(({ fault }) => fault === 'restart-service'),
      ...(homes && { homes }),
    };
    const place = regions.place && { place: regions.place };
    const common = { self, env, ...decides, logs, cleanup, signal, onDeath, ...place };
    const starting = names.map(async (name) => {
      const region = { view: regions.view(name), others: othersOf(name, regions) };
      return [name, await startRegion({ ...common, ...region })] as const;
    });
    await settleAll(starting); // after a failure, none is still starting
    const started = await Promise.all(starting);
    return {
      description: `${regions.description}${instances === 1 ? '' : `, ${instances} services in each region`}`,
      targets: started.map(([region, { gateway }]) => sampleTarget(region, gateway.reached, { instances })),
      regions,
      isOurs,
      initial: 'full', // each run has its own prefix
      ...controlServices(new Map(started)),
    };
  };
}

/** In front of external regions, which are not ours. */
async function runningSystem(
  { plan, signal, onStep }: Provision,
  {
    gateway: { url, leftMs },
    ...part
  }: { readonly region: string; readonly prefix: string; readonly gateway: RunningGateway },
  regions: Regions,
): Promise<System> {
  const { instances = 1 } = plan;
  await checkServices({ ...part, url, withinMs: leftMs(), plan, signal, onStep });
  return {
    description: `${regions.description}, through ${url}`,
    targets: [sampleTarget(part.region, url, { instances })],
    ...{ regions, isOurs: false, initial: 'full' }, // the key prefix is that of the run
  };
}

function startText(regions: number, instances: number): string {
  return instances === 1
    ? `starting ${regions} gateways and Rating services`
    : `starting ${regions} gateways, each with ${instances} Rating services`;
}

/**
 * Restores the planned state of a cluster that others have used: moves its primaries back to their regions, unless they
 * are external. Throws
 * ENVIRONMENT_FAILED if a fault is in force on it; that fault may be deliberate.
 */
async function takeOver(regions: Regions, signal: AbortSignal, onStep: Provision['onStep']): Promise<void> {
  const deviations = await findDeviations(regions);
  if (deviations.length > 0) {
    const [shown, more] = [deviations.slice(0, 3), deviations.length - 3];
    const all = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    throw environmentFailed(
      `cluster ${regions.name} differs from its plan: ${all}`,
      `openclaw-rl fault heal --${regions.provider === 'external' ? 'endpoints' : 'name'} ${regions.name}`,
    );
  }
  if (regions.provider === 'external') onStep(`waiting for ${regions.name} to be healthy`);
  else onStep(`moving primaries of cluster ${regions.name} to their regions`);
  await settle(regions, signal);
}
