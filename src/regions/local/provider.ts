import { mkdir } from 'node:fs/promises';
import { OpenclawError } from '../../core/errors.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { formCluster } from '../form-cluster.ts';
import { createLinks, setRoundTrips } from '../links.ts';
import { plannedNode, type Regions, type RegionsProvider, type UpOptions } from '../provider.ts';
import type { ClusterState, ClusterStore } from '../state.ts';
import { apiUrl, clientAddress, type LocalAddresses, nodePorts } from './addresses.ts';
import { claimAddresses } from './claim.ts';
import { compileClockOverride } from './node-clock.ts';
import { controlNodes } from './node-control.ts';
import { type NodeStart, startNode } from './node-process.ts';
import { endOwned, findOwned } from './owned-processes.ts';
import { thisProgram } from './owner.ts';
import type { ServerBinary } from './server-binary.ts';
import { type SelfCommand, startToxiproxyProcess } from './toxiproxy-process.ts';

/** What the state file of a local cluster holds besides what every one does. */
interface LocalProvision {
  readonly addresses: LocalAddresses;
  readonly binary: ServerBinary;
  /** Absent in the files of older clusters. */
  readonly steppableClocks?: boolean;
}

export interface LocalProviderOptions {
  readonly store: ClusterStore;
  readonly binary: ServerBinary;
  /** How to start this program again: the embedded Toxiproxy is a process of it. */
  readonly self: SelfCommand;
  readonly seed: number;
}

/** Regions as processes of this machine on loopback addresses; Linux only, where all of 127/8 is local. */
export function createLocalProvider(options: LocalProviderOptions): RegionsProvider {
  return { name: 'local', up: (up) => bringUp(options, up) };
}

async function bringUp(
  { store, binary, self, seed }: LocalProviderOptions,
  { name, topology, lifetime, steppableClocks = false, signal, onProgress }: UpOptions,
): Promise<Regions> {
  const cluster = store.folderOf(name);
  const claim = await claimAddresses(topology, await takenOctets(store));
  const { addresses } = claim;
  const provision: LocalProvision = { addresses, binary, steppableClocks };
  const state: ClusterState = {
    version: 1,
    name,
    provider: 'local',
    createdAt: new Date().toISOString(),
    phase: 'starting',
    owner: thisProgram(),
    topology,
    provision: { ...provision },
  };
  const start = { cluster, binary, addresses, topology, steppableClocks };
  try {
    await store.create(state);
  } catch (error) {
    claim.release();
    throw error;
  }
  try {
    await mkdir(`${cluster}/logs`, { recursive: true });
    if (steppableClocks) await compileClockOverride(cluster);
    onProgress(`starting ${topology.nodes.length} nodes of ${binary.product} ${binary.version}`);
    // The nodes first: a server refuses writes for 2 s from its start, and all else fits into that time.
    await allOrNone(signal, (stop) => [
      ...topology.nodes.map((node) => startNode(start, node, stop)),
      startToxiproxyProcess({ cluster, self, addresses, topology, seed }, stop),
    ]);
    onProgress('forming the cluster');
    await formCluster(
      topology,
      topology.nodes.map((node) => freshNode(start, node.name)),
      signal,
    );
    const regions = attach(store, state);
    onProgress('setting round trips');
    await setRoundTrips(regions.links, topology);
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted while setting round trips');
    const { owner, ...lasting } = state;
    await store.write({ ...(lifetime === 'run' ? state : lasting), phase: 'up' });
    return regions;
  } catch (error) {
    await endLocalCluster(store, name, { keepLogs: !signal.aborted });
    throw error;
  } finally {
    claim.release();
  }
}

/** Waits for all; when one fails the others are told to stop, so that nothing starts once this has settled. */
async function allOrNone(
  signal: AbortSignal,
  start: (stop: AbortSignal) => readonly Promise<void>[],
): Promise<void> {
  const failed = new AbortController();
  let first: { readonly error: unknown } | undefined;
  const starting = start(AbortSignal.any([signal, failed.signal])).map((each) =>
    each.catch((error: unknown) => {
      first ??= { error };
      failed.abort();
    }),
  );
  await Promise.all(starting);
  if (first !== undefined) throw first.error;
}

/** A local cluster that runs, from its state file. */
export function attach(store: ClusterStore, state: ClusterState): Regions {
  const { topology, name } = state;
  const { addresses, binary, steppableClocks = false } = state.provision as unknown as LocalProvision;
  const start: NodeStart = {
    cluster: store.folderOf(name),
    binary,
    addresses,
    topology,
    steppableClocks,
  };
  const clients = new Map(
    topology.regions.map((region) => [
      region,
      new ToxiproxyClient({ url: apiUrl(addresses, topology, region) }),
    ]),
  );
  const ports = (node: string) => nodePorts(addresses, topology, plannedNode(topology, node));
  return {
    name,
    provider: 'local',
    createdAt: state.createdAt,
    description: `${binary.product} ${binary.version}, local processes`,
    topology,
    links: createLinks(topology, clients),
    nodes: controlNodes(start),
    view: (region) => ({
      region,
      localAddress: clientAddress(addresses, topology, region),
      seeds: topology.nodes
        .filter((node) => node.region === region)
        .map((node) => announcedOf(ports(node.name))),
    }),
    direct: (node) => ({ host: ports(node).host, port: ports(node).privatePort }),
    announced: (node) => announcedOf(ports(node)),
    down: () => endLocalCluster(store, name),
  };
}

/** Ends every process of a local cluster, also one that was left half-started, and forgets it. */
export async function endLocalCluster(
  store: ClusterStore,
  name: string,
  { keepLogs = false } = {},
): Promise<void> {
  const cluster = store.folderOf(name);
  await endOwned(() => findOwned(cluster));
  if (keepLogs) await store.forget(name);
  else await store.remove(name);
}

async function takenOctets(store: ClusterStore): Promise<number[]> {
  const states = await Promise.all(
    (await store.names()).map((name) => store.read(name).catch(() => undefined)),
  );
  return states.flatMap((state) =>
    state?.provider === 'local' ? [(state.provision as unknown as LocalProvision).addresses.octet] : [],
  );
}

function freshNode({ addresses, topology }: NodeStart, name: string) {
  const ports = nodePorts(addresses, topology, plannedNode(topology, name));
  return {
    name,
    direct: { host: ports.host, port: ports.privatePort },
    announced: { ...announcedOf(ports), busPort: ports.busPort },
  };
}

function announcedOf({ host, port }: { host: string; port: number }) {
  return { host, port };
}
