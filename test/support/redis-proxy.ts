import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What happens to a connection between a client and a server. */
export type ProxyMode =
  | 'pass'
  | 'swallow-replies'
  | 'cut-before-reply'
  | 'hold-replies'
  | 'hold-requests'
  | 'cut-before-request';

/**
 * A TCP proxy that can lose replies: the server gets every request and runs it, but for `cut-before-request`. Requests
 * that are held reach it when they are released, also where their client has gone by then; replies to earlier ones pass.
 */
export interface RedisProxy {
  readonly port: number;
  mode: ProxyMode;
  /** The port of the server that later connections reach. */
  serverPort: number;
  /** Passes on the requests that were held. */
  releaseRequests(): void;
  /** Passes on the replies that were held. */
  release(): void;
  /** Passes on one byte of them, if any is held: the connection is slow, and not dead. */
  releaseByte(): boolean;
  /** Writes to every client what no server said. */
  inject(text: string): void;
  /** Destroys the connections of clients; requests that are held still reach the server when they are released. */
  cutClients(): void;
  /** Destroys every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startRedisProxy(serverPort: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const heldRequests: { upstream: Socket; request: Buffer }[] = [];
  const held: { client: Socket; reply: Buffer }[] = [];
  const proxy: Pick<RedisProxy, 'mode' | 'serverPort'> = { mode: 'pass', serverPort };
  const server = createServer((client) => {
    const upstream = connect(proxy.serverPort, '127.0.0.1');
    clients.add(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        clients.delete(client);
        client.destroy();
        if (!heldRequests.some((one) => one.upstream === upstream)) upstream.destroy();
      });
    }
    client.on('data', (request) => {
      if (proxy.mode === 'cut-before-request') client.destroy();
      else if (proxy.mode === 'hold-requests') heldRequests.push({ upstream, request });
      else upstream.write(request);
    });
    upstream.on('data', (reply) => {
      if (proxy.mode === 'pass' || proxy.mode === 'hold-requests') client.write(reply);
      if (proxy.mode === 'hold-replies') held.push({ client, reply });
      if (proxy.mode === 'cut-before-reply') client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    releaseRequests: () => {
      for (const { upstream, request } of heldRequests.splice(0)) upstream.write(request);
    },
    release: () => {
      for (const { client, reply } of held.splice(0)) client.write(reply);
    },
    releaseByte: () => {
      const [first] = held;
      if (first === undefined) return false;
      first.client.write(first.reply.subarray(0, 1));
      first.reply = first.reply.subarray(1);
      return true;
    },
    inject: (text: string) => {
      for (const client of clients) client.write(text);
    },
    cutClients: () => {
      for (const client of clients) client.destroy();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}
