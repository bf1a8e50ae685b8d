import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlannedNode, Topology } from '../../topology/topology.ts';
import { waitUntilAnswers } from '../cluster/form-cluster.ts';
import { nodeSettings } from '../cluster/node-settings.ts';
import { startOwned } from '../processes/owned-processes.ts';
import { interruption } from '../waiting.ts';
import { type LocalAddresses, nodePorts } from './addresses.ts';
import { clockEnvironment } from './node-clock.ts';
import type { ServerBinary } from './server-binary.ts';

/** The settings for starting and restarting any node of a local cluster. */
export interface NodeStart {
  readonly cluster: string;
  readonly startId: string;
  readonly binary: ServerBinary;
  readonly addresses: LocalAddresses;
  readonly topology: Topology;
  /** Whether clocks can be stepped; requires `compileClockOverride`. */
  readonly steppableClocks: boolean;
}

const START_MS = 20_000;

/**
 * Starts one node's server with its own data folder and waits until it answers. Returns a signal that aborts when the
 * server ends. Throws ENVIRONMENT_FAILED with the end of its log if it ends before it answers.
 */
export async function startNode(
  start: NodeStart,
  node: PlannedNode,
  signal: AbortSignal,
): Promise<AbortSignal> {
  const folder = nodeFolder(start, node);
  await mkdir(folder, { recursive: true });
  const env = start.steppableClocks ? await clockEnvironment(start.cluster, node.name) : {};
  if (signal.aborted) throw interruption(signal, `starting ${node.name}`);
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

/** Removes everything a node has stored. */
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
    // The source address of every connection it opens, bus and replication included, identifies its region.
    'bind-source-addr': host,
    ...nodeSettings(topology),
    'set-proc-title': 'no', // it would overwrite the environment, which holds our mark
    dir: folder,
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
