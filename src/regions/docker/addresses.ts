import { everyServer, type PlannedNode, type Topology } from '../../topology/topology.ts';
import { plannedNode } from '../provider.ts';

/**
 * The addresses inside a region's namespace. Node k of region i has 127.77.<i + 1>.<k + 1>, a local address in every
 * namespace: the node listens on it in its own region, and the Toxiproxy listens on it in every other region.
 * Nodes of one region also differ in their ports, since other regions reach all of them at one container address.
 */
const FIRST_NODE_PORT = 6379;
const BUS_OFFSET = 10_000;
const FIRST_DOOR = 20_000;

export const API_PORT = 8474;
export const GATEWAY_PORT = 8080;
/** Of the first Rating service of a region; others follow. On loopback, which a service with a changeable clock requires. */
export const RATING_PORT = 8090;

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
  readonly busPort: number;
}

export function nodeAddress({ regions }: Pick<Topology, 'regions'>, node: PlannedNode): NodeAddress {
  const port = FIRST_NODE_PORT + node.index;
  const host = `127.77.${regions.indexOf(node.region) + 1}.${node.index + 1}`;
  return { host, port, busPort: port + BUS_OFFSET };
}

/**
 * The port through which this machine reaches a node of another region like a client in this region: through the
 * region's Toxiproxy.
 */
export function doorPort(topology: Pick<Topology, 'nodes' | 'sentinels'>, node: PlannedNode): number {
  return FIRST_DOOR + everyServer(topology).indexOf(plannedNode(topology, node.name));
}

/** The name of the container that owns a region's namespace, and its host name for the other regions. */
export function regionHost(region: string): string {
  return `region-${region}`;
}

/** The path of a node's data in the container of its region; the node itself has it in /data. */
export function storageIn(node: string): string {
  return `/nodes/${node}`;
}

/** The Compose service of a region's Toxiproxy. */
export function toxiproxyService(region: string): string {
  return `toxiproxy-${region}`;
}
