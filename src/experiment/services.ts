import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { formatNamed, parsePolicies } from '../core/policies.ts';
import { traitsOf } from '../core/strategies.ts';
import { type FailurePolicy, formatFailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import type { ClusterHomes } from '../regions/cluster/homes.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import type { Endpoint, Regions, RegionView, ServicePlace, ServiceRole } from '../regions/provider.ts';
import { settleAll } from '../regions/waiting.ts';
import type { Cleanup } from './cleanup.ts';
import { ServiceProcess } from './service-process.ts';

export interface ServiceOptions {
  readonly self: SelfCommand;
  /** The environment of each process; a service in a container has that of its image instead. */
  readonly env: Readonly<Record<string, string>>;
  /** The region of the services, and how a client there sees the cluster. */
  readonly view: RegionView;
  /** Where the services run. Default: processes of this machine, with the local address of the view. */
  readonly place?: NonNullable<Regions['place']>;
  /** For a strategy with `perRegionBucket`: the Redis of each other region, by the cluster's address for it. */
  readonly others: Readonly<Record<string, Endpoint>>;
  readonly strategy: string;
  /** The file of a plug-in, absolute, instead of the strategy. */
  readonly limiter?: string;
  /** Replicas of each primary, for a strategy that waits for them. */
  readonly replicas: number;
  readonly onFailure: FailurePolicy;
  /** Whether its services start again at their addresses. */
  readonly areRestarted: boolean;
  /** How many Rating services the region has. */
  readonly instances: number;
  /** Where the buckets of users with homes are; absent: no user has one. */
  readonly homes?: ClusterHomes;
  /** One, or several as `parsePolicies` reads them. */
  readonly policy: string;
  readonly prefix: string;
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
  const { view, others, strategy, policy, prefix } = options;
  const { localAddress } = view;
  const from = localAddress === undefined ? [] : ['--local-address', localAddress];
  const elsewhere = Object.entries(others).flatMap(([region, { host, port }]) => [
    '--other',
    `${region}=redis://${host}:${port}`,
  ]);
  const { perRegionBucket, waitsForReplicas } = traitsOf(strategy);
  const where = [...redisFlags(view), ...(perRegionBucket ? elsewhere : kindFlags(view))];
  const onFailure = ['--on-failure', formatFailurePolicy(options.onFailure)];
  const decides =
    options.limiter === undefined
      ? ['--strategy', strategy, '--evidence', ...onFailure]
      : ['--limiter', options.limiter];
  const acks = waitsForReplicas ? ['--replicas', String(options.replicas)] : [];
  const policies = parsePolicies(policy).flatMap((named) => ['--policy', formatNamed(named)]);
  const homes = options.homes === undefined ? [] : ['--homes', JSON.stringify(options.homes)]; // a container has no file
  const limiter = [...where, ...decides, ...acks, ...homes, ...policies, '--prefix', prefix];
  const numbers = Array.from({ length: options.instances }, (_, at) => at + 1);
  const starting = numbers.map((instance) =>
    startService(options, { role: 'rating', instance }, [...limiter, ...from, '--allow-clock-change']),
  );
  await settleAll(starting); // after a failure, none is still starting
  const ratings = await Promise.all(starting);
  const upstreams = ratings.flatMap(({ inside }) => ['--upstream', inside]);
  const controlled = [...from, ...upstreams, '--allow-clock-change'];
  const gateway = await startService(options, { role: 'gateway' }, controlled);
  return { gateway, ratings };
}

function redisFlags({ seeds, tls }: RegionView): string[] {
  const { ca, serverName, insecure } = tls ?? {};
  const scheme = tls === undefined ? 'redis' : 'rediss';
  return [
    ...seeds.flatMap(({ host, port }) => [
      '--redis',
      `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ]),
    ...(ca === undefined ? [] : ['--ca', ca]),
    ...(serverName === undefined ? [] : ['--tls-name', serverName]),
    ...(insecure ? ['--insecure'] : []),
  ];
}

/** How the service finds the server of a key. */
function kindFlags({ kind, primary = '' }: RegionView): string[] {
  if (kind === 'sentinel') return ['--sentinel', primary];
  return kind === 'cluster' ? ['--cluster'] : [];
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
const KEPT_PORTS = { from: 20_000, to: 30_000 };
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
