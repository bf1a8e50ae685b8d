import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { environmentFailed } from '../../core/errors.ts';

/** Any address of the regions' network; a region uses it with other ports. */
const HOST = '127.77.1.250';
const ANSWER_MS = 2_000;

export const LOOPBACK_UP = 'ip link set lo up';

/**
 * Connects to itself on an address of the regions' network; gives the error if that fails. While `lo` is down,
 * listening succeeds and only connecting fails.
 */
export async function findLoopbackProblem(): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    await once(server.listen(0, HOST), 'listening');
    const client = connect((server.address() as AddressInfo).port, HOST);
    await once(client, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) }).finally(() => client.destroy());
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  } finally {
    server.close();
  }
}

/** Throws ENVIRONMENT_FAILED if regions cannot reach each other on this machine. */
export async function checkLoopback(): Promise<void> {
  const problem = await findLoopbackProblem();
  if (problem === undefined) return;
  throw environmentFailed(loopbackLack(problem), LOOPBACK_UP, problem);
}

export function loopbackLack({ syscall, code, message }: NodeJS.ErrnoException): string {
  const why = syscall === undefined ? message : `${syscall} ${code}`;
  return `the loopback network 127.77.0.0/16 does not work: ${why}`;
}
