import { randomUUID } from 'node:crypto';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { given } from '../../core/given.ts';
import { isInCluster, type PlannedNode } from '../../topology/topology.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { formCluster } from '../cluster/form-cluster.ts';
import { createLinks, setRoundTrips } from '../network/links.ts';
import { createAccess } from '../network/redis-access.ts';
import { RegionToxiproxy } from '../network/region-toxiproxy.ts';
import { endOwned, findOwned, listOwned, signalAll } from '../processes/owned-processes.ts';
import { thisProgram } from '../processes/owner.ts';
import { isService } from '../processes/services.ts';
import { findingIn, plannedNode, type Regions, type RegionsProvider, type UpOptions } from '../provider.ts';
import { SENTINELS_MS, waitUntilAgreed } from '../sentinel/agreement.ts';
import type { ClusterState } from '../store/cluster-state.ts';
import { type ClusterStart, type ClusterStore, endedByAnother } from '../store/cluster-store.ts';
import { allOrNone, interruption } from '../waiting.ts';
import {
  announcedOf,
  apiUrl,
  clientAddress,
  type LocalAddresses,
  nodePorts,
  type Passing,
} from './addresses.ts';
import { claimAddresses } from './claim.ts';
import { checkLoopback } from './loopback.ts';
import { compileClockOverride } from './node-clock.ts';
import { controlNodes } from './node-control.ts';
import { type NodeStart, startNode } from './node-process.ts';
import type { ServerBinary } from './server-binary.ts';
import { type SelfCommand, startToxiproxyProcess } from './toxiproxy-process.ts';

/** The part of the state file that only local clusters have. */
interface LocalProvision {
  readonly addresses: LocalAddresses;
  readonly binary: ServerBinary;
  /** Absent in state files of older versions. */
  readonly seed?: number;
  /** Absent in state files of older versions. */
  readonly steppableClocks?: boolean;
  /** Whether the clients of a region pass a Toxiproxy of their own; absent in state files of older versions. */
  readonly clientProxies?: boolean;
  /** Of its processes: a kept cluster has no owner. */
  readonly pidNamespace?: string;
}

export interface LocalProviderOptions {
  readonly store: ClusterStore;
  readonly binary: ServerBinary;
  /** Starts this program again, as the process of the embedded Toxiproxy. */
  readonly self: SelfCommand;
  readonly seed: number;
}

/** Regions as local processes on loopback addresses. Needs Linux, where all of 127/8 is local. */
export function createLocalProvider(options: LocalProviderOptions): RegionsProvider {
  return { name: 'local', up: (up) => bringUp(options, up) };
}

async function bringUp(options: LocalProviderOptions, up: UpOptions): Promise<Regions> {
  const { store, binary, seed } = options;
  const { name, topology, steppableClocks = false, signal } = up;
  await checkLoopback();
  const claim = await claimAddresses(topology, await takenOctets(store));
  const owner = thisProgram();
  const { pidNamespace } = owner;
  const provision: LocalProvision = {
    ...{ addresses: claim.addresses, binary, seed, steppableClocks, clientProxies: true },
    ...given({ pidNamespace }),
  };
  const state: ClusterState = {
    version: 1,
    name,
    startId: randomUUID(),
    provider: 'local',
    createdAt: new Date().toISOString(),
    phase: 'starting',
    owner,
    topology,
    provision: { ...provision },
  };
  try {
    await store.create(state);
    return await start(options, up, state).catch(async (error: unknown) => {
      const wasOurs = await endStart(store, state, { keepLogs: !signal.aborted });
      throw wasOurs || signal.aborted ? error : endedByAnother(state);
    });
  } finally {
    claim.release();
  }
}

