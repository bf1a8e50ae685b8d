import type { Redis } from 'ioredis';
import { parseClusterNodes } from './cluster-view.ts';
import { connectDirect } from './form-cluster.ts';
import type { LinkState } from './links.ts';
import { measureRoundTrip } from './ping.ts';
import { announcedAddress, type Regions, reachedFrom } from './provider.ts';
import { oneWayMs, type RegionPair, roundTripMs } from './topology.ts';

/** One node as it is now, by its own word. */
export interface NodeStatus {
  readonly name: string;
  readonly region: string;
  readonly address: string;
  /** `down` when it does not answer. */
  readonly role: 'primary' | 'replica' | 'down';
  /** The slots it serves, as CLUSTER NODES prints them. */
  readonly slots: string;
  readonly primary?: string;
  /** Bytes of replication that a replica has yet to apply; absent while it is not linked, and for primaries. */
  readonly lagBytes?: number;
  readonly clusterOk: boolean;
}

/** Configured against measured, from a client in one region to a node of another. */
export interface LinkStatus extends LinkState {
  readonly configuredRoundTripMs: number;
  /** One way. */
  readonly configuredLatencyMs: number;
  /** Absent when no reply came. */
  readonly measuredRoundTripMs?: number;
}

export interface ClusterStatus {
  readonly name: string;
  readonly provider: string;
  readonly nodes: readonly NodeStatus[];
  readonly links: readonly LinkStatus[];
}

/** Asks every node and every Toxiproxy; what does not answer is reported as such. */
export async function readStatus(regions: Regions): Promise<ClusterStatus> {
  const { name, provider, topology } = regions;
  const [nodes, states] = await Promise.all([readNodes(regions), regions.links.state()]);
  const links = await Promise.all(
    states.map(async (state): Promise<LinkStatus> => {
      const measuredRoundTripMs = await measurePair(regions, state);
      const configuredRoundTripMs = roundTripMs(topology, state);
      return {
        ...state,
        configuredRoundTripMs,
        configuredLatencyMs: oneWayMs(topology, state),
        ...(measuredRoundTripMs === undefined ? {} : { measuredRoundTripMs }),
      };
    }),
  );
  return { name, provider, nodes, links };
}

/** Milliseconds from a client in `from` to the first node of `to`, through the Toxiproxies between them. */
async function measurePair(regions: Regions, { from, to }: RegionPair): Promise<number | undefined> {
  const target = regions.topology.nodes.find((node) => node.region === to);
  if (target === undefined) return undefined;
  const view = regions.view(from);
  const reached = reachedFrom(view, regions.announced(target.name));
  return measureRoundTrip(reached, view.localAddress).catch(() => undefined);
}

/** Every node by its own word. */
export async function readNodes(regions: Regions): Promise<NodeStatus[]> {
  const { nodes } = regions.topology;
  const answers = new Map(
    await Promise.all(
      nodes.map(async ({ name }) => [name, await askNode(regions, name, readOwnView)] as const),
    ),
  );
  const nameOf = new Map(nodes.map(({ name }) => [announcedAddress(regions, name), name]));
  return nodes.map(({ name, region }) => {
    const address = announcedAddress(regions, name);
    const answer = answers.get(name);
    if (answer === undefined) return { name, region, address, role: 'down', slots: '', clusterOk: false };
    const { own, primaryAddress, clusterOk, isLinked, offset } = answer;
    const primary = primaryAddress === undefined ? undefined : nameOf.get(primaryAddress);
    const ahead = answers.get(primary ?? '')?.offset;
    return {
      name,
      region,
      address,
      role: own.role,
      slots: own.slots.join(' '),
      ...(primary === undefined ? {} : { primary }),
      ...(isLinked && ahead !== undefined ? { lagBytes: Math.max(0, ahead - offset) } : {}),
      clusterOk,
    };
  });
}

async function askNode<T>(
  regions: Regions,
  node: string,
  ask: (client: Redis) => Promise<T>,
): Promise<T | undefined> {
  const client = connectDirect(regions.direct(node));
  try {
    return await ask(client).catch(() => undefined);
  } finally {
    client.disconnect();
  }
}

/** A replica has both; its own is what it has applied. */
const OFFSET = { primary: /master_repl_offset:(\d+)/, replica: /slave_repl_offset:(\d+)/ } as const;

async function readOwnView(client: Redis) {
  const [text, info, replication] = await Promise.all([
    client.call('CLUSTER', 'NODES'),
    client.cluster('INFO'),
    client.info('replication'),
  ]);
  const view = parseClusterNodes(String(text));
  const own = view.find(({ isMyself }) => isMyself);
  if (own === undefined) throw new Error('a node that does not know itself');
  const primaryAddress = view.find(({ id }) => id === own.primaryId)?.address.split('@')[0];
  return {
    own,
    primaryAddress,
    clusterOk: info.includes('cluster_state:ok'),
    isLinked: replication.includes('master_link_status:up'),
    offset: Number(OFFSET[own.role].exec(replication)?.[1]),
  };
}
