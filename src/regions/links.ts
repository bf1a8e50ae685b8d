import { OpenclawError } from '../core/errors.ts';
import type { ToxicToAdd } from '../toxiproxy/client.ts';
import type { Attributes, Direction } from '../toxiproxy/toxic.ts';
import type { RegionToxiproxy } from './region-toxiproxy.ts';
import { settleAll } from './settle-all.ts';
import { oneWayMs, type RegionPair, regionPairs, type Topology } from './topology.ts';

/** How a link is cut: `blackhole` swallows what flows, connects succeed; `refuse` closes, connects fail at once. */
export type CutMode = 'blackhole' | 'refuse';

/** What is in force between two regions, in one direction. */
export interface LinkState extends RegionPair {
  /** Why its Toxiproxy did not say what is in force: then no other field is known. */
  readonly silent?: string;
  /** One way. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Kilobytes (1,000) a second; absent: unlimited. */
  readonly rateKBps?: number;
  readonly cut?: CutMode;
  /** Requests from `from` arrive in `to`, and the replies do not come back. */
  readonly dropsReplies?: true;
}

/**
 * The network between regions, per ordered pair, for data and bus ports alike. What flows from A to B flows
 * through two Toxiproxies: A's, upstream, on connections that A opened, and B's, downstream, on connections
 * that B opened.
 */
export interface Links {
  /** Those that can be changed: both their regions have a Toxiproxy. */
  readonly pairs: readonly RegionPair[];
  /**
   * Throws INVALID_OPTION before anything is done where one of them cannot be changed, as do all that follow, but for
   * what takes away.
   */
  cut(pairs: readonly RegionPair[], mode: CutMode): Promise<void>;
  /** Takes away cuts, and lets replies pass. */
  restore(pairs: readonly RegionPair[]): Promise<void>;
  /**
   * Swallows the replies on connections that `from` opened to data ports of `to`; requests pass, and so does the
   * bus. The stream to a replica in `from` is such a reply, too.
   */
  dropReplies(pair: RegionPair): Promise<void>;
  passReplies(pair: RegionPair): Promise<void>;
  setLatency(
    pair: RegionPair,
    latency: { readonly latencyMs: number; readonly jitterMs: number },
  ): Promise<void>;
  /** `undefined` lifts the limit. */
  setBandwidth(pair: RegionPair, rateKBps: number | undefined): Promise<void>;
  /** As the Toxiproxies themselves report it; of regions without one nothing is said. */
  state(): Promise<LinkState[]>;
}

/** Names the proxies of one node in every other region's Toxiproxy. */
export function proxyNames(node: string): readonly [data: string, bus: string] {
  return [node, `${node}-bus`];
}

/** A toxic of its own beside that of a cut: each comes and goes without the other. */
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

