import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntilAnswers } from '../form-cluster.ts';
import { nodeSettings } from '../node-settings.ts';
import { startOwned } from '../processes/owned-processes.ts';
import type { PlannedNode, Topology } from '../topology.ts';
import { interruption } from '../until.ts';
import { type LocalAddresses, nodePorts } from './addresses.ts';
import { clockEnvironment } from './node-clock.ts';
import type { ServerBinary } from './server-binary.ts';

/** What it takes to start any node of a local cluster, again too. */
export interface NodeStart {
  readonly cluster: string;
  readonly startId: string;
  readonly binary: ServerBinary;
  readonly addresses: LocalAddresses;
  readonly topology: Topology;
  /** Whether its clock can be stepped: the override must have been compiled. */
  readonly steppableClocks: boolean;
}

const START_MS = 10_000;

/**
 * Starts one node's server, which keeps what it has in a folder of its own, and waits until it answers. Gives a
 * signal that aborts when it has ended; throws ENVIRONMENT_FAILED with the end of its log when it ends instead.
 */
export async function startNode(
  start: NodeStart,
  node: PlannedNode,
  signal: AbortSignal,
): Promise<AbortSignal> {
  const folder = nodeFolder(start, node);
  await mkdir(folder, { recursive: true });
  const env = start.steppableClocks ? await clockEnvironment(start.cluster, node.name) : {};
  if (signal.aborted) throw interruption(signal, `${node.name} was about to be started`);
  const ended = startOwned({
    command: start.binary.command,
    args: serverArguments(start, node, folder),
    cluster: start.cluster,
    startId: start.startId,
    role: node.name,
    cwd: folder,
    logFile: join(start.cluster, 'logs', `${node.name}.log`),
    env,
  });
  const { host, privatePort } = nodePorts(start.addresses, start.topology, node);
  const direct = { host, port: privatePort };
  await waitUntilAnswers(node.name, direct, { withinMs: START_MS, signal: AbortSignal.any([ended, signal]) });
  return ended;
}

/** Forgets everything a node has stored: what a restart on a new machine finds. */
export async function emptyNode(start: NodeStart, node: PlannedNode): Promise<void> {
  const folder = nodeFolder(start, node);
  for (const name of ['appendonlydir', 'dump.rdb'])
    await rm(join(folder, name), { recursive: true, force: true });
}

function nodeFolder({ cluster }: NodeStart, { name }: PlannedNode): string {
  return join(cluster, 'nodes', name);
}

function serverArguments({ addresses, topology }: NodeStart, node: PlannedNode, folder: string): string[] {
  const { host, port, busPort, privatePort, privateBusPort } = nodePorts(addresses, topology, node);
  const settings: Readonly<Record<string, string | number>> = {
    bind: host,
    port: privatePort,
    'cluster-port': privateBusPort,
    'cluster-announce-ip': host,
    'cluster-announce-port': port,
    'cluster-announce-bus-port': busPort,
    // Every connection it opens, bus and replication too, carries its region in its source address.
    'bind-source-addr': host,
    ...nodeSettings(topology),
    'set-proc-title': 'no', // it would write over the environment, where our mark is
    dir: folder,
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
