import { type ProxyToCreate, ToxiproxyClient } from '../../toxiproxy/client.ts';
import { proxyNames } from '../links.ts';
import type { Revival } from '../region-toxiproxy.ts';
import type { Topology } from '../topology.ts';
import { until } from '../until.ts';
import {
  doorPort,
  nodeAddress,
  nodesAbroad,
  RATING_DOOR,
  RATING_PORT,
  regionHost,
  toxiproxyService,
} from './addresses.ts';
import { docker } from './docker.ts';
import { containerName } from './published.ts';

const START_MS = 20_000;
/** One that does not listen yet may leave a question unanswered. */
const ASK_MS = 300;

/** A region and the way to its Toxiproxy. */
export interface ToxiproxyAt {
  readonly region: string;
  readonly client: ToxiproxyClient;
}

/** Waits until it answers, and gives it its proxies. */
export async function populateToxiproxy(
  topology: Topology,
  { region, client }: ToxiproxyAt,
  signal: AbortSignal,
): Promise<void> {
  const impatient = new ToxiproxyClient({ url: client.url, timeoutMs: ASK_MS });
  await until(`the Toxiproxy of ${region} to answer`, START_MS, signal, () =>
    impatient.version().then(
      () => undefined,
      (error: Error) => error.message,
    ),
  );
  await client.populate(proxiesOf(topology, region));
}

/** How the one of a region is made whole again. */
export function reviveToxiproxy(project: string, topology: Topology, at: ToxiproxyAt): Revival {
  const container = containerName(project, toxiproxyService(at.region));
  return {
    async restart(silentSinceMs) {
      const startedAt = await docker(['inspect', '--format', '{{.State.StartedAt}}', container]);
      const isNew = Date.parse(startedAt) > silentSinceMs; // another program was faster
      if (!isNew) await docker(['restart', '--time', '0', container]);
    },
    populate: () => populateToxiproxy(topology, at, new AbortController().signal),
  };
}

/** To every node abroad, its data and bus ports; and the doors by which this machine comes in. */
export function proxiesOf(topology: Topology, region: string): ProxyToCreate[] {
  const abroad = nodesAbroad(topology, region).flatMap((node) => {
    const { host, port, busPort } = nodeAddress(topology, node);
    const [data, bus] = proxyNames(node.name);
    const there = regionHost(node.region);
    return [
      { name: data, listen: `${host}:${port}`, upstream: `${there}:${port}` },
      { name: bus, listen: `${host}:${busPort}`, upstream: `${there}:${busPort}` },
      {
        name: `door-${node.name}`,
        listen: `0.0.0.0:${doorPort(topology, node)}`,
        upstream: `${host}:${port}`,
      },
    ];
  });
  const rating = { listen: `0.0.0.0:${RATING_DOOR}`, upstream: `127.0.0.1:${RATING_PORT}` };
  return [...abroad, { name: 'door-rating', ...rating }].map((proxy) => ({ ...proxy, enabled: true }));
}
