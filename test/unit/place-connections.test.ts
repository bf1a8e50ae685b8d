import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, expect, it } from 'vitest';
import { placeConnections } from '../../src/rating/place-connections.ts';

const OWN = '127.201.1.200';

const original = Socket.prototype.connect;
afterEach(() => {
  Socket.prototype.connect = original;
});

async function listenOn(host: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end());
  await once(server.listen(0, host), 'listening');
  return server;
}

const servers = [await listenOn('127.201.2.1'), await listenOn('127.0.0.1')] as const;
afterAll(() => servers.map((server) => server.close()));
const placeOf = (server: Server) => {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
};
const [node, elsewhere] = [placeOf(servers[0]), placeOf(servers[1])];

/** From where it is connected. */
async function connected(socket: Socket): Promise<string | undefined> {
  await once(socket, 'connect');
  const { localAddress } = socket;
  socket.on('error', () => {}).destroy();
  return localAddress;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

const WAYS: readonly (readonly [string, (place: Place) => Socket])[] = [
  ['net.connect', (place) => connect(place)],
  ['a socket', (place) => new Socket().connect(place)],
  ['tls.connect', (place) => connectTls(place)],
];
const PLAIN: typeof WAYS = [
  ['net.connect by port and host', ({ port, host }) => connect(port, host)],
  ['a socket by port and host', ({ port, host }) => new Socket().connect(port, host)],
];

function place(log: string[] = []) {
  placeConnections(OWN, (text) => log.push(text));
  return log;
}

it.each([...WAYS, ...PLAIN])(
  '%s connects from the region to its network, and to no other',
  async (_, open) => {
    const log = place();
    const options = Object.freeze({ ...node });
    expect(await connected(open(options))).toBe(OWN);
    expect(await connected(open(elsewhere))).toBe('127.0.0.1');
    expect(log).toEqual([]);
  },
);

it.each(WAYS)('logs the first connection by %s from an address of its own choice', async (_, open) => {
  const log = place();
  expect(await connected(open({ ...node, localAddress: OWN }))).toBe(OWN);
  expect(log).toEqual([]);
  for (const localAddress of ['127.0.0.1', '127.201.2.200'])
    expect(await connected(open({ ...node, localAddress }))).toBe(localAddress);
  expect(log).toEqual([
    `outside its region: connected to ${node.host}:${node.port} from 127.0.0.1, and not from redis.localAddress, ${OWN}\n`,
  ]);
});
