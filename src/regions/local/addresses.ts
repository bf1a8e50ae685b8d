import type { Endpoint } from '../../topology/endpoints.ts';
import type { PlannedNode, Topology } from '../../topology/topology.ts';

/**
 * The addresses of one local cluster. Node k of region i has the loopback address 127.<octet>.<i + 1>.<k + 1>; all
 * nodes use the same four ports. Clients of a region connect from 127.<octet>.<i + 1>.200; its Toxiproxy API listens
 * on 127.<octet>.<i + 1>.250, and on .251 that of the Toxiproxy that its clients pass.
 */
export interface LocalAddresses {
  /** The second octet, unique per cluster on a machine. */
  readonly octet: number;
  readonly port: number;
}

const CLIENT_HOST = 200;
const API_HOST = 250;
const CLIENTS_API_HOST = 251;
export const API_PORT = 8474;

export interface NodePorts {
  readonly host: string;
  /** Announced; the embedded Toxiproxy listens on it. */
  readonly port: number;
  readonly busPort: number;
  /** The port on which the server listens. */
  readonly privatePort: number;
  readonly privateBusPort: number;
}

export function nodePorts({ octet, port }: LocalAddresses, topology: Topology, node: PlannedNode): NodePorts {
  return {
    host: `127.${octet}.${regionNumber(topology, node.region)}.${node.index + 1}`,
    port,
    busPort: port + 1,
    privatePort: port + 2,
    privateBusPort: port + 3,
  };
}

/** Where other servers and clients reach a node or Sentinel. */
export function announcedOf(addresses: LocalAddresses, topology: Topology, node: PlannedNode): Endpoint {
  const { host, port } = nodePorts(addresses, topology, node);
  return { host, port };
}

/** The source address that places a client in a region. */
export function clientAddress({ octet }: LocalAddresses, topology: Topology, region: string): string {
  return `127.${octet}.${regionNumber(topology, region)}.${CLIENT_HOST}`;
}

/** Which Toxiproxy of a region: that of its nodes, or that of its clients. */
export type Passing = 'nodes' | 'clients';

export function apiAddress(
  { octet }: LocalAddresses,
  topology: Topology,
  { region, of }: { readonly region: string; readonly of: Passing },
): string {
  return `127.${octet}.${regionNumber(topology, region)}.${of === 'nodes' ? API_HOST : CLIENTS_API_HOST}`;
}

/** The URL of a Toxiproxy API. */
export function apiUrl(
  addresses: LocalAddresses,
  topology: Topology,
  which: { readonly region: string; readonly of: Passing },
): string {
  return `http://${apiAddress(addresses, topology, which)}:${API_PORT}`;
}

/** The prefix of every source address of a region. */
export function regionSources({ octet }: LocalAddresses, topology: Topology, region: string): string {
  return `127.${octet}.${regionNumber(topology, region)}.`;
}

function regionNumber({ regions }: Topology, region: string): number {
  return regions.indexOf(region) + 1;
}
