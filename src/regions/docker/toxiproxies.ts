import { isInCluster, type Topology } from '../../topology/topology.ts';
import { type ProxyToCreate, ToxiproxyClient } from '../../toxiproxy/client.ts';
import { proxyNames } from '../network/links.ts';
import { type Revival, untilAnswers } from '../network/region-toxiproxy.ts';
import { serversAbroad } from '../provider.ts';
import { doorPort, nodeAddress, regionHost, toxiproxyService } from './addresses.ts';
import { docker } from './docker.ts';
import { containerName } from './published.ts';

const START_MS = 20_000;
/** A Toxiproxy that does not listen yet may never answer a request. */
const ASK_MS = 300;

/** A region and the client of its Toxiproxy. */
export interface ToxiproxyAt {
  readonly region: string;
  readonly client: ToxiproxyClient;
}

/** Waits until the Toxiproxy answers and creates its proxies. */
export async function populateToxiproxy(
  topology: Topology,
  { region, client }: ToxiproxyAt,
  signal: AbortSignal,
): Promise<void> {
  const impatient = new ToxiproxyClient({ url: client.url, timeoutMs: ASK_MS });
  await untilAnswers(impatient, { region, withinMs: START_MS, signal });
  await client.populate(makeProxies(topology, region));
}

/** Restarts the Toxiproxy container of a region. */
export function reviveToxiproxy(project: string, topology: Topology, at: ToxiproxyAt): Revival {
  const container = containerName(project, toxiproxyService(at.region));
  return {
    async restart(silentSinceMs) {
      const startedAt = await docker(['inspect', '--format', '{{.State.StartedAt}}', container]);
      const isNew = Date.parse(startedAt) > silentSinceMs; // another program restarted it
      if (!isNew) await docker(['restart', '--time', '0', container]);
    },
    populate: () => populateToxiproxy(topology, at, new AbortController().signal),
  };
}

/** Proxies to the ports of every node and Sentinel in other regions, and the ports for this machine. */
export function makeProxies(topology: Topology, region: string): ProxyToCreate[] {
  const abroad = serversAbroad(topology, region).flatMap((node) => {
    const { host, port, busPort } = nodeAddress(topology, node);
    const [data, bus] = proxyNames(node.name);
    const there = regionHost(node.region);
    return [
      { name: data, listen: `${host}:${port}`, upstream: `${there}:${port}` },
      ...(isInCluster(topology)
        ? [{ name: bus, listen: `${host}:${busPort}`, upstream: `${there}:${busPort}` }]
        : []),
      {
        name: `door-${node.name}`,
        listen: `0.0.0.0:${doorPort(topology, node)}`,
        upstream: `${host}:${port}`,
      },
    ];
  });
  return abroad.map((proxy) => ({ ...proxy, enabled: true }));
}
