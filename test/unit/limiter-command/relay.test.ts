import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRelay } from '../../../src/limiter/plugin/command/relay.ts';

/** A node that answers each chunk with `reply`, and the clients that it saw. */
async function startNode(host: string, reply: (asked: string) => string) {
  const clients: { from: string | undefined; socket: Socket }[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.push({ from: socket.remoteAddress, socket });
    socket.on('data', (asked) => socket.write(reply(String(asked))));
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const { socket } of clients) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { host, port, clients };
}

async function open(nodes: Parameters<typeof openRelay>[0], localAddress = '127.77.9.9') {
  const relay = await openRelay(nodes, localAddress);
  onTestFinished(() => relay.close());
  return relay;
}

async function ask(to: { host: string; port: number }, asked: string) {
  const socket = connect(to);
  onTestFinished(() => void socket.destroy());
  socket.write(asked);
  const [answer] = await once(socket, 'data');
  return { socket, answer: String(answer) };
}

describe('a relay to the nodes of a region', () => {
  it('connects from the local address, and leads to itself where nodes name each other', async () => {
    const node = await startNode('127.77.9.1', (asked) => `${asked} -MOVED 5 127.77.9.2:7102\r\n`);
    const relay = await open([node]);
    const address = relay.addressOf(node);
    expect(address).toEqual({ host: expect.stringMatching(/^127\.[1-6]\d\.9\.1$/), port: node.port });
    const { answer } = await ask(address, 'GET 127.77.x');
    const block = address.host.split('.')[1];
    expect(answer).toBe(`GET 127.77.x -MOVED 5 127.77.9.2:7102\r\n`.replaceAll('127.77.', `127.${block}.`));
    expect(node.clients.map(({ from }) => from)).toEqual(['127.77.9.9']);
  });

  it('passes much in both directions', async () => {
    const node = await startNode('127.77.9.1', (asked) => asked);
    const relay = await open([node]);
    const socket = connect({ ...relay.addressOf(node), allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    const sent = '0123456789'.repeat(500_000);
    socket.end(sent);
    let got = '';
    for await (const chunk of socket.setEncoding('latin1')) got += chunk;
    expect(got.length).toBe(sent.length);
    expect(got === sent).toBe(true);
  });

  it('closes a connection that its other end closes', async () => {
    const node = await startNode('127.77.9.1', (asked) => asked);
    const { socket } = await ask((await open([node])).addressOf(node), 'a');
    const closed = once(socket, 'close');
    node.clients[0]?.socket.destroy();
    await closed;
  });

  it('resets a connection to a node that is down', async () => {
    const node = await startNode('127.77.9.1', (asked) => asked);
    const relay = await open([
      { host: '127.77.9.1', port: node.port },
      { host: '127.77.9.3', port: node.port },
    ]);
    const socket = connect(relay.addressOf({ host: '127.77.9.3', port: node.port }));
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('finds other addresses if some are in use', async () => {
    const node = await startNode('127.77.9.1', (asked) => asked);
    const [one, other] = [await open([node]), await open([node])];
    expect(one.addressOf(node)).not.toEqual(other.addressOf(node));
    for (const relay of [one, other]) expect((await ask(relay.addressOf(node), 'hi')).answer).toBe('hi');
  });

  it('needs nodes of one block', async () => {
    const nodes = ['127.77.9.1', '10.0.0.1'].map((host) => ({ host, port: 1 }));
    await expect(openRelay(nodes, '127.77.9.9')).rejects.toThrow('found 127.77.9.1, 10.0.0.1');
  });
});
