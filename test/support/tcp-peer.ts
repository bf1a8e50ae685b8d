import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A socket that remembers what came in, byte for byte, and how it ended. */
export interface Peer {
  readonly socket: Socket;
  readonly received: () => string;
  /** `end`, `error ECONNRESET`, `close`: in the order they came. */
  readonly events: readonly string[];
  /** Waits until the condition holds; fails after 10 s. */
  until(condition: (peer: Peer) => boolean): Promise<void>;
  readonly closed: Promise<void>;
}

function watch(socket: Socket): Peer {
  let text = '';
  const events: string[] = [];
  socket.on('data', (data) => {
    text += data.toString('latin1');
  });
  socket.on('end', () => events.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(`error ${error.code}`));
  socket.on('close', () => events.push('close'));
  const peer: Peer = {
    socket,
    received: () => text,
    events,
    until: (condition) => waitUntil(() => condition(peer)),
    closed: onEvent(socket, 'close'),
  };
  return peer;
}

/** Unlike `once` of node:events this does not mind an error before it. */
async function onEvent(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve());
  });
}

/** Connects, half-open allowed; destroyed when the test ends. */
export async function connectPeer(options: number | NetConnectOpts): Promise<Peer> {
  const where = typeof options === 'number' ? { port: options, host: '127.0.0.1' } : options;
  const socket = connect({ allowHalfOpen: true, noDelay: true, ...where });
  onTestFinished(() => {
    socket.destroy();
  });
  const peer = watch(socket);
  await Promise.race([onEvent(socket, 'connect'), peer.closed]);
  return peer;
}

export interface TcpServer {
  readonly port: number;
  readonly address: string;
  /** Its connections so far, oldest first. */
  readonly peers: readonly Peer[];
}

/** A server that ends with the test; `serve` gets each connection. */
export async function startTcpServer(
  serve: (socket: Socket) => void = () => {},
  { host = '127.0.0.1', port = 0 } = {},
): Promise<TcpServer> {
  const peers: Peer[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    peers.push(watch(socket));
    serve(socket);
  });
  server.listen({ host, port, backlog: 4_096 });
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const { socket } of peers) socket.destroy();
    server.close();
  });
  const { port: realPort } = server.address() as AddressInfo;
  return { port: realPort, address: `${host}:${realPort}`, peers };
}

/** Says back what it hears, and ends when the client does. */
export const echo = (socket: Socket): void => {
  socket.pipe(socket);
};

/** Waits for a condition; fails after `limitMs` with the condition's text. */
export async function waitUntil(condition: () => boolean, limitMs = 10_000): Promise<void> {
  for (const deadline = performance.now() + limitMs; !condition(); ) {
    if (performance.now() > deadline) throw new Error(`not so within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
