import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { environmentFailed, invalidOption, type OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { DEFAULT_TOPOLOGY, isInCluster, planTopology, type Topology } from '../../topology/topology.ts';
import { isClusterDisabled, isLoginRefused, parseClusterNodes } from '../cluster/cluster-view.ts';
import { connectDirect } from '../cluster/connect-direct.ts';
import { type FreshNode, formCluster } from '../cluster/form-cluster.ts';
import { nodesOf, type Regions } from '../provider.ts';
import { allOrNone, settleAll, unlessInterrupted } from '../waiting.ts';

export interface FormOptions {
  /** Of each primary. Default: as many as the nodes of each region leave. */
  readonly replicas?: number;
  /** How long nodes are waited for, until their names are known and they answer. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
}

/**
 * Makes one Redis Cluster of the nodes of an endpoints file: a primary in each region, its replicas in other regions. Refuses
 * nodes that hold keys or know other nodes, with nothing changed. If it fails later, the nodes are reset, so that they are
 * fresh again. Single servers are waited for, and have nothing to be joined. Throws INVALID_OPTION, ENVIRONMENT_FAILED and
 * INTERRUPTED.
 */
export async function formNodes(regions: Regions, options: FormOptions): Promise<Topology> {
  const { signal, onStep } = options;
  const topology = planNodes(regions, options.replicas);
  const clients = new Map(topology.nodes.map(({ name }) => [name, connectDirect(regions.direct(name))]));
  try {
    onStep(`waiting for ${count(clients.size, 'node')}`);
    const look = async (name: string, client: Redis, stop: AbortSignal) => {
      const info = await untilAnswers(name, client, regions, { ...options, signal: stop });
      if (!isInCluster(topology)) return checkEmpty(name, client);
      return { name, direct: regions.direct(name), ...(await checkFresh(name, client, info)) };
    };
    const looks = await allOrNone(signal, (stop) =>
      [...clients].map(([name, client]) => look(name, client, stop)),
    );
    const fresh = looks.filter((found) => found !== undefined);
    refuseTwice(fresh);
    if (!isInCluster(topology)) return topology;
    onStep('joining them');
    await join(topology, { fresh, clients }, signal);
    return topology;
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}

/** The planned cluster, by the names of the file. */
function planNodes({ name: file, topology }: Regions, asked: number | undefined): Topology {
  const { kind, regions, nodes } = topology;
  if (kind === 'single' && (asked ?? 0) === 0) return topology;
  if (kind !== 'cluster')
    throw invalidOption(
      `${file} is of kind ${kind}; only nodes of kind cluster are joined`,
      'set kind: cluster',
    );
  const replicas = asked ?? Math.max(0, Math.floor(nodes.length / regions.length) - 1);
  const options = { ...DEFAULT_TOPOLOGY, regions, replicas };
  const planned = planTopology(options);
  const names = new Map<string, string>();
  for (const region of regions) {
    const own = nodesOf(topology, region);
    const wanted = nodesOf(planned, region);
    if (own.length !== wanted.length)
      throw invalidOption(
        `${region} has ${count(own.length, 'node')}; ${count(replicas, 'replica')} of each primary need ${wanted.length} in each region`,
        'add or remove nodes in the file, or set --replicas',
      );
    for (const [at, { name }] of wanted.entries()) names.set(name, own[at]?.name ?? '');
  }
  const named = (name: string) => names.get(name) ?? name;
  return {
    ...planned,
    nodes: planned.nodes.map(({ name, replicaOf, ...node }) => ({
      ...node,
      name: named(name),
      ...(replicaOf !== undefined && { replicaOf: named(replicaOf) }),
    })),
  };
}

interface Found extends FreshNode {
  readonly id: string;
  /** The address that it was set to announce; empty: none. */
  readonly announces: string;
}

const AGAIN_MS = 250;

/** Waits for a node; gives what it says of itself. */
async function untilAnswers(
  name: string,
  client: Redis,
  { direct }: Regions,
  { withinMs, signal, onStep }: FormOptions,
): Promise<string> {
  const endpoint = direct(name);
  const deadlineMs = performance.now() + withinMs;
  let lastError: Error | undefined;
  client.on('error', (error: Error) => {
    lastError = error;
  });
  for (let last = ''; ; ) {
    const asked = client.info().catch((error: Error) => lastError ?? error);
    const info = await unlessInterrupted(signal, `waiting for ${name}`, asked);
    if (typeof info === 'string') return info;
    const why = `${name} at ${endpoint.host}:${endpoint.port}: ${messageOf(info)}`;
    if (isFinal(info)) throw environmentFailed(why, 'set REDIS_PASSWORD, and REDIS_USERNAME, to its login');
    if (performance.now() > deadlineMs)
      throw environmentFailed(
        `waited ${withinMs / 1_000} s for ${why}`,
        'start the nodes, and check their addresses in the file',
      );
    if (why !== last) onStep(`waiting for ${why}`);
    last = why;
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

/** Throws for a node that is no fresh node of a cluster. Gives where other nodes reach it. */
async function checkFresh(
  name: string,
  client: Redis,
  info: string,
): Promise<Pick<Found, 'id' | 'announced' | 'announces'>> {
  const text = await client.call('CLUSTER', 'NODES').catch((error: Error) => {
    if (isClusterDisabled(error))
      throw environmentFailed(`${name} is not in cluster mode`, 'start it with --cluster-enabled yes');
    throw environmentFailed(`${name}: ${messageOf(error)}`);
  });
  const view = parseClusterNodes(String(text));
  const own = view.find(({ isMyself }) => isMyself);
  const keys = await client.dbsize();
  const why = [
    ...(keys > 0 ? [`holds ${count(keys, 'key')}`] : []),
    ...(view.length > 1 ? [`knows ${count(view.length - 1, 'other node')}`] : []),
    ...(own !== undefined && own.slots.length > 0 ? ['has slots'] : []),
    ...(info.includes('role:slave') ? ['is a replica'] : []),
  ];
  if (own === undefined || why.length > 0) throw notFresh(name, why);
  const [port = '0', busPort = '0'] = own.address.slice(own.address.lastIndexOf(':') + 1).split('@');
  const [, announces = ''] = (await client.config('GET', ANNOUNCE)) as string[];
  const { remoteAddress = '' } = client.stream; // to which its name led
  const announced = { host: announces || remoteAddress, port: Number(port), busPort: Number(busPort) };
  return { id: own.id, announced, announces };
}

async function checkEmpty(name: string, client: Redis): Promise<undefined> {
  const keys = await client.dbsize();
  if (keys > 0) throw notFresh(name, [`holds ${count(keys, 'key')}`]);
}

function notFresh(name: string, why: readonly string[]): OpenclawError {
  return environmentFailed(
    `${name} is not fresh: it ${why.join(' and ')}`,
    'start it again with an empty folder; nothing was changed',
  );
}

const ANNOUNCE = 'cluster-announce-ip';

/** Two addresses of one node. */
function refuseTwice(found: readonly Found[]): void {
  const twice = found.find(({ id }, at) => found.findIndex((other) => other.id === id) < at);
  if (twice === undefined) return;
  const first = found.find(({ id }) => id === twice.id);
  throw environmentFailed(
    `${first?.name} and ${twice.name} are the same node`,
    'write the address of another one into the file',
  );
}

/** Forms the cluster; if that fails, makes the nodes fresh again. */
async function join(
  topology: Topology,
  { fresh, clients }: { readonly fresh: readonly Found[]; readonly clients: ReadonlyMap<string, Redis> },
  signal: AbortSignal,
): Promise<void> {
  const ofAll = (act: (client: Redis, node: Found) => Promise<unknown>) =>
    settleAll(
      fresh.map(async (node) => clients.get(node.name) && act(clients.get(node.name) as Redis, node)),
    );
  try {
    await ofAll((client, { announced }) => client.config('SET', ANNOUNCE, announced.host));
    await formCluster(topology, fresh, signal);
  } catch (error) {
    await ofAll(async (client, { announces }) => {
      await client.call('CLUSTER', 'RESET', 'HARD');
      await client.config('SET', ANNOUNCE, announces);
    }).catch(() => {}); // a node that is gone
    throw error;
  }
}

/** No time changes these. */
function isFinal(error: Error): boolean {
  return isLoginRefused(error) || /\bNOPERM\b/.test(error.message);
}

function messageOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return printable(code ?? error.message);
}
