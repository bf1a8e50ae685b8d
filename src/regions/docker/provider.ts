import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import type { ClusterState } from '../cluster-state.ts';
import { formCluster, waitUntilAnswers } from '../form-cluster.ts';
import { createLinks, setRoundTrips } from '../links.ts';
import { endOwned, findOwned } from '../processes/owned-processes.ts';
import { thisProgram } from '../processes/owner.ts';
import { findPlatformLack } from '../processes/platform.ts';
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
import { controlContainers } from './node-control.ts';
import { listContainers, type Owner, removeOwned } from './owned-containers.ts';
import { type PublishedPorts, publishedAt, readPublished } from './published.ts';
import { placeContainer } from './service-place.ts';
import { chooseSubnet } from './subnet.ts';
import { populateToxiproxy, reviveToxiproxy } from './toxiproxies.ts';

/** What the state file of a cluster of containers holds besides what every one does. */
interface DockerProvision {
  readonly project: string;
  readonly images: Images;
  readonly subnet: string;
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
    subnet: options.subnet ?? (await chooseSubnet(startId)),
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
  return start(store, up, { state, provision }).catch(async (error: unknown) => {
    const wasOurs = await endContainers(store, state, { keepLogs: !signal.aborted });
    throw wasOurs || signal.aborted ? error : endedByAnother(state);
  });
}

/** From a claimed name to a cluster that is whole. What it has started when it throws is the caller's to end. */
async function start(
  store: ClusterStore,
  { topology, lifetime, signal, onProgress }: UpOptions,
  { state, provision }: { readonly state: ClusterState; readonly provision: DockerProvision },
): Promise<Regions> {
  const cluster = store.folderOf(state.name);
  const { images, project } = provision;
  await removeEarlier({ cluster, startId: state.startId });
  await store.removeLeftovers(state);
  await mkdir(join(cluster, 'logs'), { recursive: true });
  onProgress(
    `starting ${topology.nodes.length} nodes of ${images.redis} in ${topology.regions.length} regions`,
  );
  await composeUp({ cluster, startId: state.startId, topology, ...provision }, signal);
  const ports = await readPublished(project, topology);
  const { owner, ...lasting } = state;
  const up: ClusterState = {
    ...(lifetime === 'run' ? state : lasting),
    phase: 'up',
    provision: { ...provision, ports },
  };
  const regions = attachContainers(store, up);
  await Promise.all([
    ...[...toxiproxyClients(topology, ports)].map(([region, client]) =>
      populateToxiproxy(topology, { region, client }, signal),
    ),
    ...topology.nodes.map(({ name }) =>
      waitUntilAnswers(name, regions.direct(name), { withinMs: NODE_START_MS, signal }),
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

/** Removes what earlier starts of this name have left, whose state file was lost. */
async function removeEarlier({ cluster, startId }: Required<Owner>): Promise<void> {
  const starts = new Set((await listContainers({ cluster })).map((container) => container.startId));
  for (const earlier of starts) if (earlier !== startId) await removeOwned({ cluster, startId: earlier });
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
    nodes: controlContainers({ owner, redisImage: images.redis, direct }),
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
    place: (region, role) => placeContainer({ owner, project, images, ports }, region, role),
    down: async () => {
      await endContainers(store, state);
    },
  };
}

/**
 * Ends every container of one start of a cluster, also of one that was left half-started, and forgets it. Gives whether
 * it was known until now: another program may have ended it. It is forgotten last: while Docker does not answer, it
 * stays known.
 */
export async function endContainers(
  store: ClusterStore,
  { name, startId }: ClusterStart,
  { keepLogs = false } = {},
): Promise<boolean> {
  const cluster = store.folderOf(name);
  // First a Compose that still starts containers; it is found where processes can be looked into.
  if (findPlatformLack() === undefined) await endOwned(() => findOwned(cluster, startId));
  await removeOwned({ cluster, startId });
  const wasKnown = await store.take({ name, startId });
  await store.clear(name, { keepLogs });
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
