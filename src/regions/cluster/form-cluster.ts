import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { environmentFailed } from '../../core/errors.ts';
import { isInCluster, SLOTS, type Topology } from '../../topology/topology.ts';
import type { Endpoint, Login } from '../provider.ts';
import { interruption, unlessInterrupted, waitFor } from '../waiting.ts';
import { parseClusterNodes } from './cluster-view.ts';
import { connectDirect } from './connect-direct.ts';

/** A running node that is not part of a cluster yet. */
export interface FreshNode {
  readonly name: string;
  /** The address that bypasses every Toxiproxy. */
  readonly direct: Endpoint & Login;
  /** The address at which other nodes reach it. */
  readonly announced: Endpoint & { readonly busPort: number };
}

const FORM_MS = 20_000;
/** Commands are sent once, so a node that is still starting gets this long. */
const ORDER_MS = 10_000;
const END_IS_TOLD_MS = 500;
const DOING = 'forming the cluster';

/**
 * Forms one cluster of fresh nodes: assigns slots, introduces the nodes, attaches replicas. Then it waits until every
 * node knows all others and their shards, every slot is served and every replica is linked. With `topology.apart` each node becomes a
 * separate cluster. Throws ENVIRONMENT_FAILED that names what is missing.
 */
export async function formCluster(
  topology: Topology,
  nodes: readonly FreshNode[],
  signal: AbortSignal,
): Promise<void> {
  const clients = new Map(nodes.map(({ name, direct }) => [name, connectDirect(direct, ORDER_MS)]));
  try {
    await unlessInterrupted(signal, DOING, form(topology, nodes, clients, signal));
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}

async function form(
  topology: Topology,
  nodes: readonly FreshNode[],
  clients: Clients,
  signal: AbortSignal,
): Promise<void> {
  if (!isInCluster(topology)) return waitUntilWhole(topology, clients, signal, FORM_MS);
  await assignSlots(topology, clients, signal);
  if (!topology.apart) {
    await introduce(nodes, clients, signal);
    await replicate(topology, clients, signal);
  }
  await waitUntilWhole(topology, clients, signal, FORM_MS);
  await waitFor('every node to know the shards', FORM_MS, signal, () =>
    lacking(clients, knowsShards(topology)),
  );
}

/** Waits until a started node answers PING. Throws the errors of `waitFor`. */
export async function waitUntilAnswers(
  name: string,
  direct: Endpoint,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const client = connectDirect(direct);
  try {
    await waitFor(`${name} to answer`, withinMs, signal, async () => {
      const answer = await client.ping().catch((error: Error) => error.message);
      return answer === 'PONG' ? undefined : answer;
    });
  } finally {
    client.disconnect();
  }
}

/** Waits until every slot is served, every node reports the cluster as ok, and every replica is linked. */
export async function waitUntilWhole(
  topology: Topology,
  clients: ReadonlyMap<string, Redis>,
  signal: AbortSignal,
  withinMs: number,
): Promise<void> {
  await waitFor('the cluster to be healthy', withinMs, signal, () => lackOfWhole(topology, clients));
}

/** What a cluster lacks to be healthy, as the first such node reports; undefined if nothing. Only reads. */
export function lackOfWhole(topology: Topology, clients: Clients): Promise<string | undefined> {
  const { kind, apart, nodes, external } = topology;
  if (kind === 'single') return lacking(clients, lackOfLink);
  if (kind === 'sentinel') return lackOfOnePrimary(clients);
  return lacking(clients, isWhole(external ? undefined : apart ? 1 : nodes.length));
}

/** Behind Sentinels there is one primary, and every other node is a linked replica. */
async function lackOfOnePrimary(clients: Clients): Promise<string | undefined> {
  const primaries: string[] = [];
  const lack = await lacking(clients, async (client, name) => {
    const replication = await client.info('replication');
    if (replication.includes('role:master')) primaries.push(name);
    return lackOfLinkIn(replication);
  });
  if (lack !== undefined || primaries.length === 1) return lack;
  return primaries.length === 0
    ? 'no node is the primary'
    : `${primaries.sort().join(' and ')} are primaries`;
}

type Clients = ReadonlyMap<string, Redis>;

async function assignSlots({ nodes }: Topology, clients: Clients, signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.map(async ({ name, slots }, i) => {
      await order(clients, name, signal, 'SET-CONFIG-EPOCH', i + 1);
      if (slots !== undefined) await order(clients, name, signal, 'ADDSLOTSRANGE', ...slots);
    }),
  );
}

/** A busy machine loses a handshake that takes longer than the node timeout, and no server repeats it. */
const MEET_AGAIN_MS = 4_000;

