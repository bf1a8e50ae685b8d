import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { OpenclawError } from '../core/errors.ts';
import { parseClusterNodes } from './cluster-view.ts';
import type { Endpoint } from './provider.ts';
import { SLOTS, type Topology } from './topology.ts';
import { interruption, unlessInterrupted, until } from './until.ts';

/** One node that runs and is not yet part of a cluster. */
export interface FreshNode {
  readonly name: string;
  /** Straight to it, past every Toxiproxy. */
  readonly direct: Endpoint;
  /** As the other nodes reach it. */
  readonly announced: Endpoint & { readonly busPort: number };
}

const FORM_MS = 20_000;
/** Its orders are given once: a node that is busy starting up has time for them. */
const ORDER_MS = 10_000;
const END_IS_TOLD_MS = 500;
const DOING = 'forming the cluster';

/**
 * Makes one cluster of fresh nodes: slots to primaries, everybody meets everybody, replicas to their primaries;
 * then waits until every node knows all, every slot is served and every replica is linked. Of regions apart each node
 * becomes a cluster of its own. Throws ENVIRONMENT_FAILED with what was still missing.
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
  await assignSlots(topology, clients, signal);
  if (!topology.apart) {
    await meet(nodes, clients, signal);
    await until('every node to know every other', FORM_MS, signal, () =>
      lacking(clients, knowsAll(nodes.length)),
    );
    await replicate(topology, clients, signal);
  }
  await waitUntilWhole(topology, clients, signal, FORM_MS);
}

const COMMAND_MS = 2_000;

/**
 * A connection to one node for commands about the cluster; it fails at once when the node is gone. What is asked may
 * take `withinMs`, connecting included.
 */
export function connectDirect({ host, port }: Endpoint, withinMs = COMMAND_MS): Redis {
  const client = new Redis({
    host,
    port,
    maxRetriesPerRequest: 0,
    commandTimeout: withinMs,
    retryStrategy: () => 50,
  });
  client.on('error', () => {});
  return client;
}

/** Waits until a node that was started answers. Throws as `until` does. */
export async function waitUntilAnswers(
  name: string,
  direct: Endpoint,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const client = connectDirect(direct);
  try {
    await until(`${name} to answer`, withinMs, signal, async () => {
      const answer = await client.ping().catch((error: Error) => error.message);
      return answer === 'PONG' ? undefined : answer;
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
  await until('the cluster to be whole', withinMs, signal, () => lackOfWhole(topology, clients));
}

/** What a cluster lacks to be whole, in the eyes of the first node that says so; it only asks. */
export function lackOfWhole(
  { apart, nodes }: Topology,
  clients: ReadonlyMap<string, Redis>,
): Promise<string | undefined> {
  return lacking(clients, isWhole(apart ? 1 : nodes.length));
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

async function meet(nodes: readonly FreshNode[], clients: Clients, signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.flatMap(({ name }) =>
      nodes
        .filter((other) => other.name < name) // one introduction a pair: the other way follows
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

/** A command about the cluster that a fresh node has no reason to refuse. Throws ENVIRONMENT_FAILED. */
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
      // A node that has died closes its connections first; that it died is told a moment later, and says more.
      await sleep(END_IS_TOLD_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw interruption(signal, DOING);
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        `the cluster cannot be formed: ${node} answers CLUSTER ${command[0]} with: ${error.message}`,
        { cause: error, hint: 'start it again; if that does not help, see the logs of its nodes' },
      );
    });
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
