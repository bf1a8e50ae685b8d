import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { allOrNone } from '../all-or-none.ts';
import type { ClusterState } from '../cluster-state.ts';
import { formCluster, waitUntilAnswers } from '../form-cluster.ts';
import { createLinks, setRoundTrips } from '../links.ts';
import { endOwned, findOwned } from '../processes/owned-processes.ts';
import { thisProgram } from '../processes/owner.ts';
import {
  type Endpoint,
  plannedNode,
  type Regions,
  type RegionsProvider,
  type RegionView,
  type UpOptions,
} from '../provider.ts';
import { RegionToxiproxy } from '../region-toxiproxy.ts';
import { type ClusterStart, type ClusterStore, endedByAnother } from '../state.ts';
import type { Topology } from '../topology.ts';
import { interruption } from '../until.ts';
import { API_PORT, doorPort, nodeAddress, nodesOf } from './addresses.ts';
import { composeUp } from './compose-up.ts';
import type { Images } from './images.ts';
import { keepLogs } from './keep-logs.ts';
import { controlContainers } from './node-control.ts';
import { listStarts, type Owner, removeOwned } from './owned-containers.ts';
import { type PublishedPorts, publishedAt, readPublished } from './published.ts';
import { placeContainers } from './service-place.ts';
import { onSubnet } from './subnet.ts';
import { populateToxiproxy, reviveToxiproxy } from './toxiproxies.ts';

/** What the state file of a cluster of containers holds besides what every one does. */
interface DockerProvision {
  readonly project: string;
  readonly images: Images;
  /** Empty until the containers run. */
  readonly ports: PublishedPorts;
}

export interface DockerProviderOptions {
  readonly store: ClusterStore;
  readonly images: Images;
  /** For the network between the regions; default: a free part of 198.18.0.0/15. */
  readonly subnet?: string;
}

const NODE_START_MS = 20_000;

/** Regions as containers, each with a network namespace of its own. */
export function createDockerProvider(options: DockerProviderOptions): RegionsProvider {
  return { name: 'docker', up: (up) => bringUp(options, up) };
}

async function bringUp(options: DockerProviderOptions, up: UpOptions): Promise<Regions> {
  const { store, images } = options;
  const { name, topology, steppableClocks, signal } = up;
  if (steppableClocks) {
    throw new OpenclawError('ENVIRONMENT_FAILED', 'the clocks of containers cannot be stepped', {
      hint: 'use local regions: --provider local',
    });
  }
  const startId = randomUUID();
  const provision: DockerProvision = {
    project: `openclaw-rl-${name}-${startId.slice(0, 8)}`,
    images,
    ports: {},
  };
  const state: ClusterState = {
    version: 1,
    name,
    startId,
    provider: 'docker',
    createdAt: new Date().toISOString(),
    phase: 'starting',
    owner: thisProgram(),
    topology,
    provision: { ...provision },
  };
  await store.create(state);
  return start(options, up, { state, provision }).catch(async (error: unknown) => {
    const why = signal.aborted ? error : await explain({ cluster: store.folderOf(name), startId }, error);
    const wasOurs = await endContainers(store, state, { keepLogs: !signal.aborted }).catch((left: Error) => {
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        `${messageOf(why)}; and what was started is left: ${left.message}`,
        {
          cause: why,
          hint: `openclaw-rl down --name ${name}`,
        },
      );
    });
    throw wasOurs || signal.aborted ? why : endedByAnother(state);
  });
}

