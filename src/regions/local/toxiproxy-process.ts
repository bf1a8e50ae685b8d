import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { everyServer, isInCluster, type PlannedNode, type Topology } from '../../topology/topology.ts';
import { ToxiproxyClient } from '../../toxiproxy/client.ts';
import { proxyNames } from '../network/links.ts';
import { untilAnswers } from '../network/region-toxiproxy.ts';
import { startOwned } from '../processes/owned-processes.ts';
import { serversAbroad } from '../provider.ts';
import { interruption } from '../waiting.ts';
import {
  API_PORT,
  apiAddress,
  apiUrl,
  clientAddress,
  type LocalAddresses,
  nodePorts,
  type Passing,
  regionSources,
} from './addresses.ts';

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
  const all = topology.regions.flatMap((region) => [
    populate(start, { region, of: 'nodes' }, serversAbroad(topology, region), stop),
    populate(start, { region, of: 'clients' }, everyServer(topology), stop),
  ]);
  await Promise.all(all);
  return ended;
}

/** Clients have a proxy to every node, and nodes to those abroad: they are reached by source address. */
async function populate(
  start: ToxiproxyStart,
  which: { readonly region: string; readonly of: Passing },
  nodes: readonly PlannedNode[],
  signal: AbortSignal,
): Promise<void> {
  const { topology, addresses } = start;
  const client = new ToxiproxyClient({ url: apiUrl(addresses, topology, which) });
  await untilAnswers(client, { region: which.region, withinMs: START_MS, signal });
  await client.populate(nodes.flatMap((node) => proxiesOf(start, node, which.of)));
}

/** The configuration of the process: the source addresses of each region, and the upstream of each public address. */
export interface RegionalConfig {
  readonly seed: number;
  /** The first whose sources match takes a connection. */
  readonly regions: readonly {
    readonly name: string;
    /** The prefix of the source addresses of its clients, or of all others of the region. */
    readonly sources: string;
    readonly api: { readonly host: string; readonly port: number };
  }[];
  /** `host:port` each. */
  readonly routes: readonly { readonly listen: string; readonly upstream: string }[];
}

function regionalConfig({ addresses, topology, seed }: ToxiproxyStart): RegionalConfig {
  return {
    seed,
    regions: topology.regions.flatMap((region) => {
      const apiOf = (of: Passing) => ({
        host: apiAddress(addresses, topology, { region, of }),
        port: API_PORT,
      });
      return [
        {
          name: `clients of ${region}`,
          sources: clientAddress(addresses, topology, region),
          api: apiOf('clients'),
        },
        { name: region, sources: regionSources(addresses, topology, region), api: apiOf('nodes') },
      ];
    }),
    routes: everyServer(topology).flatMap((node) => routesOf(addresses, topology, node)),
  };
}

function routesOf(addresses: LocalAddresses, topology: Topology, node: PlannedNode) {
  const { host, port, busPort, privatePort, privateBusPort } = nodePorts(addresses, topology, node);
  return [
    { listen: `${host}:${port}`, upstream: `${host}:${privatePort}` },
    ...(isInCluster(topology)
      ? [{ listen: `${host}:${busPort}`, upstream: `${host}:${privateBusPort}` }]
      : []),
  ];
}

function proxiesOf({ addresses, topology }: ToxiproxyStart, node: PlannedNode, of: Passing) {
  const names = proxyNames(node.name);
  const proxies = routesOf(addresses, topology, node).map((route, i) => ({
    name: names[i] ?? '',
    ...route,
    enabled: true,
  }));
  return of === 'nodes' ? proxies : proxies.slice(0, 1); // clients do not gossip
}
