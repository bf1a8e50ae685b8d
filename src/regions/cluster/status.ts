import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { isInCluster, oneWayMs, type RegionPair, roundTripMs } from '../../topology/topology.ts';
import type { LinkState } from '../network/links.ts';
import type { AccessState } from '../network/redis-access.ts';
import { announcedAddress, type Endpoint, type Login, type Regions, reachedFrom } from '../provider.ts';
import { readSentinels, type SentinelStatus } from '../sentinel/agreement.ts';
import { isClusterDisabled, isLoginRefused, type NodeView, parseClusterNodes } from './cluster-view.ts';
import { connectDirect } from './connect-direct.ts';
import { pingTime } from './ping-time.ts';

/** One node as it reports itself. */
export interface NodeStatus {
  readonly name: string;
  readonly region: string;
  readonly address: string;
  /**
   * `down`: the node does not answer. `standalone`: it answers, and is not in cluster mode. `locked`: it asks for a
   * password, or refuses the one given.
   */
  readonly role: 'primary' | 'replica' | 'down' | 'standalone' | 'locked';
  /** The slots it serves, as CLUSTER NODES prints them. */
  readonly slots: string;
  readonly primary?: string;
  /** Replication bytes that a replica has not applied yet; absent for primaries and unlinked replicas. */
  readonly lagBytes?: number;
  readonly clusterOk: boolean;
}

/** Configured and measured delays from a client in one region to a node of another. */
export interface LinkStatus extends LinkState {
  readonly configuredRoundTripMs: number;
  /** One way. */
  readonly configuredLatencyMs: number;
  /** Absent if no reply came. */
  readonly measuredRoundTripMs?: number;
}

export interface ClusterStatus {
  readonly name: string;
  readonly provider: string;
  readonly nodes: readonly NodeStatus[];
  /** How Sentinels call the primary, which their clients must know; absent without Sentinels. */
  readonly primaryName?: string;
  /** Absent without Sentinels. */
  readonly sentinels?: readonly SentinelStatus[];
  readonly links: readonly LinkStatus[];
  /** How services reach Redis; absent where that cannot be changed. */
  readonly access?: readonly AccessState[];
}

/** Reads every node and every Toxiproxy. A node or Toxiproxy without an answer is reported as such. */
export async function readStatus(regions: Regions): Promise<ClusterStatus> {
  const { name, provider, topology } = regions;
  const [nodes, sentinels, states, access] = await Promise.all([
    readNodes(regions),
    readSentinels(regions),
    regions.links.state(),
    regions.access?.state(),
  ]);
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
  const [home = ''] = topology.regions;
  const { primary: primaryName } = regions.view(home);
  return {
    ...{
      name,
      provider,
      ...(primaryName !== undefined && { primaryName }),
      nodes,
      ...(sentinels.length > 0 && { sentinels }),
      links,
    },
    ...(access && { access }),
  };
}

/** Round trip in milliseconds from a client in `from` to the first node of `to`, through their Toxiproxies. */
async function measurePair(regions: Regions, { from, to }: RegionPair): Promise<number | undefined> {
  const target = regions.topology.nodes.find((node) => node.region === to);
  if (target === undefined) return undefined;
  const view = regions.view(from);
  const reached = reachedFrom(view, regions.announced(target.name));
  const { tls } = regions.direct(target.name);
  if (tls !== undefined) return pingOverTls({ ...regions.direct(target.name), ...reached });
  return measureRoundTrip(reached, view.localAddress).catch(() => undefined);
}

