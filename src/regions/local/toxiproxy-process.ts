import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlannedNode, Topology } from '../../topology/topology.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { proxyNames } from '../network/links.ts';
import { untilAnswers } from '../network/region-toxiproxy.ts';
import { startOwned } from '../processes/owned-processes.ts';
import { nodesAbroad } from '../provider.ts';
import { interruption } from '../waiting.ts';
import { API_PORT, apiAddress, apiUrl, type LocalAddresses, nodePorts, regionSources } from './addresses.ts';

/** How to start this program again as a child: the interpreter and the script. */
export type SelfCommand = readonly [command: string, ...args: string[]];

export interface ToxiproxyStart {
  readonly cluster: string;
  readonly startId: string;
  readonly self: SelfCommand;
  readonly addresses: LocalAddresses;
  readonly topology: Topology;
  readonly seed: number;
}

const START_MS = 20_000;

/**
 * Starts the single process that serves every region's Toxiproxy, and creates all proxies. Returns a signal that aborts
 * when the process ends.
 */
export async function startToxiproxyProcess(
  start: ToxiproxyStart,
  signal: AbortSignal,
): Promise<AbortSignal> {
  const { cluster, startId, self, topology } = start;
  const config = join(cluster, 'toxiproxy.json');
  await writeFile(config, JSON.stringify(regionalConfig(start), undefined, 2));
  if (signal.aborted) throw interruption(signal, 'starting the Toxiproxy');
  const [command, ...script] = self;
  const ended = startOwned({
    command,
    args: [...script, 'regional-toxiproxy', config],
    cluster,
    startId,
    role: 'toxiproxy',
    cwd: cluster,
    logFile: join(cluster, 'logs', 'toxiproxy.log'),
  });
  const stop = AbortSignal.any([ended, signal]);
  await Promise.all(topology.regions.map((region) => populateRegion(start, region, stop)));
  return ended;
}

async function populateRegion(start: ToxiproxyStart, region: string, signal: AbortSignal): Promise<void> {
  const { topology, addresses } = start;
  const client = new ToxiproxyClient({ url: apiUrl(addresses, topology, region) });
  await untilAnswers(client, { region, withinMs: START_MS, signal });
  const proxies = nodesAbroad(topology, region).flatMap((node) => proxiesOf(start, node));
  if (proxies.length > 0) await client.populate(proxies); // a single region has none
}

/** The configuration of the process: the source addresses of each region, and the upstream of each public address. */
export interface RegionalConfig {
  readonly seed: number;
  readonly regions: readonly {
    readonly name: string;
    /** The prefix of the source addresses of its clients and nodes. */
    readonly sources: string;
    readonly api: { readonly host: string; readonly port: number };
  }[];
  /** `host:port` each. */
  readonly routes: readonly { readonly listen: string; readonly upstream: string }[];
}

function regionalConfig({ addresses, topology, seed }: ToxiproxyStart): RegionalConfig {
  return {
    seed,
    regions: topology.regions.map((name) => ({
      name,
      sources: regionSources(addresses, topology, name),
      api: { host: apiAddress(addresses, topology, name), port: API_PORT },
    })),
    routes: topology.nodes.flatMap((node) => routesOf(addresses, topology, node)),
  };
}

function routesOf(addresses: LocalAddresses, topology: Topology, node: PlannedNode) {
  const { host, port, busPort, privatePort, privateBusPort } = nodePorts(addresses, topology, node);
  return [
    { listen: `${host}:${port}`, upstream: `${host}:${privatePort}` },
    { listen: `${host}:${busPort}`, upstream: `${host}:${privateBusPort}` },
  ];
}

function proxiesOf({ addresses, topology }: ToxiproxyStart, node: PlannedNode) {
  const names = proxyNames(node.name);
  return routesOf(addresses, topology, node).map((route, i) => ({
    name: names[i] ?? '',
    ...route,
    enabled: true,
  }));
}
