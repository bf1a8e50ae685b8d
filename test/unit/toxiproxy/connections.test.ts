import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  connectPeer,
  echo,
  type Peer,
  startTcpServer,
  type TcpServer,
  waitUntil,
} from '../../support/tcp-peer.ts';
import { startTestToxiproxy, type TestToxiproxy } from '../../support/toxiproxy.ts';

interface Scene {
  readonly toxiproxy: TestToxiproxy;
  readonly server: TcpServer;
  readonly port: number;
}

/** A server behind a proxy `p`. */
async function setUp(serve?: (socket: Socket) => void): Promise<Scene> {
  const toxiproxy = await startTestToxiproxy();
  const server = await startTcpServer(serve);
  return { toxiproxy, server, port: await toxiproxy.proxy('p', server.port) };
}

/** A client that has been through to the echo once, so both sides are there. */
async function connected(port: number): Promise<Peer> {
  const client = await connectPeer(port);
  client.socket.write('hello');
  await client.until(({ received }) => received() === 'hello');
  return client;
}

/** Milliseconds from a write to the whole of its echo. */
async function roundTripMs({ socket, received }: Peer): Promise<number> {
  const wanted = received().length + 4;
  const startedMs = performance.now();
  socket.write('ping');
  while (received().length < wanted) await once(socket, 'data');
  return performance.now() - startedMs;
}

describe('a connection', () => {
  it('carries a FIN each way on its own: a client that has ended still hears the answer', async () => {
    const { server, port } = await setUp();
    const client = await connectPeer(port);
    client.socket.end('question');
    await waitUntil(() => server.peers[0]?.events.includes('end') === true);
    expect(server.peers[0]?.received()).toBe('question');
    expect(client.events).toEqual([]);
    server.peers[0]?.socket.end('answer');
    await client.until(({ events }) => events.includes('close'));
    expect([client.received(), client.events]).toEqual(['answer', ['end', 'close']]);
  });

  it('carries a FIN after delayed data, never before it', async () => {
    const { toxiproxy, port } = await setUp((socket) => socket.end('the whole answer'));
    await toxiproxy.toxic('p', { type: 'latency', attributes: { latency: 50 } });
    const startedMs = performance.now();
    const client = await connectPeer(port);
    await client.until(({ events }) => events.includes('end'));
    expect(client.received()).toBe('the whole answer');
    expect(performance.now() - startedMs).toBeGreaterThan(49);
  });

  it('ends with FIN for a client whose upstream refuses', async () => {
    const toxiproxy = await startTestToxiproxy();
    for (const [name, upstream] of [
      ['a', '127.0.0.1:1'], // no test listens on this port
      ['b', 'no address at all'],
    ]) {
      const { json } = await toxiproxy.call('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream });
      const client = await connectPeer(Number((json as { listen: string }).listen.split(':')[1]));
      await client.until(({ events }) => events.includes('end'));
      expect(client.events).toEqual(['end']);
    }
  });

  it('ends for the client when the server fails, after all data of the server', async () => {
    const { server, port } = await setUp((socket) => {
      socket.write('last words');
    });
    const client = await connectPeer(port);
    await client.until(({ received }) => received() === 'last words');
    server.peers[0]?.socket.resetAndDestroy();
    await client.until(({ events }) => events.includes('end'));
    expect(client.events).not.toContain('error ECONNRESET');
  });

  it('ends for the server when the client breaks', async () => {
    const { server, port } = await setUp(echo);
    const client = await connected(port);
    client.socket.resetAndDestroy();
    await waitUntil(() => server.peers[0]?.events.includes('close') === true);
  });
});

describe('a proxy that is disabled or deleted', () => {
  it.each([
    { method: 'POST', body: { enabled: false } },
    { method: 'DELETE', body: undefined },
  ])('ends its connections with FIN and refuses new ones: $method', async ({ method, body }) => {
    const { toxiproxy, server, port } = await setUp(echo);
    const clients = await Promise.all([connected(port), connected(port)]);
    await toxiproxy.call(method, '/proxies/p', body);
    for (const client of clients) {
      await client.until(({ events }) => events.includes('end'));
      expect(client.events).toEqual(['end']);
    }
    await waitUntil(() => server.peers.every(({ events }) => events.includes('end')));
    expect((await connectPeer(port)).events).toEqual(['error ECONNREFUSED', 'close']);
  });

  it('keeps its toxics and its port until it is enabled again', async () => {
    const { toxiproxy, port } = await setUp(echo);
    await toxiproxy.toxic('p', { type: 'limit_data', attributes: { bytes: 3 } });
    await toxiproxy.call('POST', '/proxies/p', { enabled: false });
    await toxiproxy.call('POST', '/proxies/p', { enabled: true });
    const client = await connectPeer(port);
    client.socket.write('hello');
    await client.until(({ events }) => events.includes('end'));
    expect(client.received()).toBe('hel');
  });
});

describe('reset_peer and timeout', () => {
  it.each(['upstream', 'downstream'])('reset a connection opened under it with RST: %s', async (stream) => {
    const { toxiproxy, server, port } = await setUp(echo);
    await toxiproxy.toxic('p', { type: 'reset_peer', stream, attributes: { timeout: 20 } });
    const client = await connectPeer(port);
    client.socket.write('hello');
    await client.until(({ events }) => events.includes('close'));
    expect([client.received(), client.events]).toEqual(['', ['error ECONNRESET', 'close']]);
    await waitUntil(() => server.peers[0]?.events.includes('error ECONNRESET') === true);
  });

  it('close a connection that was there before with FIN', async () => {
    const { toxiproxy, port } = await setUp(echo);
    const client = await connected(port);
    await toxiproxy.toxic('p', { type: 'reset_peer', attributes: { timeout: 20 } });
    client.socket.write('again');
    await client.until(({ events }) => events.includes('end'));
    expect([client.received(), client.events]).toEqual(['hello', ['end']]);
  });

  it('swallow in a black hole, where connecting succeeds, and close what they touched when healed', async () => {
    const { toxiproxy, server, port } = await setUp(echo);
    const before = await connected(port);
    for (const stream of ['upstream', 'downstream']) await toxiproxy.toxic('p', { type: 'timeout', stream });
    const during = await connectPeer(port);
    for (const { socket } of [before, during]) socket.write('lost');
    await waitUntil(() => server.peers.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100)); // nothing may come: there is nothing to wait for
    expect([before, during].map(({ received, events }) => [received(), events])).toEqual([
      ['hello', []],
      ['', []],
    ]);
    for (const stream of ['upstream', 'downstream']) {
      await toxiproxy.call('DELETE', `/proxies/p/toxics/timeout_${stream}`);
    }
    for (const client of [before, during]) await client.until(({ events }) => events.includes('end'));
    expect(server.peers[1]?.received()).toBe('');
    await connected(port);
  });
});

