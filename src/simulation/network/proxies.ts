import { everyServer, oneWayMs, type Topology } from '../../topology/topology.ts';
import type { Place, Port } from '../network.ts';
import { RegionProxy } from './proxy.ts';

/** Who passes a proxy: the nodes of a region, or its clients. */
export type Passes = 'nodes' | 'clients';

/**
 * The proxies of every region: one for its nodes and one for its clients in front of each port of another region, and one
 * for its clients in front of each data port of its own.
 */
export class Proxies {
  readonly #proxies = new Map<string, RegionProxy>();
  readonly topology: Topology;

  constructor(topology: Topology) {
    this.topology = topology;
    const { regions, jitterMs } = topology;
    for (const region of regions)
      for (const server of everyServer(topology))
        for (const [who, port] of WAYS) {
          const isOwn = region === server.region;
          if (isOwn && who === 'nodes') continue;
          const proxy = new RegionProxy();
          this.#proxies.set(keyOf(who, region, { node: server.name, port }), proxy);
          if (isOwn) continue;
          const jitter = Math.round(jitterMs);
          const latency = (from: string, to: string) =>
            ({ type: 'latency', latencyMs: oneWayMs(topology, { from, to }), jitterMs: jitter }) as const;
          const [there, back] = [latency(region, server.region), latency(server.region, region)];
          proxy.put('upstream', { name: 'latency_upstream', ...there });
          proxy.put('downstream', { name: 'latency_downstream', ...back });
        }
  }

  /** What a connection passes; undefined between nodes of one region. */
  between({ region, node }: Place, to: Port): RegionProxy | undefined {
    return this.#proxies.get(keyOf(node === undefined ? 'clients' : 'nodes', region, to));
  }

  /** Of the nodes or the clients of a region in front of this port. */
  of(who: Passes, region: string, to: Port): RegionProxy[] {
    const proxy = this.#proxies.get(keyOf(who, region, to));
    return proxy === undefined ? [] : [proxy];
  }
}

const WAYS = [
  ['nodes', 'data'],
  ['nodes', 'bus'],
  ['clients', 'data'],
] as const satisfies [Passes, Port['port']][];

function keyOf(who: Passes, region: string, { node, port }: Port): string {
  return `${who} ${region} ${node} ${port}`;
}
