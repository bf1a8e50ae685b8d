import { createServer, type Server } from 'node:net';
import { environmentFailed } from '../../core/errors.ts';
import { everyServer, type Topology } from '../../topology/topology.ts';
import { API_PORT, apiAddress, type LocalAddresses, nodePorts } from './addresses.ts';

const OCTETS = { first: 77, last: 126 };

/** Below the ephemeral ports, so that no outgoing connection takes them. Four ports are used from each base. */
const PORTS = [7_100, 7_200, 7_300, 17_100, 17_200, 27_100];

/** Errors of this process and not of an address: no other address would do. */
const SCARCE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

export interface Claim {
  readonly addresses: LocalAddresses;
  /** Call it once everything listens, or once the start has failed. */
  release(): void;
}

/**
 * Finds an octet that no other cluster uses and free ports, and reserves them until `release`. The first base port is
 * tried on every octet before the next base port. A used first port can mean a cluster of another state folder whose
 * Toxiproxy has died, so its API address alone looks free. Throws ENVIRONMENT_FAILED.
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
  throw environmentFailed(
    `no free loopback addresses: ${[...reasons].slice(0, 3).join('; ')}`,
    'end clusters you no longer need: openclaw-rl down --all',
  );
}

/** Listens on an address that no region uses: a lock that one program holds, and that ends with it. */
async function holdOctet(octet: number): Promise<Server | string> {
  return new Promise((resolve, reject) => {
    const host = `127.${octet}.0.1`;
    const server = createServer((socket) => socket.destroy()).unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      SCARCE.has(error.code ?? '') ? reject(error) : resolve(`${host}:${API_PORT} ${error.code}`),
    );
    server.listen(API_PORT, host, () => resolve(server));
  });
}

/** The first address of a plan that is not free, with the system's error code. */
async function findConflict(addresses: LocalAddresses, topology: Topology): Promise<string | undefined> {
  const wanted = [
    ...topology.regions.flatMap((region) =>
      (['nodes', 'clients'] as const).map(
        (of) => [apiAddress(addresses, topology, { region, of }), API_PORT] as const,
      ),
    ),
    ...everyServer(topology).flatMap((node) => {
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

/** The system's error code for listening on this address; undefined if it is free. */
async function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      SCARCE.has(error.code ?? '') ? reject(error) : resolve(error.code),
    );
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
