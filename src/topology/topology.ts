import { invalidOption } from '../core/errors.ts';
import { given } from '../core/given.ts';
import type { Kind } from './endpoints.ts';
import { planOnePrimary } from './one-primary.ts';
import type { PlannedNode } from './planned-node.ts';
import { checkRegions, MOST_SIMULATED_REGIONS } from './regions.ts';

export type { PlannedNode };

/** The options from which `planTopology` plans a cluster over regions. */
export interface TopologyOptions {
  /** One to nine names; up to a hundred in a simulation. */
  readonly regions: readonly string[];
  /** Default: a cluster. `single`: one server in the first region. `sentinel`: one primary there, and Sentinels. */
  readonly kind?: Exclude<Kind, 'cluster'>;
  /**
   * Replicas of each primary, in other regions than the primary unless it is the only region. Of kind sentinel: replicas
   * in each other region.
   */
  readonly replicas: number;
  /** Round trip in milliseconds between two regions, keyed `a:b` in either order; absent pairs take the default. */
  readonly roundTripMs: Readonly<Record<string, number>>;
  readonly jitterMs: number;
  /** What a restarted node still has: nothing (`none`), or every acknowledged write (`aof`). */
  readonly persistence: Persistence;
  /** Milliseconds after which a silent node is suspected. */
  readonly nodeTimeoutMs: number;
  /** A primary with fewer linked replicas refuses writes. */
  readonly minReplicasToWrite?: number;
  /** After which silence such a replica does not count; whole seconds. */
  readonly minReplicasMaxLagMs?: number;
  /** Each region has one separate Redis. Default: all nodes form one cluster. */
  readonly apart?: true;
}

export type Persistence = 'none' | 'aof';

/** An ordered pair of regions: the direction from one to the other. */
export interface RegionPair {
  readonly from: string;
  readonly to: string;
}

export interface Topology extends Pick<TopologyOptions, 'minReplicasToWrite' | 'minReplicasMaxLagMs'> {
  /** How clients find the server of a key. */
  readonly kind: Kind;
  readonly regions: readonly string[];
  readonly nodes: readonly PlannedNode[];
  /** Of kind sentinel: one in each region, none of which holds data. */
  readonly sentinels: readonly PlannedNode[];
  readonly jitterMs: number;
  readonly persistence: Persistence;
  readonly nodeTimeoutMs: number;
  /** Round trip in milliseconds per unordered pair, keyed `a:b` in the order of `regions`. */
  readonly roundTripMs: Readonly<Record<string, number>>;
  /** Absent if all nodes form one cluster. */
  readonly apart?: true;
  /** Its nodes were already running; their roles and slots are not planned. */
  readonly external?: true;
}

const DEFAULT_REGIONS = ['us-east', 'eu-west', 'ap-south'] as const;

/** 80 ms across the Atlantic, 120 ms from Europe to Asia, 190 ms from America to Asia. */
export const KNOWN_ROUND_TRIPS_MS: Readonly<Record<string, number | undefined>> = {
  'us-east:eu-west': 80,
  'eu-west:ap-south': 120,
  'us-east:ap-south': 190,
};
export const OTHER_ROUND_TRIP_MS = 100;
const DEFAULT_ROUND_TRIPS = { known: KNOWN_ROUND_TRIPS_MS, otherMs: OTHER_ROUND_TRIP_MS };
/** The round trips that are absent are 0. */
export const NO_ROUND_TRIPS: typeof DEFAULT_ROUND_TRIPS = { known: {}, otherMs: 0 };

export const SLOTS = 16_384;
/** As CLUSTER NODES prints them. */
export const ALL_SLOTS = `0-${SLOTS - 1}`;
/** Per primary. A region has at most this many nodes plus its primary. */
export const MOST_REPLICAS = 19;

export const DEFAULT_TOPOLOGY: TopologyOptions = {
  regions: DEFAULT_REGIONS,
  replicas: 1,
  roundTripMs: {},
  jitterMs: 0,
  persistence: 'none',
  nodeTimeoutMs: 2_000,
};

/** Whether its nodes run in cluster mode. */
export function isInCluster({ kind }: Pick<Topology, 'kind'>): boolean {
  return kind === 'cluster';
}