/** Adds to why a start has failed what its containers say, before they are removed. */
async function explain(owner: Required<Owner>, error: unknown): Promise<unknown> {
  const words = await keepLogs(owner).catch((): string[] => []);
  if (words.length === 0 || !(error instanceof OpenclawError)) return error;
  const { code, hint, message } = error;
  return new OpenclawError(code, [message, ...words].join('; '), { cause: error, hint });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** From a claimed name to a cluster that is whole. What it has started when it throws is the caller's to end. */
async function start(
  { store, subnet: named }: DockerProviderOptions,
  { topology, lifetime, signal, onProgress }: UpOptions,
  { state, provision }: { readonly state: ClusterState; readonly provision: DockerProvision },
): Promise<Regions> {
  const cluster = store.folderOf(state.name);
  const { images, project } = provision;
  await removeOtherStarts(cluster, state.startId);
  await store.removeLeftovers(state);
  await mkdir(join(cluster, 'logs'), { recursive: true });
  onProgress(
    `starting ${topology.nodes.length} nodes of ${images.redis} in ${topology.regions.length} regions`,
  );
  const { startId } = state;
  await onSubnet({ named, startId }, (subnet) =>
    composeUp({ cluster, startId, topology, subnet, ...provision }, signal),
  );
  const ports = await readPublished(project, topology);
  const { owner, ...lasting } = state;
  const up: ClusterState = {
    ...(lifetime === 'run' ? state : lasting),
    phase: 'up',
    provision: { ...provision, ports },
  };
  const regions = attachContainers(store, up);
  await allOrNone(signal, (stop) => [
    ...[...toxiproxyClients(topology, ports)].map(([region, client]) =>
      populateToxiproxy(topology, { region, client }, stop),
    ),
    ...topology.nodes.map(({ name }) =>
      waitUntilAnswers(name, regions.direct(name), { withinMs: NODE_START_MS, signal: stop }),
    ),
  ]);
  onProgress('forming the cluster');
  await formCluster(
    topology,
    topology.nodes.map((node) => ({
      name: node.name,
      direct: regions.direct(node.name),
      announced: nodeAddress(topology, node),
    })),
    signal,
  );
  onProgress('setting round trips');
  await setRoundTrips(regions.links, topology);
  if (signal.aborted) throw interruption(signal, 'setting round trips');
  await store.write(up);
  return regions;
}

/** Removes what other starts of a cluster have left, whose state file was lost. */
async function removeOtherStarts(cluster: string, startId: string): Promise<void> {
  for (const other of await listStarts(cluster)) if (other.startId !== startId) await removeOwned(other);
}

/** A cluster of containers that runs, from its state file. */
export function attachContainers(store: ClusterStore, state: ClusterState): Regions {
  const { topology, name } = state;
  const { project, images, ports } = state.provision as unknown as DockerProvision;
  const owner = { cluster: store.folderOf(name), startId: state.startId };
  const clients = toxiproxyClients(topology, ports);
  const toxiproxies = new Map(
    [...clients].map(([region, client]) => [
      region,
      new RegionToxiproxy(client, reviveToxiproxy(project, topology, { region, client })),
    ]),
  );
  const planned = (node: string) => plannedNode(topology, node);
  const announced = (node: string): Endpoint => {
    const { host, port } = nodeAddress(topology, planned(node));
    return { host, port };
  };
  const direct = (node: string) =>
    publishedAt(ports, planned(node).region, nodeAddress(topology, planned(node)).port);
  return {
    name,
    provider: 'docker',
    createdAt: state.createdAt,
    description: `${images.redis}, containers`,
    topology,
    links: createLinks(topology, toxiproxies),
    nodes: controlContainers({ owner, project, topology, direct }),
    view: (region): RegionView => ({
      region,
      seeds: nodesOf(topology, region).map((node) => announced(node.name)),
      natMap: Object.fromEntries(
        topology.nodes.map((node) => {
          const { host, port } = announced(node.name);
          const isHome = node.region === region;
          return [
            `${host}:${port}`,
            isHome ? direct(node.name) : publishedAt(ports, region, doorPort(topology, node)),
          ];
        }),
      ),
    }),
    direct,
    announced,
    place: placeContainers({ owner, project, images, ports }),
    down: async () => {
      await endContainers(store, state);
    },
  };
}

/**
 * Ends every container of one start of a cluster, also of one that was left half-started, and forgets it. Gives whether
 * it was known until now: another program may have ended it. It is forgotten last: while Docker does not answer, it
 * stays known, as one that is ending, which nobody attaches to.
 */
export async function endContainers(
  store: ClusterStore,
  { name, startId }: ClusterStart,
  { keepLogs: keep = false } = {},
): Promise<boolean> {
  const cluster = store.folderOf(name);
  // A file that cannot be read or written is told by `take`, with the containers gone.
  const before = await store.read(name).catch(() => undefined);
  if (before?.startId === startId)
    await store.write({ ...before, phase: 'ending', owner: thisProgram() }).catch(() => {});
  // First what still starts containers: Compose, and the programs attached to services.
  const wasCutShort = before?.phase === 'ending' || findOwned(cluster, startId).length > 0;
  await endOwned(() => findOwned(cluster, startId));
  await removeOwned({ cluster, startId }, { wasCutShort });
  const wasKnown = await store.take({ name, startId });
  await store.clear(name, { keepLogs: keep });
  return wasKnown;
}

function toxiproxyClients({ regions }: Topology, ports: PublishedPorts): Map<string, ToxiproxyClient> {
  return new Map(
    regions.map((region) => {
      const { host, port } = publishedAt(ports, region, API_PORT);
      return [region, new ToxiproxyClient({ url: `http://${host}:${port}` })];
    }),
  );
}