/** Introduces every node to every other, again every 4 s until all know all. */
async function introduce(nodes: readonly FreshNode[], clients: Clients, signal: AbortSignal): Promise<void> {
  let metAtMs = Number.NEGATIVE_INFINITY;
  await waitFor('every node to know every other', FORM_MS, signal, async () => {
    const lack = await lacking(clients, knowsAll(nodes.length));
    if (lack === undefined || performance.now() < metAtMs + MEET_AGAIN_MS) return lack;
    metAtMs = performance.now();
    await meet(nodes, clients, signal);
    return lack;
  });
}

async function meet(nodes: readonly FreshNode[], clients: Clients, signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.flatMap(({ name }) =>
      nodes
        .filter((other) => other.name < name) // one MEET per pair is enough
        .map(({ announced: { host, port, busPort } }) =>
          order(clients, name, signal, 'MEET', host, port, busPort),
        ),
    ),
  );
}

async function replicate({ nodes }: Topology, clients: Clients, signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.map(async ({ name, replicaOf }) => {
      if (replicaOf === undefined) return;
      const primaryId = String(await order(clients, replicaOf, signal, 'MYID'));
      await waitFor(`${name} to follow ${replicaOf}`, FORM_MS, signal, async () => {
        const answer = await clients
          .get(name)
          ?.call('CLUSTER', 'REPLICATE', primaryId)
          .catch((error: Error) => error.message);
        return answer === 'OK' ? undefined : String(answer);
      });
    }),
  );
}

/** Sends a cluster command that a fresh node should accept. Throws ENVIRONMENT_FAILED. */
async function order(
  clients: Clients,
  node: string,
  signal: AbortSignal,
  ...command: readonly [name: string, ...args: (string | number)[]]
): Promise<unknown> {
  return clients
    .get(node)
    ?.call('CLUSTER', ...command)
    .catch(async (error: Error) => {
      // A node that dies closes its connections first. Its exit, a moment later, gives the better error.
      await sleep(END_IS_TOLD_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw interruption(signal, DOING);
      throw environmentFailed(
        `the cluster cannot be formed: ${node} answers CLUSTER ${command[0]} with: ${error.message}`,
        'start it again; if that does not help, see the logs of its nodes',
        error,
      );
    });
}

type Inspect = (client: Redis, name: string) => Promise<string | undefined>;

/** The first node that lacks something, with what it lacks. */
async function lacking(clients: ReadonlyMap<string, Redis>, inspect: Inspect): Promise<string | undefined> {
  const found = await Promise.all(
    [...clients].map(async ([name, client]) => {
      const lack = await inspect(client, name).catch((error: Error) => error.message);
      return lack === undefined ? undefined : `${name}: ${lack}`;
    }),
  );
  return found.find((lack) => lack !== undefined);
}

function knowsAll(count: number): Inspect {
  return async (client) => {
    const view = parseClusterNodes(String(await client.call('CLUSTER', 'NODES')));
    const known = view.filter(({ problems, isLinked }) => problems.length === 0 && isLinked).length;
    return known === count ? undefined : `knows ${known} of ${count} nodes`;
  };
}

/**
 * Whether a node counts each replica to the shard of its primary. Valkey learns of shards after roles. A node that is
 * killed before it knows them stores a nodes.conf that Valkey up to 8.1.1 refuses to load: valkey-io/valkey#774.
 */
function knowsShards({ apart, nodes }: Topology): Inspect {
  const expected = apart ? 1 : nodes.filter(({ replicaOf }) => replicaOf === undefined).length;
  return async (client) => {
    const { length } = (await client.call('CLUSTER', 'SHARDS')) as unknown[];
    return length === expected ? undefined : `knows ${length} shards instead of ${expected}`;
  };
}

/** Without a count, as of nodes that were already running, it may know more of them. */
function isWhole(count: number | undefined): Inspect {
  const known = count === undefined ? async () => undefined : knowsAll(count);
  return async (client) => {
    const [info, unlinked, lack] = await Promise.all([
      client.cluster('INFO'),
      lackOfLink(client, ''),
      known(client, ''),
    ]);
    if (lack !== undefined) return lack;
    if (!info.includes('cluster_state:ok')) return 'reports the cluster as down';
    if (!info.includes(`cluster_slots_ok:${SLOTS}`)) return 'reports slots that no node serves';
    return unlinked;
  };
}

const lackOfLink: Inspect = async (client) => lackOfLinkIn(await client.info('replication'));

function lackOfLinkIn(replication: string): string | undefined {
  const isReplica = replication.includes('role:slave');
  return isReplica && !replication.includes('master_link_status:up')
    ? 'is not linked to its primary'
    : undefined;
}
