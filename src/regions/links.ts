import { OpenclawError } from '../core/errors.ts';
import type { ToxicToAdd, ToxiproxyClient } from '../toxiproxy/client.ts';
import { settleAll } from './settle-all.ts';
import { oneWayMs, type RegionPair, regionPairs, type Topology } from './topology.ts';

/** How a link is cut: `blackhole` swallows what flows, connects succeed; `refuse` closes, connects fail at once. */
export type CutMode = 'blackhole' | 'refuse';

/** What is in force between two regions, in one direction. */
export interface LinkState extends RegionPair {
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

type Stream = 'upstream' | 'downstream';

/** One direction of the connections from one region's clients and nodes to another region's nodes. */
interface Flow {
  readonly client: ToxiproxyClient;
  readonly proxies: readonly string[];
  readonly stream: Stream;
}

export function createLinks(topology: Topology, clients: ReadonlyMap<string, ToxiproxyClient>): Links {
  const nodesIn = (region: string) => topology.nodes.filter((node) => node.region === region);
  const proxiesTo = (region: string) => nodesIn(region).flatMap(({ name }) => proxyNames(name));
  const dataProxiesTo = (region: string) => nodesIn(region).map(({ name }) => proxyNames(name)[0]);
  const clientOf = (region: string): ToxiproxyClient => {
    const client = clients.get(region);
    if (client === undefined) {
      throw new OpenclawError(
        'INVALID_OPTION',
        `no Toxiproxy is known in ${region}: nothing can be done to its links`,
      );
    }
    return client;
  };
  const flows = ({ from, to }: RegionPair): Flow[] => [
    { client: clientOf(from), proxies: proxiesTo(to), stream: 'upstream' },
    { client: clientOf(to), proxies: proxiesTo(from), stream: 'downstream' },
  ];
  const onEach = (pair: RegionPair, act: (flow: Flow, proxy: string) => Promise<void>) =>
    settleAll(flows(pair).flatMap((flow) => flow.proxies.map((proxy) => act(flow, proxy))));
  const put = (pair: RegionPair, type: string, attributes: Record<string, number>) =>
    onEach(pair, ({ client, stream }, proxy) =>
      putToxic(client, proxy, { name: `${type}_${stream}`, type, stream, attributes }),
    );
  const drop = (pair: RegionPair, type: string) =>
    onEach(pair, ({ client, stream }, proxy) => dropToxic(client, proxy, `${type}_${stream}`));
  const setEnabled = ({ from, to }: RegionPair, enabled: boolean) =>
    settleAll(proxiesTo(to).map((proxy) => clientOf(from).setEnabled(proxy, enabled)));
  const passReplies = ({ from, to }: RegionPair) =>
    settleAll(dataProxiesTo(to).map((proxy) => dropToxic(clientOf(from), proxy, DROP_REPLY.name)));

  return {
    async cut(pairs, mode) {
      await settleAll(
        pairs.map((pair) =>
          mode === 'refuse' ? setEnabled(pair, false) : put(pair, 'timeout', { timeout: 0 }),
        ),
      );
    },
    async restore(pairs) {
      await settleAll(
        pairs.flatMap((pair) => [setEnabled(pair, true), drop(pair, 'timeout'), passReplies(pair)]),
      );
    },
    async dropReplies({ from, to }) {
      await settleAll(dataProxiesTo(to).map((proxy) => putToxic(clientOf(from), proxy, DROP_REPLY)));
    },
    passReplies,
    async setLatency(pair, { latencyMs, jitterMs }) {
      await put(pair, 'latency', { latency: latencyMs, jitter: jitterMs });
    },
    async setBandwidth(pair, rateKBps) {
      await (rateKBps === undefined ? drop(pair, 'bandwidth') : put(pair, 'bandwidth', { rate: rateKBps }));
    },
    async state() {
      const known = regionPairs(topology.regions).filter(({ from }) => clients.has(from));
      return Promise.all(known.map((pair) => readPair(pair, clientOf(pair.from), proxiesTo(pair.to))));
    },
  };
}

/** Takes away whatever is in force and sets the round trips back. */
export async function healLinks(links: Links, topology: Topology): Promise<void> {
  const pairs = regionPairs(topology.regions);
  await links.restore(pairs);
  await Promise.all(pairs.map((pair) => links.setBandwidth(pair, undefined)));
  await setRoundTrips(links, topology);
}

/** Half of each round trip on the way there, half on the way back, in whole milliseconds. */
export async function setRoundTrips(links: Links, topology: Topology): Promise<void> {
  await Promise.all(
    regionPairs(topology.regions).map((pair) =>
      links.setLatency(pair, {
        latencyMs: oneWayMs(topology, pair),
        jitterMs: Math.round(topology.jitterMs),
      }),
    ),
  );
}

/** Adds a toxic, or changes it where one of its name is there already. */
async function putToxic(client: ToxiproxyClient, proxy: string, toxic: ToxicToAdd): Promise<void> {
  const isThere = (await client.toxics(proxy)).some(({ name }) => name === toxic.name);
  await (isThere
    ? client.updateToxic(proxy, toxic.name, { attributes: toxic.attributes })
    : client.addToxic(proxy, toxic));
}

async function dropToxic(client: ToxiproxyClient, proxy: string, name: string): Promise<void> {
  const isThere = (await client.toxics(proxy)).some((toxic) => toxic.name === name);
  if (isThere) await client.removeToxic(proxy, name);
}

/** What the client's own Toxiproxy says of the first proxy of the pair: all of a pair are set alike. */
async function readPair(
  pair: RegionPair,
  client: ToxiproxyClient,
  proxies: readonly string[],
): Promise<LinkState> {
  const [first = ''] = proxies;
  const { enabled, toxics } = await client.proxy(first);
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
