import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { everyServer, isInCluster, type Topology } from '../../topology/topology.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { formCluster, waitUntilAnswers } from '../cluster/form-cluster.ts';
import { createLinks, setRoundTrips } from '../network/links.ts';
import { RegionToxiproxy } from '../network/region-toxiproxy.ts';
import { endOwned, findOwned } from '../processes/owned-processes.ts';
import { thisProgram } from '../processes/owner.ts';
import {
  type Endpoint,
  findingIn,
  plannedNode,
  type Regions,
  type RegionsProvider,
  type RegionView,
  type UpOptions,
} from '../provider.ts';
import { SENTINELS_MS, waitUntilAgreed } from '../sentinel/agreement.ts';
import { setOurPeriods } from '../sentinel/periods.ts';
import type { ClusterState } from '../store/cluster-state.ts';
import { type ClusterStart, type ClusterStore, endedByAnother } from '../store/cluster-store.ts';
import { allOrNone, interruption } from '../waiting.ts';
import { API_PORT, doorPort, nodeAddress } from './addresses.ts';
import { composeUp } from './compose-up.ts';
import type { Images } from './images.ts';
import { controlContainers } from './node-control.ts';
import { copyLogs, keepLogs, listStarts, type Owner, removeOwned } from './owned-containers.ts';
import { type PublishedPorts, publishedAt, readPublished } from './published.ts';
import { placeContainers } from './service-place.ts';
import { onSubnet } from './subnet.ts';
import { populateToxiproxy, reviveToxiproxy } from './toxiproxies.ts';

/** The part of the state file that only clusters of containers have. */
interface DockerProvision {
  readonly project: string;
  readonly images: Images;
  /** Empty until the containers run. */
  readonly ports: PublishedPorts;
}

export interface DockerProviderOptions {
  readonly store: ClusterStore;
  readonly images: Images;
  /** For the network between the regions; default: a free /24 of 198.18.0.0/15. */
  readonly subnet?: string;
}

const NODE_START_MS = 20_000;

/** Regions as containers, one network namespace per region. */
export function createDockerProvider(options: DockerProviderOptions): RegionsProvider {
  return { name: 'docker', up: (up) => bringUp(options, up) };
}

async function bringUp(options: DockerProviderOptions, up: UpOptions): Promise<Regions> {
  const { store, images } = options;
  const { name, topology, steppableClocks, signal } = up;
  if (steppableClocks) {
    throw environmentFailed(
      'the clocks of containers cannot be stepped',
      'use local regions: --provider local',
    );
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
      throw environmentFailed(
        `${messageOf(why)}; its containers could not be removed: ${left.message}`,
        `openclaw-rl down --name ${name}`,
        why,
      );
    });
    throw wasOurs || signal.aborted ? why : endedByAnother(state);
  });
}

/** Adds the exit status and logs of the containers to the error of a failed start, before they are removed. */
async function explain(owner: Required<Owner>, error: unknown): Promise<unknown> {
  const words = await keepLogs(owner).catch((): string[] => []);
  if (words.length === 0 || !(error instanceof OpenclawError)) return error;
  const { code, hint, message } = error;
  return new OpenclawError(code, [message, ...words].join('; '), { cause: error, hint });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Brings a claimed name to a healthy cluster. If it throws, the caller ends what it started. */
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
    ...everyServer(topology).map(async ({ name }) => {
      await waitUntilAnswers(name, regions.direct(name), { withinMs: NODE_START_MS, signal: stop });
      await setOurPeriods(topology, name, regions.direct(name));
    }),
  ]);
  onProgress(
    isInCluster(topology)
      ? 'forming the cluster: waiting for slots and replicas'
      : 'waiting for the replicas',
  );
  await formCluster(
    topology,
    topology.nodes.map((node) => ({
      name: node.name,
      direct: regions.direct(node.name),
      announced: nodeAddress(topology, node),
    })),
    signal,
  );
  if (topology.kind === 'sentinel') {
    onProgress('waiting for the Sentinels');
    await waitUntilAgreed(regions, signal, SENTINELS_MS);
  }
  onProgress('setting round trips');
  await setRoundTrips(regions.links, topology);
  if (signal.aborted) throw interruption(signal, 'setting round trips');
  await store.write(up);
  return regions;
}

/** Removes the leftovers of other starts of a cluster, whose state file was lost. */
async function removeOtherStarts(cluster: string, startId: string): Promise<void> {
  for (const other of await listStarts(cluster)) if (other.startId !== startId) await removeOwned(other);
}

/** Attaches to a running cluster of containers, from its state file. */
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
      ...findingIn(topology, region, announced),
      natMap: Object.fromEntries(
        everyServer(topology).map((node) => {
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
    keepLogs: (folder) => copyLogs(owner, folder),
    down: async () => {
      await endContainers(store, state);
    },
  };
}

/**
 * Ends every container of one start of a cluster, even of an incomplete start, and removes its state. Returns false if
 * the state was gone: another program may have ended it. The state is removed last. While Docker does not answer, the
 * state stays with phase `ending`, which no program attaches to.
 */
export async function endContainers(
  store: ClusterStore,
  { name, startId }: ClusterStart,
  { keepLogs: keep = false } = {},
): Promise<boolean> {
  const cluster = store.folderOf(name);
  // `take` reports a file that cannot be read or written, after the containers are gone.
  const before = await store.read(name).catch(() => undefined);
  if (before?.startId === startId)
    await store.write({ ...before, phase: 'ending', owner: thisProgram() }).catch(() => {});
  // First end the processes that still start containers: Compose, and clients attached to services.
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
