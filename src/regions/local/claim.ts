import { createServer, type Server } from 'node:net';
import { OpenclawError } from '../../core/errors.ts';
import type { Topology } from '../topology.ts';
import { API_PORT, apiAddress, type LocalAddresses, nodePorts } from './addresses.ts';

const OCTETS = { first: 77, last: 126 };

/** Below the ephemeral ports, so that no outgoing connection takes them; four are used from each. */
const PORTS = [7_100, 7_200, 7_300, 17_100, 17_200, 27_100];

export interface Claim {
  readonly addresses: LocalAddresses;
  /** To be called once everything listens, or nothing will. */
  release(): void;
}

/**
 * Finds an octet that no other cluster has and ports that nobody listens on, and keeps other programs from
 * finding the same ones before anything listens there. Of an octet the first ports are tried before others of any: where
 * they are in use there may be a cluster of another state folder, whose Toxiproxy's address is free only since that has
 * died. Throws ENVIRONMENT_FAILED.
 */
export async function claimAddresses(topology: Topology, takenOctets: readonly number[]): Promise<Claim> {
  const reasons = new Set<string>();
  for (const port of PORTS) {
    for (let octet = OCTETS.first; octet <= OCTETS.last; octet++) {
      if (takenOctets.includes(octet)) continue;
      const guard = await holdOctet(octet);
      const reason = typeof guard === 'string' ? guard : await findConflict({ octet, port }, topology);
      if (typeof guard !== 'string') {
        if (reason === undefined) return { addresses: { octet, port }, release: () => guard.close() };
        guard.close();
      }
      if (reason !== undefined) reasons.add(reason);
    }
  }
  throw new OpenclawError(
    'ENVIRONMENT_FAILED',
    `no free loopback addresses: ${[...reasons].slice(0, 3).join('; ')}`,
    {
      hint: 'end clusters you no longer need: openclaw-rl down --all',
    },
  );
}

/** Listens on an address that no region has: only one program can at a time, and it ends with the program. */
async function holdOctet(octet: number): Promise<Server | string> {
  return new Promise((resolve) => {
    const host = `127.${octet}.0.1`;
    const server = createServer((socket) => socket.destroy()).unref();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(`${host}:${API_PORT} ${error.code}`));
    server.listen(API_PORT, host, () => resolve(server));
  });
}

/** The first address of a plan that cannot be listened on, and why. */
async function findConflict(addresses: LocalAddresses, topology: Topology): Promise<string | undefined> {
  const wanted = [
    ...topology.regions.map((region) => [apiAddress(addresses, topology, region), API_PORT] as const),
    ...topology.nodes.flatMap((node) => {
      const { host, port, busPort, privatePort, privateBusPort } = nodePorts(addresses, topology, node);
      return [port, busPort, privatePort, privateBusPort].map((each) => [host, each] as const);
    }),
  ];
  const failures = await Promise.all(
    wanted.map(async ([host, port]) => {
      const code = await tryListen(host, port);
      return code === undefined ? undefined : `${host}:${port} ${code}`;
    }),
  );
  return failures.find((failure) => failure !== undefined);
}

/** Why nobody can listen there now: the code of the system's error; undefined when somebody can. */
export async function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
