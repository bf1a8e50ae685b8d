import { type Exchange, exchange } from '../../regions/network/exchange.ts';
import { type Endpoint, type Login, nodesOf, reachedFrom } from '../../regions/provider.ts';
import { type RegionPair, roundTripMs } from '../../topology/topology.ts';
import { ask } from '../support/ask.ts';
import type { FaultContext } from '../support/fault.ts';
import type { Sight } from './probe.ts';

type Regions = FaultContext['regions'];

/** How much longer than its round trip a PING may take on a busy machine. */
const PATIENCE_MS = 1_000;
/** TLS 1.2 needs two, TLS 1.3 one. */
const TLS_TRIPS = 2;

/** One way from a region to a node of another. */
export interface Way extends RegionPair {
  /** The node's name, and where a client of `from` reaches it. */
  readonly node: string;
  readonly target: Endpoint & Login;
  readonly localAddress?: string;
  /** How many round trips TLS and the login take, before a command. */
  readonly loginTrips: number;
  /** Of the connection, the login and a command, as planned. */
  readonly tripsMs: number;
  /** How long a reply is awaited. */
  readonly patienceMs: number;
}

/** The ways of these pairs, or why one of them cannot be looked at: without it, its part of a fault is not proved. */
export async function waysOf(regions: Regions, pairs: readonly RegionPair[]): Promise<Way[] | Sight> {
  const found = await Promise.all(pairs.map((pair) => wayOf(regions, pair)));
  return found.find((way) => 'saw' in way) ?? (found as Way[]);
}

/** The pairs that lead to a region with nodes: with one server for all regions, no other has one that could answer. */
export function askable(pairs: readonly RegionPair[], { topology }: Regions): readonly RegionPair[] {
  return pairs.filter(({ to }) => nodesOf(topology, to).length > 0);
}

/** The ways of those pairs that can be asked. Without any, why the fault cannot be seen. */
export function waysToNodes(regions: Regions, pairs: readonly RegionPair[]): Promise<Way[] | Sight> {
  const leading = askable(pairs, regions);
  return waysOf(regions, leading.length === 0 ? pairs : leading);
}

/** The way to the first node of `to` that answers past every fault. */
async function wayOf(regions: Regions, { from, to }: RegionPair): Promise<Way | Sight> {
  const { topology } = regions;
  const view = regions.view(from);
  for (const { name } of nodesOf(topology, to)) {
    const direct = regions.direct(name);
    const loginTrips = (direct.tls === undefined ? 0 : TLS_TRIPS) + (direct.password === undefined ? 0 : 1);
    const withinMs = (1 + loginTrips) * PATIENCE_MS;
    const { isAnswered } = await exchange(['PING'], { to: direct, withinMs });
    if (!isAnswered) continue;
    const reached = reachedFrom(view, regions.announced(name));
    const proxied = await regions.links.proxied?.(from, name);
    if (proxied !== undefined && !isSame(proxied, reached))
      return {
        bit: false,
        saw: `clients reach ${name} at another address than that of the Toxiproxy of ${from}`,
      };
    const tls = direct.tls && { tls: { servername: direct.host, ...direct.tls } };
    const { localAddress } = view;
    const tripsMs = (2 + loginTrips) * roundTripMs(topology, { from, to });
    return {
      ...{ from, to, node: name, target: { ...direct, ...reached, ...tls } },
      ...(localAddress !== undefined && { localAddress }),
      ...{ loginTrips, tripsMs, patienceMs: tripsMs + PATIENCE_MS },
    };
  }
  return { bit: false, saw: `no node of ${to} answered before the fault` };
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}

/** Sends one command this way. */
export function send(
  { target, localAddress, patienceMs }: Way,
  command: readonly string[],
  withinMs = patienceMs,
): Promise<Exchange> {
  return exchange(command, {
    to: target,
    withinMs,
    ...(localAddress !== undefined && { from: localAddress }),
  });
}

/** Sends one command each way at once; each is awaited for `beyondMs` more than its round trips. */
export function sendAll(ways: readonly Way[], command: readonly string[], beyondMs = PATIENCE_MS) {
  return Promise.all(
    ways.map(async (way) => ({ way, ...(await send(way, command, way.tripsMs + beyondMs)) })),
  );
}

export const nameOf = ({ from, to }: RegionPair) => `${from} to ${to}`;

/** The number of ECHOs that a node has got, asked past every fault; few clients send any. */
export async function echoesOf(node: string, regions: Regions): Promise<number> {
  const stats = await ask(node, regions, (client) => client.info('commandstats'));
  return Number(/^cmdstat_echo:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}
