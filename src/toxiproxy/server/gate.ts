import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Address, formatAddress, resolveAddress } from './address.ts';
import { ApiError } from './api-error.ts';

/** Takes a connection that was just accepted, still paused. */
export type Accept = (client: Socket) => void;

/** Where one proxy gets its connections from. */
export interface Gate {
  /** Hands connections to `accept`. Gives the real address, port and all. Throws an ApiError when it cannot. */
  open(listen: string, accept: Accept): Promise<string>;
  /** Refuses connections from now on. */
  shut(listen: string): void;
  /** The proxy is gone, or goes elsewhere. */
  leave(): void;
}

/** A listener of the proxy's own. */
export class OwnGate implements Gate {
  #server: Server | undefined;

  async open(listen: string, accept: Accept): Promise<string> {
    this.#server = await listenOn(await resolveAddress(listen), accept);
    return addressOf(this.#server);
  }

  shut(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  leave(): void {
    this.shut();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

/** Room for every client of a run that connects in the same moment. */
const BACKLOG = 4_096;

/** Throws an ApiError in Go's words. */
export async function listenOn(address: Address, accept: Accept): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept);
  try {
    server.listen({ ...address, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new ApiError(500, `listen tcp ${formatAddress(address)}: bind: ${REASONS[code] ?? code}`);
  }
  server.on('error', () => {}); // a client that could not be accepted, for want of descriptors: it is its loss alone
  return server;
}

export function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return formatAddress({ host: address, port });
}
