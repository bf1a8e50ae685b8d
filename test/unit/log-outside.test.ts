import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, expect, it } from 'vitest';
import { logOutside } from '../../src/rating/log-outside.ts';

const OWN = '127.201.1.200';

const original = Socket.prototype.connect;
afterEach(() => {
  Socket.prototype.connect = original;
});

const servers = await Promise.all(
  ['127.201.2.1', '127.0.0.1'].map(async (host) => {
    const server = createServer((socket) => socket.on('error', () => {}).end());
    await once(server.listen(0, host), 'listening');
    return server;
  }),
);
afterAll(() => servers.map((server) => server.close()));
const [node, elsewhere] = servers.map((server) => server.address() as AddressInfo).map(placeOf);

function placeOf({ address, port }: AddressInfo) {
  return { host: address, port };
}

async function connected(socket: Socket): Promise<void> {
  await once(socket, 'connect');
  socket.on('error', () => {}).destroy();
}

const ways = [
  ['net.connect', (place: object) => connect(place as never)],
  ['a socket', (place: object) => new Socket().connect(place as never)],
  ['tls.connect', (place: object) => connectTls(place)],
] as const;

it.each(ways)('logs one connection by %s from no region', async (_, open) => {
  const log: string[] = [];
  logOutside(OWN, (text) => log.push(text));
  await connected(open({ ...node, localAddress: OWN }));
  await connected(open({ ...elsewhere }));
  expect(log).toEqual([]);
  await connected(open({ ...node }));
  await connected(open({ ...node }));
  expect(log).toEqual([
    `outside its region: connected to ${node?.host}:${node?.port} from 127.0.0.1, and not from redis.localAddress, ${OWN}\n`,
  ]);
});

it('logs a connection from another region', async () => {
  const log: string[] = [];
  logOutside(OWN, (text) => log.push(text));
  await connected(connect({ ...node, localAddress: '127.201.2.200' } as never));
  expect(log).toEqual([
    expect.stringContaining('from 127.201.2.200, and not from redis.localAddress, 127.201.1.200'),
  ]);
});
