import { plannedNode } from '../provider.ts';
import type { PlannedNode, Topology } from '../topology.ts';

/**
 * Where everything listens inside a region's namespace. Node k of region i has 127.77.<i + 1>.<k + 1>, which every
 * namespace has for itself: where the node is at home, the node listens there; elsewhere, the region's Toxiproxy.
 * Nodes of a region differ in their ports too, since from abroad all are reached at the one address of its container.
 */
const FIRST_NODE_PORT = 6379;
const BUS_OFFSET = 10_000;
const FIRST_DOOR = 20_000;

export const API_PORT = 8474;
export const GATEWAY_PORT = 8080;
/** On loopback, as a service whose clock may be changed must be. */
export const RATING_PORT = 8081;
export const RATING_DOOR = 8082;

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
 * A port that leads to a node of another region as a client in this region would go: through its Toxiproxy. Published,
 * it gives this machine the region's view.
 */
export function doorPort({ nodes }: Pick<Topology, 'nodes'>, node: PlannedNode): number {
  return FIRST_DOOR + nodes.indexOf(plannedNode({ nodes }, node.name));
}

/** The name of the container that owns a region's namespace, and of its address between the regions. */
export function regionHost(region: string): string {
  return `region-${region}`;
}

/** Where the container of its region has what a node stores, which the node itself has in /data. */
export function storageIn(node: string): string {
  return `/nodes/${node}`;
}

/** The service of a Compose file that is the Toxiproxy of a region. */
export function toxiproxyService(region: string): string {
  return `toxiproxy-${region}`;
}

export function nodesOf({ nodes }: Pick<Topology, 'nodes'>, region: string): PlannedNode[] {
  return nodes.filter((node) => node.region === region);
}

export function nodesAbroad({ nodes }: Pick<Topology, 'nodes'>, region: string): PlannedNode[] {
  return nodes.filter((node) => node.region !== region);
}
