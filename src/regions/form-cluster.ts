import { Redis } from 'ioredis';
import { parseClusterNodes } from './cluster-view.ts';
import type { Endpoint } from './provider.ts';
import { SLOTS, type Topology } from './topology.ts';
import { until } from './until.ts';

/** One node that runs and is not yet part of a cluster. */
export interface FreshNode {
  readonly name: string;
  /** Straight to it, past every Toxiproxy. */
  readonly direct: Endpoint;
  /** As the other nodes reach it. */
  readonly announced: Endpoint & { readonly busPort: number };
}

const FORM_MS = 20_000;

/**
 * Makes one cluster of fresh nodes: slots to primaries, everybody meets everybody, replicas to their primaries;
 * then waits until every node knows all, every slot is served and every replica is linked. Throws
 * ENVIRONMENT_FAILED with what was still missing.
 */
export async function formCluster(
  topology: Topology,
  nodes: readonly FreshNode[],
  signal: AbortSignal,
): Promise<void> {
  const clients = new Map(nodes.map(({ name, direct }) => [name, connectDirect(direct)]));
  try {
    await assignSlots(topology, clients);
    await meet(nodes, clients);
    await until('every node to know every other', FORM_MS, signal, () =>
      lacking(clients, knowsAll(nodes.length)),
    );
    await replicate(topology, clients, signal);
    await waitUntilWhole(topology, clients, signal, FORM_MS);
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}

/** A connection to one node for commands about the cluster; it fails at once when the node is gone. */
export function connectDirect({ host, port }: Endpoint): Redis {
  const client = new Redis({
    host,
    port,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    retryStrategy: () => 50,
  });
  client.on('error', () => {});
  return client;
}

/** Waits until a node that was started answers; `findEnd` throws when it never will. */
export async function waitUntilAnswers(
  name: string,
  direct: Endpoint,
  {
    withinMs,
    signal,
    findEnd = async () => {},
  }: { readonly withinMs: number; readonly signal: AbortSignal; readonly findEnd?: () => Promise<void> },
): Promise<void> {
  const client = connectDirect(direct);
  try {
    await until(`${name} to answer`, withinMs, signal, async () => {
      const answer = await client.ping().catch((error: Error) => error.message);
      if (answer === 'PONG') return undefined;
      await findEnd();
      return answer;
    });
  } finally {
    client.disconnect();
  }
}

/** Waits until every slot is served, every node agrees that the cluster is ok, and every replica is linked. */
export async function waitUntilWhole(
  topology: Topology,
  clients: ReadonlyMap<string, Redis>,
  signal: AbortSignal,
  withinMs: number,
): Promise<void> {
  await until('the cluster to be whole', withinMs, signal, () =>
    lacking(clients, isWhole(topology.nodes.length)),
  );
}

async function assignSlots({ nodes }: Topology, clients: ReadonlyMap<string, Redis>): Promise<void> {
  await Promise.all(
    nodes.map(async ({ name, slots }, i) => {
      const client = clients.get(name);
      await client?.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (slots !== undefined) await client?.call('CLUSTER', 'ADDSLOTSRANGE', ...slots);
    }),
  );
}

async function meet(nodes: readonly FreshNode[], clients: ReadonlyMap<string, Redis>): Promise<void> {
  await Promise.all(
    nodes.flatMap(({ name }) =>
      nodes
        .filter((other) => other.name < name) // one introduction a pair: the other way follows
        .map(({ announced: { host, port, busPort } }) =>
          clients.get(name)?.call('CLUSTER', 'MEET', host, port, busPort),
        ),
    ),
  );
}

async function replicate(
  { nodes }: Topology,
  clients: ReadonlyMap<string, Redis>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    nodes.map(async ({ name, replicaOf }) => {
      if (replicaOf === undefined) return;
      const primaryId = String(await clients.get(replicaOf)?.call('CLUSTER', 'MYID'));
      await until(`${name} to follow ${replicaOf}`, FORM_MS, signal, async () => {
        const answer = await clients
          .get(name)
          ?.call('CLUSTER', 'REPLICATE', primaryId)
          .catch((error: Error) => error.message);
        return answer === 'OK' ? undefined : String(answer);
      });
    }),
  );
}

type Inspect = (client: Redis) => Promise<string | undefined>;

/** The first node that lacks something, and what. */
async function lacking(clients: ReadonlyMap<string, Redis>, inspect: Inspect): Promise<string | undefined> {
  const found = await Promise.all(
    [...clients].map(async ([name, client]) => {
      const lack = await inspect(client).catch((error: Error) => error.message);
      return lack === undefined ? undefined : `${name}: ${lack}`;
    }),
  );
  return found.find((lack) => lack !== undefined);
}

function knowsAll(count: number): Inspect {
  return async (client) => {
    const view = parseClusterNodes(String(await client.call('CLUSTER', 'NODES')));
    const known = view.filter(({ troubles, isLinked }) => troubles.length === 0 && isLinked).length;
    return known === count ? undefined : `knows ${known} of ${count} nodes`;
  };
}

function isWhole(count: number): Inspect {
  const known = knowsAll(count);
  return async (client) => {
    const [info, replication, lack] = await Promise.all([
      client.cluster('INFO'),
      client.info('replication'),
      known(client),
    ]);
    if (lack !== undefined) return lack;
    if (!info.includes('cluster_state:ok')) return 'says the cluster is down';
    if (!info.includes(`cluster_slots_ok:${SLOTS}`)) return 'does not see every slot served';
    const isReplica = replication.includes('role:slave');
    if (isReplica && !replication.includes('master_link_status:up')) return 'is not linked to its primary';
    return undefined;
  };
}