export function createLinks(topology: Topology, toxiproxies: ReadonlyMap<string, RegionToxiproxy>): Links {
  const nodesIn = (region: string) => topology.nodes.filter((node) => node.region === region);
  const proxiesTo = (region: string) => nodesIn(region).flatMap(({ name }) => proxyNames(name));
  const dataProxiesTo = (region: string) => nodesIn(region).map(({ name }) => proxyNames(name)[0]);
  const isCovered = ({ from, to }: RegionPair) => toxiproxies.has(from) && toxiproxies.has(to);
  const check = (pairs: readonly RegionPair[]) => {
    const without = pairs.flatMap(({ from, to }) => [from, to]).find((region) => !toxiproxies.has(region));
    if (without === undefined) return;
    throw new OpenclawError(
      'INVALID_OPTION',
      `no Toxiproxy is known in ${without}: nothing can be done to its links`,
    );
  };
  /** What flows from `from` on connections that it opened, and on those that `to` opened. */
  const upstream = ({ from, to }: RegionPair) => flow(from, 'upstream', proxiesTo(to));
  const downstream = ({ from, to }: RegionPair) => flow(to, 'downstream', proxiesTo(from));
  const flow = (region: string, stream: Direction, proxies: readonly string[]): Flow[] => {
    const toxiproxy = toxiproxies.get(region);
    return toxiproxy === undefined ? [] : proxies.map((proxy) => ({ toxiproxy, proxy, stream }));
  };
  const both = (pair: RegionPair) => [...upstream(pair), ...downstream(pair)];
  const put = (flows: readonly Flow[], type: string, attributes: Attributes) =>
    onEach(flows, ({ toxiproxy, proxy, stream }) => toxiproxy.put(proxy, toxicOn(stream, type, attributes)));
  const drop = (flows: readonly Flow[], type: string) =>
    onEach(flows, ({ toxiproxy, proxy, stream }) => toxiproxy.drop(proxy, `${type}_${stream}`));
  const setEnabled = (pair: RegionPair, enabled: boolean) =>
    onEach(upstream(pair), ({ toxiproxy, proxy }) => toxiproxy.setEnabled(proxy, enabled));
  const dataFlows = ({ from, to }: RegionPair) => flow(from, 'downstream', dataProxiesTo(to));
  const swallow = (flows: readonly Flow[]) => put(flows, 'timeout', { timeout: 0 });
  const passReplies = (pair: RegionPair) =>
    onEach(dataFlows(pair), ({ toxiproxy, proxy }) => toxiproxy.drop(proxy, DROP_REPLY.name));
  const pairs = regionPairs(topology.regions).filter(isCovered);
  for (const pair of pairs) {
    const { latencyMs: latency, jitterMs: jitter } = plannedLatency(topology, pair);
    for (const { toxiproxy, proxy, stream } of both(pair))
      toxiproxy.expect(proxy, toxicOn(stream, 'latency', { latency, jitter }));
  }

  return {
    pairs,
    async cut(pairs, mode) {
      check(pairs);
      const isOneWay = ({ from, to }: RegionPair) =>
        !pairs.some((other) => other.from === to && other.to === from);
      await settleAll(
        pairs.flatMap((pair) => {
          if (mode === 'blackhole') return [swallow(both(pair))];
          // Connections that the other side opened go on, one way: what flows on them against it is swallowed.
          return [setEnabled(pair, false), ...(isOneWay(pair) ? [swallow(downstream(pair))] : [])];
        }),
      );
    },
    async restore(pairs) {
      await settleAll(
        pairs.flatMap((pair) => [setEnabled(pair, true), drop(both(pair), 'timeout'), passReplies(pair)]),
      );
    },
    async dropReplies(pair) {
      check([pair]);
      await onEach(dataFlows(pair), ({ toxiproxy, proxy }) => toxiproxy.put(proxy, DROP_REPLY));
    },
    passReplies,
    async setLatency(pair, { latencyMs, jitterMs }) {
      check([pair]);
      await put(both(pair), 'latency', { latency: latencyMs, jitter: jitterMs });
    },
    async setBandwidth(pair, rateKBps) {
      if (rateKBps === undefined) return drop(both(pair), 'bandwidth');
      check([pair]);
      await put(both(pair), 'bandwidth', { rate: rateKBps });
    },
    async state() {
      const states = regionPairs(topology.regions).map((pair) => {
        const [first] = upstream(pair); // all of a pair are set alike
        return first === undefined ? undefined : readFlow(pair, first);
      });
      return (await Promise.all(states)).filter((state) => state !== undefined);
    },
  };
}

const toxicOn = (stream: Direction, type: string, attributes: Attributes): ToxicToAdd => ({
  name: `${type}_${stream}`,
  type,
  stream,
  attributes,
});

const onEach = (flows: readonly Flow[], act: (flow: Flow) => Promise<unknown>) => settleAll(flows.map(act));

/** Takes away whatever is in force and sets the round trips back. */
export async function healLinks(links: Links, topology: Topology): Promise<void> {
  await links.restore(links.pairs);
  await settleAll(links.pairs.map((pair) => links.setBandwidth(pair, undefined)));
  await setRoundTrips(links, topology);
}

/** Sets every round trip as planned. */
export async function setRoundTrips(links: Links, topology: Topology): Promise<void> {
  await settleAll(links.pairs.map((pair) => links.setLatency(pair, plannedLatency(topology, pair))));
}

/** Half of a round trip on the way there, half on the way back, in whole milliseconds. */
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
    ...(rateKBps === undefined ? {} : { rateKBps }),
    ...(cut === undefined ? {} : { cut }),
    ...(toxics.some(({ name }) => name === DROP_REPLY.name) ? { dropsReplies: true } : {}),
  };
}
