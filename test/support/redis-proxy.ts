import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What happens to a connection between a client and a server. */
export type ProxyMode = 'pass' | 'swallow-replies' | 'cut-before-reply' | 'hold-replies';

/** A TCP proxy that can lose replies: the server gets every request and runs it. */
export interface RedisProxy {
  readonly port: number;
  mode: ProxyMode;
  /** Passes on the replies that were held. */
  release(): void;
  /** Destroys every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startRedisProxy(serverPort: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const proxy: { mode: ProxyMode } = { mode: 'pass' };
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (reply) => {
      if (proxy.mode === 'pass') client.write(reply);
      if (proxy.mode === 'hold-replies') held.push(() => client.write(reply));
      if (proxy.mode === 'cut-before-reply') client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    release: () => {
      for (const write of held.splice(0)) write();
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
