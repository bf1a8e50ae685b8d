import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import type { Endpoint } from '../../topology/endpoints.ts';
import type { CutMode } from '../../topology/pairs.ts';
import {
  everyServer,
  isInCluster,
  oneWayMs,
  type RegionPair,
  regionPairs,
  type Topology,
} from '../../topology/topology.ts';
import type { ToxicToAdd } from '../../toxiproxy/client.ts';
import type { Attributes, Direction } from '../../toxiproxy/toxic.ts';

import { settleAll } from '../waiting.ts';
import type { RegionToxiproxy } from './region-toxiproxy.ts';

/** The state of one direction between two regions. */
export interface LinkState extends RegionPair {
  /** Why its Toxiproxy did not answer. If set, no other field is known. */
  readonly silent?: string;
  /** One way. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Kilobytes (1,000) a second; absent: unlimited. */
  readonly rateKBps?: number;
  readonly cut?: CutMode;
  /** Requests from `from` arrive in `to`; their replies are dropped. */
  readonly dropsReplies?: true;
}

/**
 * The network between regions, per ordered pair, for data ports and bus ports. Data from A to B passes A's Toxiproxy
 * upstream on connections that A opened, and B's Toxiproxy downstream on connections that B opened.
 */
export interface Links {
  /** The pairs that can be changed: both regions have a Toxiproxy. */
  readonly pairs: readonly RegionPair[];
  /**
   * Throws INVALID_OPTION, before any change, if one of the pairs cannot be changed. So do the following methods,
   * except those that remove a fault.
   */
  cut(pairs: readonly RegionPair[], mode: CutMode): Promise<void>;
  /** Removes cuts and passes replies again. */
  restore(pairs: readonly RegionPair[]): Promise<void>;
  /**
   * Drops the replies on connections that `from` opened to data ports of `to`. Requests and the bus pass. The
   * replication stream to a replica in `from` is dropped too.
   */
  dropReplies(pair: RegionPair): Promise<void>;
  passReplies(pair: RegionPair): Promise<void>;
  setLatency(
    pair: RegionPair,
    latency: { readonly latencyMs: number; readonly jitterMs: number },
  ): Promise<void>;
  /** `undefined` removes the limit. */
  setBandwidth(pair: RegionPair, rateKBps: number | undefined): Promise<void>;
  /** As reported by the Toxiproxies. Regions without one are left out. */
  state(): Promise<LinkState[]>;
  /**
   * The address of a node in the Toxiproxy of a region. Absent if views lead through Toxiproxies; undefined for a region
   * without one.
   */
  proxied?(region: string, node: string): Promise<Endpoint | undefined>;
}

/** The names of a node's proxies in the Toxiproxies of the other regions; without cluster mode it has no bus. */
export function proxyNames(node: string): readonly [data: string, bus: string] {
  return [node, `${node}-bus`];
}

const dataOnly = (node: string) => [proxyNames(node)[0]];

/** Separate from the toxic of a cut, so that each is added and removed alone. */
const DROP_REPLY: ToxicToAdd = {
  name: 'drop_reply',
  type: 'timeout',
  stream: 'downstream',
  attributes: { timeout: 0 },
};

/** One direction of the connections through one proxy. */
interface Flow {
  readonly toxiproxy: RegionToxiproxy;
  readonly proxy: string;
  readonly stream: Direction;
}

