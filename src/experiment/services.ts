import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import type { Regions, RegionView, ServicePlace, ServiceRole } from '../regions/provider.ts';
import { settleAll } from '../regions/waiting.ts';
import type { Cleanup } from './cleanup.ts';
import { type Deciding, type Finding, gatewayArguments, ratingArguments } from './service-arguments.ts';
import { ServiceProcess } from './service-process.ts';

export interface ServiceOptions extends Deciding, Finding {
  readonly self: SelfCommand;
  /** The environment of each process; a service in a container has that of its image instead. */
  readonly env: Readonly<Record<string, string>>;
  /** The region of the services, and how a client there sees the cluster. */
  readonly view: RegionView;
  /** Where the services run. Default: processes of this machine, with the local address of the view. */
  readonly place?: NonNullable<Regions['place']>;
  /** Whether its services start again at their addresses. */
  readonly areRestarted: boolean;
  /** How many Rating services the region has. */
  readonly instances: number;
  readonly logs: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  /** Called with a sentence when one ends before it was stopped. */
  readonly onDeath: (how: string) => void;
}

/** The services of a region: the Rating services behind its gateway. */
export interface RegionServices {
  readonly gateway: ServiceProcess;
  readonly ratings: readonly ServiceProcess[];
}

/** Starts the Rating services of a region and its gateway, each a process in the region's view of the network. */
export async function startRegion(options: ServiceOptions): Promise<RegionServices> {
  const { localAddress } = options.view;
  const from = localAddress === undefined ? [] : ['--local-address', localAddress];
  const controlled = (args: readonly string[]) => [...args, ...from, '--allow-clock-change'];
  const limiter = controlled(ratingArguments(options, options));
  const numbers = Array.from({ length: options.instances }, (_, at) => at + 1);
  const starting = numbers.map((instance) => startService(options, { role: 'rating', instance }, limiter));
  await settleAll(starting); // after a failure, none is still starting
  const ratings = await Promise.all(starting);
  const upstreams = gatewayArguments(ratings.map(({ inside }) => inside));
  const gateway = await startService(options, { role: 'gateway' }, controlled(upstreams));
  return { gateway, ratings };
}

async function startService(
  options: ServiceOptions,
  { role, instance = 1 }: { readonly role: ServiceRole; readonly instance?: number },
  args: readonly string[],
): Promise<ServiceProcess> {
  const { view, instances, signal, place = placeHere(options) } = options;
  const { region } = view;
  const name = `${role}-${region}${role === 'rating' && instances > 1 ? `-${instance}` : ''}`;
  return ServiceProcess.start({
    ...{ ...options, name, role, region, args },
    place: await place(region, role, signal, instance),
  });
}

function placeHere({ self, view, areRestarted }: Pick<ServiceOptions, 'self' | 'view' | 'areRestarted'>) {
  const [command, ...script] = self;
  const { localAddress: host = '127.0.0.1' } = view;
  return async (): Promise<ServicePlace> => {
    const port = areRestarted ? await portToKeep(host) : 0;
    return { node: [command], script, listen: { host, port } };
  };
}

/** Ports from which systems open no connections by themselves. */
const KEPT_PORTS = { from: 23_000, to: 30_000 };
const MOST_TRIES = 100;

/** Their services may not listen yet. */
const given = new Set<number>();

/** A free port that no connection takes while its service is down. Port 0 would give one of those that connections take. */
async function portToKeep(host: string): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = randomInt(KEPT_PORTS.from, KEPT_PORTS.to);
    const server = createServer().listen({ host, port });
    const isFree = await once(server, 'listening').then(
      () => !given.has(port),
      () => false,
    );
    if (server.listening) await once(server.close(), 'close');
    if (!isFree) continue;
    given.add(port);
    return port;
  }
  return 0;
}
