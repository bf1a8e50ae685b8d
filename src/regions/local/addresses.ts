import type { PlannedNode, Topology } from '../topology.ts';

/**
 * Where everything of one local cluster listens. Node k of region i has the loopback address
 * 127.<octet>.<i + 1>.<k + 1>; all nodes share four ports, since their addresses differ. Clients of a region
 * connect from 127.<octet>.<i + 1>.200; its Toxiproxy API listens on 127.<octet>.<i + 1>.250.
 */
export interface LocalAddresses {
  /** The second octet: two clusters on one machine differ in it. */
  readonly octet: number;
  readonly port: number;
}

const CLIENT_HOST = 200;
const API_HOST = 250;
export const API_PORT = 8474;

export interface NodePorts {
  readonly host: string;
  /** Announced, and listened on by the embedded Toxiproxy. */
  readonly port: number;
  readonly busPort: number;
  /** Where the server really listens. */
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

/** The address that places a client in a region. */
export function clientAddress({ octet }: LocalAddresses, topology: Topology, region: string): string {
  return `127.${octet}.${regionNumber(topology, region)}.${CLIENT_HOST}`;
}

export function apiAddress({ octet }: LocalAddresses, topology: Topology, region: string): string {
  return `127.${octet}.${regionNumber(topology, region)}.${API_HOST}`;
}

/** Where a region's Toxiproxy is controlled. */
export function apiUrl(addresses: LocalAddresses, topology: Topology, region: string): string {
  return `http://${apiAddress(addresses, topology, region)}:${API_PORT}`;
}

/** What every source address of a region begins with. */
export function regionSources({ octet }: LocalAddresses, topology: Topology, region: string): string {
  return `127.${octet}.${regionNumber(topology, region)}.`;
}

function regionNumber({ regions }: Topology, region: string): number {
  return regions.indexOf(region) + 1;
}