/** With `ofClients`, the clients of a region pass another Toxiproxy than its nodes; each gets the same faults. */
export function createLinks(
  topology: Topology,
  toxiproxies: ReadonlyMap<string, RegionToxiproxy>,
  ofClients: ReadonlyMap<string, RegionToxiproxy> = new Map(),
): Links {
  const flows = new Flows(topology, { toxiproxies, ofClients });
  const { pairs } = flows;
  for (const pair of pairs) {
    const { latencyMs: latency, jitterMs: jitter } = plannedLatency(topology, pair);
    for (const { toxiproxy, proxy, stream } of flows.both(pair))
      toxiproxy.expect(proxy, toxicOn(stream, 'latency', { latency, jitter }));
  }
  const passReplies = (pair: RegionPair) =>
    onEach(flows.data(pair), ({ toxiproxy, proxy }) => toxiproxy.drop(proxy, DROP_REPLY.name));

  return {
    pairs,
    async cut(pairs, mode) {
      flows.check(pairs);
      const isOneWay = ({ from, to }: RegionPair) =>
        !pairs.some((other) => other.from === to && other.to === from);
      await settleAll(
        pairs.flatMap((pair) => {
          if (mode === 'blackhole') return [swallow(flows.both(pair))];
          // One way: connections that the other side opened stay, and the data of this direction is dropped on them.
          const swallowed = isOneWay(pair) ? [swallow(flows.downstream(pair))] : [];
          return [setEnabled(flows.upstream(pair), false), ...swallowed];
        }),
      );
    },
    async restore(pairs) {
      await settleAll(
        pairs.flatMap((pair) => [
          setEnabled(flows.upstream(pair), true),
          drop(flows.both(pair), 'timeout'),
          passReplies(pair),
        ]),
      );
    },
    async dropReplies(pair) {
      flows.check([pair]);
      await onEach(flows.data(pair), ({ toxiproxy, proxy }) => toxiproxy.put(proxy, DROP_REPLY));
    },
    passReplies,
    async setLatency(pair, { latencyMs, jitterMs }) {
      flows.check([pair]);
      await put(flows.both(pair), 'latency', { latency: latencyMs, jitter: jitterMs });
    },
    async setBandwidth(pair, rateKBps) {
      if (rateKBps === undefined) return drop(flows.both(pair), 'bandwidth');
      flows.check([pair]);
      await put(flows.both(pair), 'bandwidth', { rate: rateKBps });
    },
    async state() {
      const states = regionPairs(topology.regions).map((pair) => {
        const [first] = flows.upstream(pair); // all flows of a pair have the same toxics
        return first === undefined ? undefined : readFlow(pair, first);
      });
      return (await Promise.all(states)).filter((state) => state !== undefined);
    },
  };
}

interface OfRegions {
  readonly toxiproxies: ReadonlyMap<string, RegionToxiproxy>;
  readonly ofClients: ReadonlyMap<string, RegionToxiproxy>;
}

/** The flows between the regions that have a Toxiproxy. */
class Flows {
  readonly #topology: Topology;
  readonly #toxiproxies: OfRegions['toxiproxies'];
  readonly #ofClients: OfRegions['ofClients'];
  readonly #proxiesOf: Proxied['proxiesOf'];
  readonly pairs: readonly RegionPair[];

  constructor(topology: Topology, { toxiproxies, ofClients }: OfRegions) {
    this.#topology = topology;
    this.#proxiesOf = isInCluster(topology) ? proxyNames : dataOnly;
    this.#toxiproxies = toxiproxies;
    this.#ofClients = ofClients;
    this.pairs = regionPairs(topology.regions).filter(
      ({ from, to }) => toxiproxies.has(from) && toxiproxies.has(to),
    );
  }