/** Brings a claimed name to a healthy cluster. If it throws, the caller ends what it started. */
async function start(
  { store, binary, self, seed }: LocalProviderOptions,
  { topology, lifetime, signal, onProgress }: UpOptions,
  state: ClusterState,
): Promise<Regions> {
  const nodeStart = nodeStartOf(store, state);
  const { cluster, startId, addresses, steppableClocks } = nodeStart;
  await endOwned(() =>
    listOwned().filter(
      (other) => other.cluster === cluster && other.startId !== startId && !isService(other),
    ),
  );
  await store.removeLeftovers(state);
  await mkdir(`${cluster}/logs`, { recursive: true });
  if (steppableClocks) await compileClockOverride(cluster);
  onProgress(`starting ${topology.nodes.length} nodes of ${binary.product} ${binary.version}`);
  // Nodes start first: a server refuses writes for its first 2 s, and the other steps fit into that time.
  const ends = await allOrNone(signal, (stop) => {
    const toxiproxy = startToxiproxyProcess({ cluster, startId, self, addresses, topology, seed }, stop);
    // Replicas without cluster mode connect at once, and a connection older than its proxy is never delayed or cut.
    const linked = isInCluster(topology) ? undefined : toxiproxy;
    const start = async (node: PlannedNode) => {
      await linked;
      return startNode(nodeStart, node, stop);
    };
    return [toxiproxy, ...topology.nodes.map(start)];
  });
  const stop = AbortSignal.any([...ends, signal]);
  onProgress(
    isInCluster(topology)
      ? 'forming the cluster: waiting for slots and replicas'
      : 'waiting for the replicas',
  );
  await formCluster(
    topology,
    topology.nodes.map((node) => freshNode(nodeStart, node.name)),
    stop,
  );
  const regions = attach(store, state);
  if (topology.kind === 'sentinel') {
    onProgress(`starting ${topology.sentinels.length} Sentinels`);
    const started = topology.sentinels.map((sentinel) => startNode(nodeStart, sentinel, stop));
    const ofSentinels = AbortSignal.any([...(await Promise.all(started)), stop]);
    await waitUntilAgreed(regions, ofSentinels, SENTINELS_MS);
  }
  onProgress('setting round trips');
  await setRoundTrips(regions.links, topology);
  if (stop.aborted) throw interruption(stop, 'setting round trips');
  const { owner, ...lasting } = state;
  await store.write({ ...(lifetime === 'run' ? state : lasting), phase: 'up' });
  return regions;
}

/** Attaches to a running local cluster, from its state file. */
export function attach(store: ClusterStore, state: ClusterState): Regions {
  const { topology, name } = state;
  const nodeStart = nodeStartOf(store, state);
  const { binary, addresses } = nodeStart;
  const toxiproxies = (of: Passing) =>
    new Map(
      topology.regions.map((region) => {
        const url = apiUrl(addresses, topology, { region, of });
        return [region, new RegionToxiproxy(new ToxiproxyClient({ url }))];
      }),
    );
  const ofClients = provisionOf(state).clientProxies ? toxiproxies('clients') : undefined;
  const ports = (node: string) => nodePorts(addresses, topology, plannedNode(topology, node));
  const announced = (node: string) => announcedOf(addresses, topology, plannedNode(topology, node));
  return {
    name,
    provider: 'local',
    createdAt: state.createdAt,
    description: `${binary.product} ${binary.version}, local processes`,
    topology,
    links: createLinks(topology, toxiproxies('nodes'), ofClients),
    ...(ofClients && { access: createAccess(topology, ofClients) }),
    nodes: controlNodes(nodeStart),
    view: (region) => ({
      region,
      localAddress: clientAddress(addresses, topology, region),
      ...findingIn(topology, region, announced),
    }),
    direct: (node) => ({ host: ports(node).host, port: ports(node).privatePort }),
    announced,
    keepLogs: (folder) => cp(join(nodeStart.cluster, 'logs'), folder, { recursive: true }),
    down: async () => {
      await endStart(store, state);
    },
    kill: () => signalAll(findOwned(nodeStart.cluster, nodeStart.startId), 'SIGKILL'),
  };
}

/** The provision of a local cluster, from its state. */
export function provisionOf({ provision }: ClusterState): LocalProvision {
  return provision as unknown as LocalProvision;
}

function nodeStartOf(store: ClusterStore, state: ClusterState): NodeStart {
  const { name, startId, topology } = state;
  const { addresses, binary, steppableClocks = false } = provisionOf(state);
  return { cluster: store.folderOf(name), startId, binary, addresses, topology, steppableClocks };
}

/**
 * Ends every process of one start of a local cluster, even of an incomplete start, and removes its state. Returns false
 * if the state was gone: another program ended it or is ending it. If the state file cannot be read, it ends the
 * processes and throws ENVIRONMENT_FAILED.
 */
export async function endStart(
  store: ClusterStore,
  start: ClusterStart,
  { keepLogs = false } = {},
): Promise<boolean> {
  try {
    return await store.take(start);
  } finally {
    await endOwned(() => findOwned(store.folderOf(start.name), start.startId));
    await store.clear(start.name, { keepLogs });
  }
}

async function takenOctets(store: ClusterStore): Promise<number[]> {
  const states = await Promise.all(
    (await store.names()).map((name) => store.read(name).catch(() => undefined)),
  );
  return states.flatMap((state) => (state?.provider === 'local' ? [provisionOf(state).addresses.octet] : []));
}

function freshNode({ addresses, topology }: NodeStart, name: string) {
  const ports = nodePorts(addresses, topology, plannedNode(topology, name));
  return {
    name,
    direct: { host: ports.host, port: ports.privatePort },
    announced: { host: ports.host, port: ports.port, busPort: ports.busPort },
  };
}
