import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { formCluster, waitUntilAnswers } from '../form-cluster.ts';
import { createLinks, setRoundTrips } from '../links.ts';
import { endOwned, findOwned } from '../local/owned-processes.ts';
import { thisProgram } from '../local/owner.ts';
import { findPlatformLack } from '../local/platform.ts';
import {
  type Endpoint,
  plannedNode,
  type Regions,
  type RegionsProvider,
  type RegionView,
  type UpOptions,
} from '../provider.ts';
import type { ClusterState, ClusterStore } from '../state.ts';
import type { Topology } from '../topology.ts';
import { API_PORT, doorPort, nodeAddress, nodesOf } from './addresses.ts';
import { composeUp } from './compose-up.ts';
import type { Images } from './images.ts';
import { controlContainers } from './node-control.ts';
import { removeOwned } from './owned-containers.ts';
import { type PublishedPorts, publishedAt, readPublished } from './published.ts';
import { placeContainer } from './service-place.ts';
import { chooseSubnet } from './subnet.ts';
import { populateToxiproxies } from './toxiproxies.ts';

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

async function bringUp(
  { store, images, ...options }: DockerProviderOptions,
  { name, topology, lifetime, steppableClocks, signal, onProgress }: UpOptions,
): Promise<Regions> {
  if (steppableClocks) {
    throw new OpenclawError('ENVIRONMENT_FAILED', 'the clocks of containers cannot be stepped', {
      hint: 'use local regions: --provider local',
    });
  }
  const cluster = store.folderOf(name);
  const project = projectName(name, cluster);
  const subnet = options.subnet ?? (await chooseSubnet(cluster));
  const provision: DockerProvision = { project, images, subnet, ports: {} };
  const state: ClusterState = {
    version: 1,
    name,
    provider: 'docker',
    createdAt: new Date().toISOString(),
    phase: 'starting',
    owner: thisProgram(),
    topology,
    provision: { ...provision },
  };
  await store.create(state);
  try {
    await mkdir(join(cluster, 'logs'), { recursive: true });
    onProgress(
      `starting ${topology.nodes.length} nodes of ${images.redis} in ${topology.regions.length} regions`,
    );
    await composeUp({ cluster, project, subnet, images, topology }, signal);
    const ports = await readPublished(project, topology);
    const { owner, ...lasting } = state;
    const up: ClusterState = {
      ...(lifetime === 'run' ? state : lasting),
      phase: 'up',
      provision: { ...provision, ports },
    };
    const regions = attachContainers(store, up);
    const direct = (node: string) => regions.direct(node);
    await Promise.all([
      populateToxiproxies(topology, toxiproxyClients(topology, ports), signal),
      ...topology.nodes.map((node) =>
        waitUntilAnswers(node.name, direct(node.name), { withinMs: NODE_START_MS, signal }),
      ),
    ]);
    onProgress('forming the cluster');
    await formCluster(
      topology,
      topology.nodes.map((node) => ({
        name: node.name,
        direct: direct(node.name),
        announced: nodeAddress(topology, node),
      })),
      signal,
    );
    onProgress('setting round trips');
    await setRoundTrips(regions.links, topology);
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted while setting round trips');
    await store.write(up);
    return regions;
  } catch (error) {
    await endDockerCluster(store, name, { keepLogs: !signal.aborted });
    throw error;
  }
}

/** A cluster of containers that runs, from its state file. */
export function attachContainers(store: ClusterStore, state: ClusterState): Regions {
  const { topology, name } = state;
  const { project, images, ports } = state.provision as unknown as DockerProvision;
  const cluster = store.folderOf(name);
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
    links: createLinks(topology, toxiproxyClients(topology, ports)),
    nodes: controlContainers({ cluster, redisImage: images.redis, direct }),
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
    place: (region, role) => placeContainer({ cluster, project, images, ports }, region, role),
    down: () => endDockerCluster(store, name),
  };
}

/** Ends every container of a cluster, also one that was left half-started, and forgets it. */
export async function endDockerCluster(
  store: ClusterStore,
  name: string,
  { keepLogs = false } = {},
): Promise<void> {
  const cluster = store.folderOf(name);
  // First a Compose that still starts containers; it is found where processes can be looked into.
  if (findPlatformLack() === undefined) await endOwned(() => findOwned(cluster));
  await removeOwned(cluster);
  if (keepLogs) await store.forget(name);
  else await store.remove(name);
}

/** Two users, or two state folders, may each have a cluster of that name. */
function projectName(name: string, cluster: string): string {
  return `openclaw-rl-${name}-${createHash('sha256').update(cluster).digest('hex').slice(0, 8)}`;
}

function toxiproxyClients({ regions }: Topology, ports: PublishedPorts): Map<string, ToxiproxyClient> {
  return new Map(
    regions.map((region) => {
      const { host, port } = publishedAt(ports, region, API_PORT);
      return [region, new ToxiproxyClient({ url: `http://${host}:${port}` })];
    }),
  );
}