  /** Throws INVALID_OPTION for a region without a Toxiproxy. */
  check(pairs: readonly RegionPair[]): void {
    const regions = pairs.flatMap(({ from, to }) => [from, to]);
    const without = regions.find((region) => !this.#toxiproxies.has(region));
    if (without === undefined) return;
    throw invalidOption(`region ${without} has no Toxiproxy: its links cannot be changed`);
  }

  /** Data of `from` on connections that `from` opened. */
  upstream({ from, to }: RegionPair): Flow[] {
    return this.#flows(from, 'upstream', { nodes: this.#serversIn(to), proxiesOf: this.#proxiesOf });
  }

  /** Data of `from` on connections that `to` opened. */
  downstream({ from, to }: RegionPair): Flow[] {
    return this.#flows(to, 'downstream', { nodes: this.#serversIn(from), proxiesOf: this.#proxiesOf });
  }

  both(pair: RegionPair): Flow[] {
    return [...this.upstream(pair), ...this.downstream(pair)];
  }

  /** Replies to commands that `from` sent, without gossip. */
  data({ from, to }: RegionPair): Flow[] {
    const nodes = this.#topology.nodes.filter(({ region }) => region === to).map(({ name }) => name);
    return this.#flows(from, 'downstream', { nodes, proxiesOf: dataOnly });
  }

  #serversIn(region: string): string[] {
    return everyServer(this.#topology)
      .filter((server) => server.region === region)
      .map(({ name }) => name);
  }

  #flows(region: string, stream: Direction, { nodes, proxiesOf }: Proxied): Flow[] {
    const through = (toxiproxy: RegionToxiproxy | undefined, proxies: readonly string[]) =>
      toxiproxy === undefined ? [] : proxies.map((proxy) => ({ toxiproxy, proxy, stream }));
    return [
      ...through(this.#toxiproxies.get(region), nodes.flatMap(proxiesOf)),
      ...through(this.#ofClients.get(region), nodes), // clients do not gossip
    ];
  }
}

interface Proxied {
  readonly nodes: readonly string[];
  readonly proxiesOf: (node: string) => readonly string[];
}

const put = (flows: readonly Flow[], type: string, attributes: Attributes) =>
  onEach(flows, ({ toxiproxy, proxy, stream }) => toxiproxy.put(proxy, toxicOn(stream, type, attributes)));

const drop = (flows: readonly Flow[], type: string) =>
  onEach(flows, ({ toxiproxy, proxy, stream }) => toxiproxy.drop(proxy, `${type}_${stream}`));

const swallow = (flows: readonly Flow[]) => put(flows, 'timeout', { timeout: 0 });

const setEnabled = (flows: readonly Flow[], enabled: boolean) =>
  onEach(flows, ({ toxiproxy, proxy }) => toxiproxy.setEnabled(proxy, enabled));

const toxicOn = (stream: Direction, type: string, attributes: Attributes): ToxicToAdd => ({
  name: `${type}_${stream}`,
  type,
  stream,
  attributes,
});

const onEach = (flows: readonly Flow[], act: (flow: Flow) => Promise<unknown>) => settleAll(flows.map(act));

/** Removes all faults and sets the planned round trips. */
export async function healLinks(links: Links, topology: Topology): Promise<void> {
  await links.restore(links.pairs);
  await settleAll(links.pairs.map((pair) => links.setBandwidth(pair, undefined)));
  await setRoundTrips(links, topology);
}

/** Sets the planned round trips. */
export async function setRoundTrips(links: Links, topology: Topology): Promise<void> {
  await settleAll(links.pairs.map((pair) => links.setLatency(pair, plannedLatency(topology, pair))));
}

/** The planned delay and jitter of one direction, in whole milliseconds. */
function plannedLatency(topology: Topology, pair: RegionPair) {
  return { latencyMs: oneWayMs(topology, pair), jitterMs: Math.round(topology.jitterMs) };
}

async function readFlow(pair: RegionPair, { toxiproxy, proxy }: Flow): Promise<LinkState> {
  const state = await toxiproxy.proxy(proxy).catch((error: Error) => error.message);
  if (typeof state === 'string') return { ...pair, silent: state, latencyMs: 0, jitterMs: 0 };
  const { enabled, toxics } = state;
  const attributes = (type: string) => toxics.find((toxic) => toxic.name === `${type}_upstream`)?.attributes;
  const rateKBps = attributes('bandwidth')?.rate;
  const cut = enabled ? (attributes('timeout') === undefined ? undefined : 'blackhole') : 'refuse';
  return {
    ...pair,
    latencyMs: attributes('latency')?.latency ?? 0,
    jitterMs: attributes('latency')?.jitter ?? 0,
    ...given({ rateKBps, cut }),
    ...(toxics.some(({ name }) => name === DROP_REPLY.name) ? { dropsReplies: true } : {}),
  };
}
