import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { FollowingConnector } from '../../src/limiter/redis/ioredis/sentinel-connector.ts';

interface Hooks {
  connectToSentinel(sentinel: { host: string; port: number }, options?: object): Redis;
}

it('subscribes again to a Sentinel after a lost connection, and may be closed while it does', async () => {
  const seen: string[] = [];
  // Vitest fails if a rejection has no handler.
  const port = await listen((socket, command) => {
    if (/HELLO/.test(command)) socket.write("-ERR unknown command 'HELLO'\r\n");
    else if (!/subscribe/i.test(command)) socket.write('+OK\r\n');
    else {
      seen.push('subscribe');
      if (seen.length > 1) return; // the second stays without an answer
      socket.write('*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n');
      setImmediate(() => socket.destroy());
    }
  });
  const options = { sentinels: [{ host: '127.0.0.1', port }], name: 'primary' };
  const hooks = new FollowingConnector(options) as unknown as Hooks;
  const client = hooks.connectToSentinel(
    { host: '127.0.0.1', port },
    { lazyConnect: true, retryStrategy: () => 10 },
  );
  onTestFinished(() => client.disconnect());
  await client.subscribe('+switch-master').catch(() => {}); // as its failover detector does
  await vi.waitUntil(() => seen.length >= 2, { timeout: 5_000 });
  client.disconnect();
  await once(client, 'end');
  expect(client.status).toBe('end');
});

it('asks no Sentinel for news once it is closed, although its socket to the primary connects', async () => {
  const commands: string[] = [];
  const primary = await listen(() => {});
  const port = await listen((socket, command) => {
    commands.push(command);
    if (/HELLO/.test(command)) socket.write("-ERR unknown command 'HELLO'\r\n");
    else if (/get-master/.test(command)) socket.write(addressReply(primary));
    else socket.write('+OK\r\n');
  });
  const sentinels = [{ host: '127.0.0.1', port }];
  const detector = { failoverDetector: true, sentinelMaxConnections: 1 };
  const options = { sentinels, name: 'primary', disconnectTimeout: 10_000, ...detector };
  const connector = new FollowingConnector(options);
  const stream = await connector.connect(() => {});
  const connects = Promise.all([once(stream, 'connect'), once(stream.resume(), 'close')]);
  connector.disconnect();
  await connects;
  // A subscription would be the next connection: this one comes after it.
  const hooks = new FollowingConnector(options) as unknown as Hooks;
  const later = hooks.connectToSentinel({ host: '127.0.0.1', port });
  onTestFinished(() => later.disconnect());
  await later.ping();
  expect(commands.filter((command) => /subscribe/i.test(command))).toEqual([]);
});

const addressReply = (port: number) => `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`;

async function listen(answer: (socket: Socket, command: string) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const command of data.toString().split(/(?=\*\d+\r\n)/)) answer(socket, command);
    });
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
