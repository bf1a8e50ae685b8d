import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isInCluster, type PlannedNode, type Topology } from '../../topology/topology.ts';
import { waitUntilAnswers } from '../cluster/form-cluster.ts';
import { nodeSettings } from '../cluster/node-settings.ts';
import { startOwned } from '../processes/owned-processes.ts';
import { setOurPeriods } from '../sentinel/periods.ts';
import { firstConfig, orderedSettings } from '../sentinel/settings.ts';
import { interruption } from '../waiting.ts';
import { announcedOf, type LocalAddresses, nodePorts } from './addresses.ts';
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
 * Starts the server of one node or Sentinel with its own data folder and waits until it answers. Returns a signal that aborts when the
 * server ends. Throws ENVIRONMENT_FAILED with the end of its log if it ends before it answers.
 */
export async function startNode(
  start: NodeStart,
  node: PlannedNode,
  signal: AbortSignal,
): Promise<AbortSignal> {
  const folder = nodeFolder(start, node);
  await mkdir(folder, { recursive: true });
  const isSteppable = start.steppableClocks && start.topology.nodes.includes(node);
  const env = isSteppable ? await clockEnvironment(start.cluster, node.name) : {};
  const args = await serverArguments(start, node, folder);
  if (signal.aborted) throw interruption(signal, `starting ${node.name}`);
  const ended = startOwned({
    command: start.binary.command,
    args,
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
  await setOurPeriods(start.topology, node.name, direct);
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

/**
 * The arguments of a server. A Sentinel, and a node that Sentinels order, keep what they are ordered in a file, which
 * survives a restart.
 */
async function serverArguments(
  { addresses, topology }: NodeStart,
  node: PlannedNode,
  folder: string,
): Promise<string[]> {
  const { host, port, busPort, privatePort, privateBusPort } = nodePorts(addresses, topology, node);
  const inCluster = {
    'cluster-port': privateBusPort,
    'cluster-announce-ip': host,
    'cluster-announce-port': port,
    'cluster-announce-bus-port': busPort,
  };
  const isSentinel = topology.sentinels.includes(node);
  const ofNode = isInCluster(topology) ? inCluster : orderedSettings({ host, port });
  const settings: Readonly<Record<string, string | number>> = {
    bind: host,
    port: privatePort,
    // The source address of every connection it opens, bus and replication included, identifies its region.
    'bind-source-addr': host,
    ...(isSentinel ? {} : { ...ofNode, ...nodeSettings(topology) }),
    'set-proc-title': 'no', // it would overwrite the environment, which holds our mark
    dir: folder,
  };
  const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (topology.kind !== 'sentinel') return given;
  const announced = (each: PlannedNode) => announcedOf(addresses, topology, each);
  await writeOnce(join(folder, CONFIG), firstConfig(topology, node, announced));
  return [CONFIG, ...(isSentinel ? ['--sentinel'] : []), ...given];
}

const CONFIG = 'server.conf';

async function writeOnce(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, `${lines.join('\n')}\n`, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
