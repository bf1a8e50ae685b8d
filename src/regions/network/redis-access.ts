import type { CutMode } from '../../topology/pairs.ts';
import { everyServer, type Topology } from '../../topology/topology.ts';
import type { Attributes, Direction } from '../../toxiproxy/toxic.ts';
import { settleAll } from '../waiting.ts';
import type { RegionToxiproxy } from './region-toxiproxy.ts';

/** How the services of one region reach Redis. */
export interface AccessState {
  readonly region: string;
  /** Why its Toxiproxy did not answer. If set, no other field is known. */
  readonly silent?: string;
  readonly cut?: CutMode;
  /** What is added to the round trip of each answer. */
  readonly slowMs?: number;
}

/**
 * The connections of the clients of each region to every node, those of its own region too. Nodes among themselves have
 * other connections: replication and gossip go on.
 */
export interface RedisAccess {
  /** `refuse` closes all connections and refuses new ones; `blackhole` drops all data. */
  cut(regions: readonly string[], mode: CutMode): Promise<void>;
  /** Removes cuts. */
  restore(regions: readonly string[]): Promise<void>;
  /** Adds to the round trip of each answer, half in each direction; 0 removes that. */
  slow(regions: readonly string[], roundTripMs: number): Promise<void>;
  /** As reported by the Toxiproxies. */
  state(): Promise<AccessState[]>;
}

const DIRECTIONS: readonly Direction[] = ['upstream', 'downstream'];

/** Separate from the toxics of links, so that each is added and removed alone. */
const toxicName = (type: 'timeout' | 'latency', stream: Direction) => `store_${type}_${stream}`;

/** By the Toxiproxies that the clients of each region pass; each has a proxy named after every node. */
export function createAccess(
  topology: Pick<Topology, 'nodes' | 'sentinels'>,
  toxiproxies: ReadonlyMap<string, RegionToxiproxy>,
): RedisAccess {
  const nodes = everyServer(topology);
  const onEach = (
    regions: readonly string[],
    act: (toxiproxy: RegionToxiproxy, proxy: string) => Promise<unknown>,
  ) =>
    settleAll(
      regions.flatMap((region) => {
        const toxiproxy = toxiproxies.get(region);
        return toxiproxy === undefined ? [] : nodes.map(({ name }) => act(toxiproxy, name));
      }),
    );
  const put = (regions: readonly string[], type: 'timeout' | 'latency', attributesOf: AttributesOf) =>
    onEach(regions, (toxiproxy, proxy) =>
      settleAll(
        DIRECTIONS.map((stream) => {
          const toxic = { name: toxicName(type, stream), type, stream, attributes: attributesOf(stream) };
          return toxiproxy.put(proxy, toxic);
        }),
      ),
    );
  const drop = (regions: readonly string[], type: 'timeout' | 'latency') =>
    onEach(regions, (toxiproxy, proxy) =>
      settleAll(DIRECTIONS.map((stream) => toxiproxy.drop(proxy, toxicName(type, stream)))),
    );
  const setEnabled = (regions: readonly string[], enabled: boolean) =>
    onEach(regions, (toxiproxy, proxy) => toxiproxy.setEnabled(proxy, enabled));

  return {
    cut: (regions, mode) =>
      mode === 'refuse' ? setEnabled(regions, false) : put(regions, 'timeout', () => ({ timeout: 0 })),
    restore: (regions) => settleAll([setEnabled(regions, true), drop(regions, 'timeout')]),
    slow: (regions, roundTripMs) =>
      roundTripMs === 0
        ? drop(regions, 'latency')
        : put(regions, 'latency', (stream) => ({
            latency: stream === 'upstream' ? Math.ceil(roundTripMs / 2) : Math.floor(roundTripMs / 2),
            jitter: 0,
          })),
    state: () =>
      Promise.all([...toxiproxies].map(([region, toxiproxy]) => readAccess(region, toxiproxy, nodes))),
  };
}

type AttributesOf = (stream: Direction) => Attributes;

/** All nodes of its own region, and so all proxies, have the same state; a link can be cut besides. */
async function readAccess(
  region: string,
  toxiproxy: RegionToxiproxy,
  nodes: Topology['nodes'],
): Promise<AccessState> {
  const own = nodes.find((node) => node.region === region) ?? nodes[0];
  if (own === undefined) return { region };
  const state = await toxiproxy.proxy(own.name).catch((error: Error) => error.message);
  if (typeof state === 'string') return { region, silent: state };
  const { enabled, toxics } = state;
  const latencies = DIRECTIONS.map(
    (stream) => toxics.find(({ name }) => name === toxicName('latency', stream))?.attributes.latency ?? 0,
  );
  const slowMs = latencies.reduce((sum, ms) => sum + ms, 0);
  const isHeld = toxics.some(({ name }) => name === toxicName('timeout', 'upstream'));
  const cut = enabled ? (isHeld ? 'blackhole' : undefined) : 'refuse';
  return { region, ...(cut && { cut }), ...(slowMs > 0 && { slowMs }) };
}

/** Removes all faults between services and Redis. */
export async function healAccess({ access, topology }: Healable): Promise<void> {
  if (access !== undefined)
    await settleAll([access.restore(topology.regions), access.slow(topology.regions, 0)]);
}

interface Healable {
  readonly access?: RedisAccess;
  readonly topology: Pick<Topology, 'regions'>;
}
