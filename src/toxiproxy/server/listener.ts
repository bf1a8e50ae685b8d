import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Address, boundForm, formatAddress, isEveryAddress, resolveAddress } from './address.ts';
import { ApiError } from './api-error.ts';

/** Receives an accepted connection, which is still paused. */
export type Accept = (client: Socket) => void;

/** The source of one proxy's connections. */
export interface Listener {
  /** Passes connections to `accept`. Returns the bound address and port. Throws an ApiError if it cannot listen. */
  open(listen: string, accept: Accept): Promise<string>;
  /** Stops accepting connections. */
  shut(listen: string): void;
  /** The proxy is removed, or listens elsewhere. */
  leave(): void;
}

/** A listener for one proxy only. */
export class OwnListener implements Listener {
  #server: Server | undefined;

  async open(listen: string, accept: Accept): Promise<string> {
    this.#server = await listenOn(listen, accept);
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

/** An address that is valid and cannot be listened on. */
export class ListenError extends ApiError {
  constructor(address: string, reason: string) {
    super(500, `listen tcp ${address}: bind: ${reason}`);
  }
}

export const IN_USE = 'address already in use';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: IN_USE,
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

/** On both sides of a proxy. The keep-alive ends connections whose peer has vanished without a FIN, as in Go. */
export const SOCKET = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 } as const;

/** Large enough for all clients of a run that connect at the same moment. */
const BACKLOG = 4_096;

/** Throws an ApiError in Go's words. */
export async function listenOn(listen: string, accept: Accept): Promise<Server> {
  const address = await resolveListen(listen);
  const server = createServer({ ...SOCKET, allowHalfOpen: true, pauseOnConnect: true }, accept);
  const { host, port } = address;
  try {
    // Without a host, Node.js listens on every address: of IPv6 and IPv4, or of IPv4 where there is no IPv6.
    server.listen({ ...(isEveryAddress(host) ? {} : { host }), port, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new ListenError(formatAddress(address), REASONS[code] ?? code);
  }
  server.on('error', () => {}); // a client could not be accepted for lack of file descriptors; others are unaffected
  return server;
}

/** Resolves an address to listen on. Throws an ApiError in Go's words. */
export async function resolveListen(listen: string): Promise<Address> {
  try {
    return await resolveAddress(listen);
  } catch (error) {
    throw error instanceof ApiError ? new ApiError(error.status, `listen tcp: ${error.message}`) : error;
  }
}

export function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return boundForm({ host: address, port });
}
