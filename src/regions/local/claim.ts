import { createServer } from 'node:net';
import { OpenclawError } from '../../core/errors.ts';
import type { Topology } from '../topology.ts';
import { API_PORT, apiAddress, type LocalAddresses, nodePorts } from './addresses.ts';

const OCTETS = { first: 77, last: 126 };

/** Below the ephemeral ports, so that no outgoing connection takes them; four are used from each. */
const PORTS = [7_100, 7_200, 7_300, 17_100, 17_200, 27_100];

/** Finds an octet that no other cluster has and ports that nobody listens on. Throws ENVIRONMENT_FAILED. */
export async function claimAddresses(
  topology: Topology,
  takenOctets: readonly number[],
): Promise<LocalAddresses> {
  const reasons = new Set<string>();
  for (let octet = OCTETS.first; octet <= OCTETS.last; octet++) {
    if (takenOctets.includes(octet)) continue;
    for (const port of PORTS) {
      const reason = await findConflict({ octet, port }, topology);
      if (reason === undefined) return { octet, port };
      reasons.add(reason);
      if (!reason.includes('EADDRINUSE')) break;
    }
    if (reasons.size > 20) break;
  }
  throw new OpenclawError(
    'ENVIRONMENT_FAILED',
    `no free loopback addresses: ${[...reasons].slice(0, 3).join('; ')}`,
    {
      hint: 'end clusters you no longer need: openclaw-rl down --all',
    },
  );
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
  const failures = await Promise.all(wanted.map(([host, port]) => tryListen(host, port)));
  return failures.find((failure) => failure !== undefined);
}

async function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(`${host}:${port} ${error.code}`));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