async function pingOverTls(at: Endpoint & Login): Promise<number | undefined> {
  const client = connectDirect(at);
  try {
    return await pingTime(client);
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

type AskedRegions = Pick<Regions, 'topology' | 'direct' | 'announced'>;

/** Every node as it reports itself. */
export async function readNodes(regions: AskedRegions): Promise<NodeStatus[]> {
  const { nodes } = regions.topology;
  const answers = new Map(
    await Promise.all(nodes.map(async ({ name }) => [name, await askNode(regions, name)] as const)),
  );
  const nameOf = new Map(nodes.map(({ name }) => [announcedAddress(regions, name), name]));
  return nodes.map(({ name, region }) => {
    const address = announcedAddress(regions, name);
    const answer = answers.get(name) ?? 'down';
    if (typeof answer === 'string')
      return { name, region, address, role: answer, slots: '', clusterOk: false };
    const { own, primaryAddress, clusterOk, isLinked, offset } = answer;
    const primary = primaryAddress === undefined ? undefined : nameOf.get(primaryAddress);
    const ahead = answers.get(primary ?? '');
    return {
      name,
      region,
      address,
      role: own.role,
      slots: own.slots.join(' '),
      ...(primary === undefined ? {} : { primary }),
      ...(isLinked && typeof ahead === 'object' ? { lagBytes: Math.max(0, ahead.offset - offset) } : {}),
      clusterOk,
    };
  });
}

/** What a node says of itself. */
interface OwnView {
  readonly own: Pick<NodeView, 'role' | 'slots'>;
  /** `host:port` as the replica knows its primary. */
  readonly primaryAddress: string | undefined;
  readonly clusterOk: boolean;
  readonly isLinked: boolean;
  /** Replication bytes: written, or applied. */
  readonly offset: number;
}

async function askNode(
  regions: AskedRegions,
  node: string,
): Promise<OwnView | 'down' | 'standalone' | 'locked'> {
  const client = connectDirect(regions.direct(node));
  try {
    return await (isInCluster(regions.topology) ? readOwnView(client) : readServer(client));
  } catch (error) {
    if (isLoginRefused(error)) return 'locked';
    return isClusterDisabled(error) ? 'standalone' : 'down';
  } finally {
    client.disconnect();
  }
}

/** A replica has both; `slave_repl_offset` is what it has applied. */
const OFFSET = { primary: /master_repl_offset:(\d+)/, replica: /slave_repl_offset:(\d+)/ } as const;

async function readOwnView(client: Redis): Promise<OwnView> {
  const [text, info, replication] = await Promise.all([
    client.call('CLUSTER', 'NODES'),
    client.cluster('INFO'),
    client.info('replication'),
  ]);
  const view = parseClusterNodes(String(text));
  const own = view.find(({ isMyself }) => isMyself);
  if (own === undefined) throw new Error('CLUSTER NODES has no line of the node itself');
  const primaryAddress = view.find(({ id }) => id === own.primaryId)?.address.split('@')[0];
  return {
    own,
    primaryAddress,
    clusterOk: info.includes('cluster_state:ok'),
    isLinked: replication.includes('master_link_status:up'),
    offset: Number(OFFSET[own.role].exec(replication)?.[1]),
  };
}

/** A server without cluster mode. */
async function readServer(client: Redis): Promise<OwnView> {
  const replication = await client.info('replication');
  const role = /^role:slave/m.test(replication) ? 'replica' : 'primary';
  const of = (field: string) => new RegExp(`^${field}:(\\S+)`, 'm').exec(replication)?.[1];
  const isLinked = role === 'replica' && of('master_link_status') === 'up';
  return {
    own: { role, slots: [] },
    primaryAddress: role === 'replica' ? `${of('master_host')}:${of('master_port')}` : undefined,
    clusterOk: role === 'primary' || isLinked,
    isLinked,
    offset: Number(OFFSET[role].exec(replication)?.[1]),
  };
}

const PING_MS = 5_000;
const PINGS = 4;
const BETWEEN_MS = 10;

/**
 * Round trip in milliseconds of a PING on a connection from `localAddress`. It is the least of four, to exclude delays
 * of this process. The PINGs are pipelined 10 ms apart, so that all take little more than one round trip. Rejects if no
 * reply comes within 5 s.
 */
export async function measureRoundTrip(target: Endpoint, localAddress: string | undefined): Promise<number> {
  const socket = connect({ ...target, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.setNoDelay(true);
  const signal = AbortSignal.timeout(PING_MS);
  const sentMs: number[] = [];
  const tripsMs: number[] = [];
  try {
    await once(socket, 'connect', { signal });
    socket.on('error', () => {}); // 'close' follows
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('data', (data) => {
        const now = performance.now();
        for (const byte of data) if (byte === LINE_END) tripsMs.push(now - (sentMs[tripsMs.length] ?? now));
        if (tripsMs.length === PINGS) resolve();
      });
      socket.once('close', () => reject(new Error('the connection closed before the reply')));
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    answered.catch(() => {}); // awaited below, once all are sent
    for (let sent = 0; sent < PINGS; sent++) {
      if (sent > 0) await sleep(BETWEEN_MS);
      sentMs.push(performance.now());
      socket.write('PING\r\n');
    }
    await answered;
    return Math.min(...tripsMs);
  } finally {
    socket.destroy();
  }
}

const LINE_END = '\n'.charCodeAt(0);