describe('a seed', () => {
  /** Which of 24 connections in a row a toxic of toxicity 0.5 touches. */
  async function touched(seed: number): Promise<string> {
    const toxiproxy = await startTestToxiproxy({ seed });
    const port = await toxiproxy.proxy('p', (await startTcpServer(echo)).port);
    await toxiproxy.toxic('p', { type: 'limit_data', toxicity: 0.5, attributes: { bytes: 1 } });
    let pattern = '';
    for (let number = 0; number < 24; number++) {
      const { socket, until, received } = await connectPeer(port);
      socket.end('ab');
      await until(({ events }) => events.includes('end'));
      pattern += received() === 'a' ? 'x' : '-';
    }
    return pattern;
  }

  it('decides by the number of a connection whether toxicity spares it', async () => {
    const [first, again, other] = [await touched(7), await touched(7), await touched(8)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(first).toMatch(/^(?=.*x)(?=.*-)/);
  });
});

describe('time on real sockets', () => {
  it('adds the latency of each toxic to a round trip: 40, 40 + 40, 40 + 40 + 40 ms', async () => {
    const { toxiproxy, port } = await setUp(echo);
    const client = await connected(port);
    const add = (name: string, stream: string) =>
      toxiproxy.toxic('p', { name, type: 'latency', stream, attributes: { latency: 40 } });
    for (const [name, stream, expectedMs] of [
      ['down', 'downstream', 40],
      ['up', 'upstream', 80],
      ['more', 'downstream', 120],
    ] as const) {
      await add(name, stream);
      const times: number[] = [];
      for (let round = 0; round < 7; round++) times.push(await roundTripMs(client));
      expect(Math.min(...times)).toBeGreaterThanOrEqual(expectedMs - 0.1);
      expect(Math.min(...times)).toBeLessThan(expectedMs + 40); // less than one more would add
    }
  });

  it('does not let delays accumulate: 50 requests sent at once come back together', async () => {
    const { toxiproxy, port } = await setUp(echo);
    await toxiproxy.toxic('p', { type: 'latency', attributes: { latency: 100 } });
    const client = await connectPeer(port);
    const startedMs = performance.now();
    for (let index = 0; index < 50; index++) client.socket.write('request.');
    await client.until(({ received }) => received().length === 400);
    expect(performance.now() - startedMs).toBeGreaterThan(99);
    expect(performance.now() - startedMs).toBeLessThan(2_500); // half of what they would take in turn
  });

  it('takes 2,000 ms for 200,000 bytes at a rate of 100', async () => {
    const { toxiproxy, port } = await setUp((socket) => socket.end(Buffer.alloc(200_000)));
    await toxiproxy.toxic('p', { type: 'bandwidth', attributes: { rate: 100 } });
    const startedMs = performance.now();
    const client = await connectPeer(port);
    await client.until(({ events }) => events.includes('end'));
    expect(client.received().length).toBe(200_000);
    expect(performance.now() - startedMs).toBeGreaterThan(1_990);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });

  it('holds back a close for 500 ms', async () => {
    const { toxiproxy, port } = await setUp((socket) => socket.end('bye'));
    await toxiproxy.toxic('p', { type: 'slow_close', attributes: { delay: 500 } });
    const startedMs = performance.now();
    const client = await connectPeer(port);
    await client.until(({ received }) => received() === 'bye');
    await client.until(({ events }) => events.includes('end'));
    expect(performance.now() - startedMs).toBeGreaterThan(499);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe('a reader that has stalled', () => {
  const MEBIBYTES = 32;

  /** A client that reads nothing while the server sends all it can; `pump` says how much it got rid of. */
  async function stalled(toxic: object) {
    const block = Buffer.alloc(64 * 1024, 'abcdefghijklmnop');
    const total = MEBIBYTES * 1024 * 1024;
    let written = 0;
    const scene = await setUp((socket) => {
      const pump = () => {
        while (written < total && socket.writableLength < 1024 * 1024) {
          socket.write(block);
          written += block.length;
        }
        if (written === total) socket.end();
      };
      socket.on('drain', pump);
      pump();
    });
    await scene.toxiproxy.toxic('p', toxic);
    const client = await connectPeer(scene.port);
    const { socket } = client;
    socket.removeAllListeners('data').pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return { ...scene, client, socket, total, written: () => written };
  }

  it.each([
    { type: 'latency', attributes: { latency: 200 } },
    { type: 'bandwidth', attributes: { rate: 0 } },
    { type: 'slicer', attributes: { average_size: 500, size_variation: 100, delay: 100 } },
  ])('neither fills memory nor keeps a toxic from being removed, and then gets all: $type', async (toxic) => {
    const { toxiproxy, socket, total, written } = await stalled({ name: 't', ...toxic });
    expect(written()).toBeLessThan(total);
    expect((await toxiproxy.call('DELETE', '/proxies/p/toxics/t')).status).toBe(204); // while the client does not read
    expect((await toxiproxy.call('GET', '/proxies')).status).toBe(200);
    expect((await toxiproxy.call('POST', '/reset')).status).toBe(204);

    const hash = createHash('sha256');
    let received = 0;
    for await (const data of socket) {
      hash.update(data);
      received += data.length;
    }
    expect(received).toBe(total);
    expect(hash.digest('hex')).toBe(
      createHash('sha256').update(Buffer.alloc(total, 'abcdefghijklmnop')).digest('hex'),
    );
  });

  it('is let go when the proxy is disabled', async () => {
    const { toxiproxy, client, total } = await stalled({ type: 'latency', attributes: { latency: 100 } });
    expect((await toxiproxy.call('POST', '/proxies/p', { enabled: false })).status).toBe(200);
    let received = 0;
    client.socket.on('data', (data) => {
      received += data.length;
    });
    client.socket.resume();
    await client.until(({ events }) => events.length > 0);
    expect(received).toBeLessThan(total);
  });
});

describe('a thousand connections', () => {
  it('each get their own bytes back, through a latency each way', async () => {
    const { toxiproxy, port } = await setUp(echo);
    for (const stream of ['upstream', 'downstream']) {
      await toxiproxy.toxic('p', { type: 'latency', stream, attributes: { latency: 20, jitter: 5 } });
    }
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => connectPeer(port)));
    for (const [index, { socket }] of clients.entries()) socket.write(`<${index}>`);
    for (const [index, client] of clients.entries()) {
      await client.until(({ received }) => received() === `<${index}>`);
    }
    for (const { socket } of clients) socket.end();
    for (const client of clients) await client.until(({ events }) => events.includes('close'));
    expect(clients.every(({ events }) => events.join() === 'end,close')).toBe(true);
  });
});