/** Plans one primary per region, with its replicas in the following regions, or one for all. Throws INVALID_OPTION. */
export function planTopology(options: TopologyOptions): Topology {
  const { kind = 'cluster', regions, replicas } = options;
  checkRegions(regions, MOST_SIMULATED_REGIONS);
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MOST_REPLICAS) {
    throw invalidOption(`replicas must be a whole number from 0 to ${MOST_REPLICAS}; found ${replicas}`);
  }
  const roundTripMs = planRoundTrips(options);
  if (options.apart && replicas > 0)
    throw invalidOption(`separate regions have no replicas; found ${replicas}`);
  checkKind(options);
  const longest = Math.max(0, ...Object.values(roundTripMs)) + options.jitterMs;
  if (options.nodeTimeoutMs < 2 * longest) {
    throw invalidOption(
      `the node timeout must be at least twice the longest round trip of ${longest} ms; found ${options.nodeTimeoutMs} ms`,
    );
  }
  const clustered = () => (options.apart ? regions.map(nodeOfRegion) : planNodes(regions, replicas));
  return {
    kind,
    regions,
    ...(kind === 'cluster' ? { nodes: clustered(), sentinels: [] } : planOnePrimary({ ...options, kind })),
    ...(options.apart && { apart: true }),
    ...minReplicasOf(options),
    roundTripMs,
    jitterMs: options.jitterMs,
    persistence: options.persistence,
    nodeTimeoutMs: options.nodeTimeoutMs,
  };
}

/** The options that plan this topology, with every round trip listed; of regions apart those of one cluster. */
export function optionsOf(topology: Topology): TopologyOptions {
  const { kind, regions, roundTripMs: trips, jitterMs, persistence, nodeTimeoutMs } = topology;
  return {
    ...(kind !== 'cluster' && { kind }),
    ...{
      regions,
      replicas: replicasOption(topology),
      roundTripMs: trips,
      jitterMs,
      persistence,
      nodeTimeoutMs,
    },
    ...minReplicasOf(topology),
  };
}

/** The option `replicas` that plans this topology. */
export function replicasOption({
  kind,
  regions,
  nodes,
}: Pick<Topology, 'kind' | 'regions' | 'nodes'>): number {
  if (kind === 'cluster') return nodes.length / regions.length - 1;
  return (nodes.length - 1) / Math.max(1, regions.length - 1);
}

/** How many replicas each primary has. */
export function replicasOfPrimary({
  kind,
  regions,
  replicas,
}: Pick<TopologyOptions, 'kind' | 'regions' | 'replicas'>): number {
  return kind === 'sentinel' ? replicas * Math.max(1, regions.length - 1) : replicas;
}

/** The default of `replicas`. */
export function defaultReplicas(kind: Kind | undefined): number {
  return kind === 'single' ? 0 : DEFAULT_TOPOLOGY.replicas;
}

type MinReplicas = Pick<TopologyOptions, 'minReplicasToWrite' | 'minReplicasMaxLagMs'>;

function minReplicasOf({ minReplicasToWrite, minReplicasMaxLagMs }: MinReplicas): MinReplicas {
  return given({ minReplicasToWrite, minReplicasMaxLagMs });
}

function checkKind(options: TopologyOptions): void {
  const { kind, apart, replicas, minReplicasToWrite = 0, minReplicasMaxLagMs } = options;
  if (kind !== undefined && apart)
    throw invalidOption(
      `topology ${kind} has one primary for all regions, and this strategy needs a primary in each`,
      'use topology cluster for active-active',
    );
  if (kind === 'single' && replicas > 0)
    throw invalidOption(`a single server has no replicas; found ${replicas}`, 'use topology sentinel');
  const most = replicasOfPrimary(options);
  if (minReplicasToWrite > 0 && most === 0)
    throw invalidOption(
      `a primary of this topology has no replicas; found minReplicasToWrite ${minReplicasToWrite}`,
      'leave minReplicasToWrite out, or add replicas',
    );
  if (!Number.isInteger(minReplicasToWrite) || minReplicasToWrite < 0 || minReplicasToWrite > most)
    throw invalidOption(
      `minReplicasToWrite must be 0 to ${most}, the replicas of a primary; found ${minReplicasToWrite}`,
    );
  if (minReplicasMaxLagMs === undefined) return;
  if (minReplicasToWrite === 0)
    throw invalidOption('minReplicasMaxLag needs minReplicasToWrite', 'set minReplicasToWrite: 1');
  if (minReplicasMaxLagMs % 1_000 !== 0 || minReplicasMaxLagMs < 1_000)
    throw invalidOption(
      `minReplicasMaxLag must be whole seconds, at least 1s; found ${minReplicasMaxLagMs} ms`,
    );
}

/** The nodes and the Sentinels. */
export function everyServer({ nodes, sentinels }: Pick<Topology, 'nodes' | 'sentinels'>): PlannedNode[] {
  return [...nodes, ...sentinels];
}

/** Every ordered pair of different regions. */
export function regionPairs(regions: readonly string[]): RegionPair[] {
  return regions.flatMap((from) => regions.filter((to) => to !== from).map((to) => ({ from, to })));
}

/** Round trip in milliseconds between two regions; 0 within one region. */
export function roundTripMs(
  { roundTripMs: matrix }: Pick<Topology, 'roundTripMs'>,
  { from, to }: RegionPair,
): number {
  return from === to ? 0 : (matrix[`${from}:${to}`] ?? matrix[`${to}:${from}`] ?? 0);
}

/** One-way delay in whole milliseconds. An odd millisecond goes to the direction from the region listed first. */
export function oneWayMs(topology: Pick<Topology, 'regions' | 'roundTripMs'>, pair: RegionPair): number {
  const half = Math.round(roundTripMs(topology, pair)) / 2;
  const isForward = topology.regions.indexOf(pair.from) < topology.regions.indexOf(pair.to);
  return isForward ? Math.ceil(half) : Math.floor(half);
}

/** A one-node cluster that serves every slot. */
function nodeOfRegion(region: string): PlannedNode {
  return { name: `${region}-0`, region, index: 0, slots: [0, SLOTS - 1] };
}

function planNodes(regions: readonly string[], replicas: number): PlannedNode[] {
  const primaries = regions.map((region, i): PlannedNode => {
    const first = Math.ceil((i * SLOTS) / regions.length);
    const last = Math.ceil(((i + 1) * SLOTS) / regions.length) - 1;
    return { name: `${region}-0`, region, index: 0, slots: [first, last] };
  });
  const taken = new Map(regions.map((region) => [region, 1]));
  const copies = Array.from({ length: replicas }, (_, copy) =>
    primaries.map(({ name }, i): PlannedNode => {
      const region = replicaRegion(regions, i, copy);
      const index = taken.get(region) ?? 0;
      taken.set(region, index + 1);
      return { name: `${region}-${index}`, region, index, replicaOf: name };
    }),
  );
  return [...primaries, ...copies.flat()];
}

/** The regions after the primary's region in turn; the primary's own region only if there is no other. */
function replicaRegion(regions: readonly string[], home: number, copy: number): string {
  const others = regions.length - 1;
  const step = others === 0 ? 0 : 1 + (copy % others);
  return regions[(home + step) % regions.length] ?? '';
}

/** Round trip in milliseconds of every pair: the given, else the known, else the other default. Throws INVALID_OPTION. */
export function planRoundTrips(
  { regions, roundTripMs: given }: Pick<TopologyOptions, 'regions' | 'roundTripMs'>,
  { defaults = DEFAULT_ROUND_TRIPS } = {},
): Record<string, number> {
  for (const pair of Object.keys(given)) {
    const [a = '', b = '', more] = pair.split(':');
    if (a === b || more !== undefined || !regions.includes(a) || !regions.includes(b)) {
      throw invalidOption(`a round trip must be a:b, with two of ${regions.join(', ')}; found ${pair}`);
    }
  }
  const matrix: Record<string, number> = {};
  for (const [i, a] of regions.entries()) {
    for (const b of regions.slice(i + 1)) {
      const [there, back] = [`${a}:${b}`, `${b}:${a}`];
      const ms =
        given[there] ?? given[back] ?? defaults.known[there] ?? defaults.known[back] ?? defaults.otherMs;
      if (!Number.isFinite(ms) || ms < 0 || ms > 10_000)
        throw invalidOption(`a round trip must be from 0 to 10000 ms; found ${ms}`);
      matrix[there] = ms;
    }
  }
  return matrix;
}
