import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegionalToxiproxy } from '../../../src/toxiproxy/server/start.ts';
import { freePort } from '../../support/free-port.ts';
import { startTestServer } from '../../support/server.ts';
import { connectPeer, startTcpServer, waitUntil } from '../../support/tcp-peer.ts';
import { callApi } from '../../support/toxiproxy.ts';

/** Region i has the addresses 127.79.i.*; its only node is 127.79.i.1. */
const REGIONS = ['one', 'two', 'three'] as const;
type Region = (typeof REGIONS)[number];
const addressOf = (region: Region) => `127.79.${REGIONS.indexOf(region) + 1}.1`;

/** Three regions with a node each, that says to every client what address it sees. */
async function setUp({ routed = true } = {}) {
  const [publicPort, privatePort] = [await freePort(), await freePort()];
  const listenOf = (region: Region) => `${addressOf(region)}:${publicPort}`;
  const upstreamOf = (region: Region) => `${addressOf(region)}:${privatePort}`;
  for (const region of REGIONS) {
    await startTcpServer((socket) => socket.write(`${region} sees ${socket.remoteAddress}`), {
      host: addressOf(region),
      port: privatePort,
    });
  }
  const toxiproxy = await startRegionalToxiproxy({
    regions: REGIONS.map((name) => ({
      name,
      matches: (address: string) => address.startsWith(addressOf(name).replace(/1$/, '')),
      api: { host: '127.0.0.1', port: 0 },
    })),
    routes: routed
      ? REGIONS.map((region) => ({ listen: listenOf(region), upstream: upstreamOf(region) }))
      : [],
    seed: 1,
  });
  onTestFinished(() => toxiproxy.close());
  return {
    toxiproxy,
    /** A client of `from`, of no region when that is undefined, that calls the node of `to`. */
    connect: (from: Region | undefined, to: Region) =>
      connectPeer({
        host: addressOf(to),
        port: publicPort,
        localAddress: from === undefined ? '127.0.0.1' : addressOf(from).replace(/1$/, '9'),
      }),
    call: (region: Region, method: string, path: string, body?: unknown) =>
      callApi(toxiproxy.apis[region] ?? '', { method, path, body }),
    /** The proxy of one region that leads to the node of another. */
    spec: (to: Region, more: object = {}) => ({
      name: to,
      listen: listenOf(to),
      upstream: upstreamOf(to),
      ...more,
    }),
  };
}

type Scene = Awaited<ReturnType<typeof setUp>>;

/** What a client hears, or how it was turned away. */
async function answer({ connect }: Scene, from: Region | undefined, to: Region): Promise<string> {
  const peer = await connect(from, to);
  await peer.until(({ received, events }) => received() !== '' || events.length > 0);
  peer.socket.destroy();
  return peer.received() || (peer.events[0] ?? '');
}

describe('a listener that regions share', () => {
  it.each([
    { from: undefined, to: 'one', sees: '127.0.0.1' },
    { from: 'one', to: 'one', sees: '127.79.1.9' },
    { from: 'two', to: 'one', sees: '127.79.2.9' },
  ] as const)(
    'passes straight through where no proxy is, from the client’s own address: $from',
    async ({ from, to, sees }) => {
      expect(await answer(await setUp(), from, to)).toBe(`${to} sees ${sees}`);
    },
  );

  it('passes through the proxy of the source’s region, from the client’s own address', async () => {
    const scene = await setUp();
    expect((await scene.call('two', 'POST', '/proxies', scene.spec('one'))).status).toBe(201);
    expect(await answer(scene, 'two', 'one')).toBe('one sees 127.79.2.9');
  });

  it('has the toxics of one region for that region alone', async () => {
    const scene = await setUp();
    for (const region of ['two', 'three'] as const)
      await scene.call(region, 'POST', '/proxies', scene.spec('one'));
    await scene.call('two', 'POST', '/proxies/one/toxics', { type: 'limit_data', attributes: { bytes: 7 } });
    expect(await answer(scene, 'two', 'one')).toBe('one see');
    expect(await answer(scene, 'three', 'one')).toBe('one sees 127.79.3.9');
    expect(await answer(scene, undefined, 'one')).toBe('one sees 127.0.0.1');
    expect((await scene.call('three', 'GET', '/proxies/one/toxics')).json).toEqual([]);
  });

  it('resets connections of the region whose proxy is disabled, and no others', async () => {
    const scene = await setUp();
    await scene.call('two', 'POST', '/proxies', scene.spec('one'));
    const before = await scene.connect('two', 'one');
    await before.until(({ received }) => received() !== '');
    await scene.call('two', 'POST', '/proxies/one', { enabled: false });
    await before.until(({ events }) => events.includes('end'));
    expect(await answer(scene, 'two', 'one')).toBe('error ECONNRESET');
    for (const from of ['one', 'three', undefined] as const)
      expect(await answer(scene, from, 'one')).toMatch('sees');
    await scene.call('two', 'POST', '/proxies/one', { enabled: true });
    expect(await answer(scene, 'two', 'one')).toMatch('sees');
  });

  it('refuses for a proxy created disabled, and passes through once it is deleted', async () => {
    const scene = await setUp();
    await scene.call('two', 'POST', '/proxies', scene.spec('one', { enabled: false }));
    expect(await answer(scene, 'two', 'one')).toBe('error ECONNRESET');
    await scene.call('two', 'DELETE', '/proxies/one');
    expect(await answer(scene, 'two', 'one')).toMatch('sees');
  });

  it('cuts one direction of a pair of regions', async () => {
    const scene = await setUp();
    await scene.call('two', 'POST', '/proxies', scene.spec('one', { enabled: false }));
    await scene.call('one', 'POST', '/proxies', scene.spec('two'));
    expect(await answer(scene, 'two', 'one')).toBe('error ECONNRESET');
    expect(await answer(scene, 'one', 'two')).toMatch('sees');
  });

  it('can have one proxy of a region, as a port can', async () => {
    const scene = await setUp();
    await scene.call('two', 'POST', '/proxies', scene.spec('one'));
    const { json } = await scene.call('two', 'POST', '/proxies', { ...scene.spec('one'), name: 'again' });
    expect(json).toMatchObject({
      status: 500,
      error: expect.stringContaining('bind: address already in use'),
    });
    expect(await answer(scene, 'two', 'one')).toMatch('sees');
  });

  it('stays open until the last region has left, without a route', async () => {
    const scene = await setUp({ routed: false });
    expect(await answer(scene, 'two', 'one')).toBe('error ECONNREFUSED');
    const made = await Promise.all(
      (['two', 'three'] as const).map((region) => scene.call(region, 'POST', '/proxies', scene.spec('one'))),
    );
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    expect(await answer(scene, 'two', 'one')).toMatch('sees');
    expect(await answer(scene, undefined, 'one')).toBe('error ECONNRESET');
    await scene.call('two', 'DELETE', '/proxies/one');
    expect(await answer(scene, 'two', 'one')).toBe('error ECONNRESET');
    expect(await answer(scene, 'three', 'one')).toMatch('sees');
    await scene.call('three', 'DELETE', '/proxies/one');
    expect(await answer(scene, 'three', 'one')).toBe('error ECONNREFUSED');
  });

  it('closes with its connections once all is closed', async () => {
    const scene = await setUp();
    const peer = await scene.connect(undefined, 'one');
    await peer.until(({ received }) => received() !== '');
    await scene.toxiproxy.close();
    await peer.until(({ events }) => events.includes('end'));
    expect(await answer(scene, undefined, 'one')).toBe('error ECONNREFUSED');
  });
});

it('lets Redis replicate between regions through 2 x 40 ms, the region kept in the address', async () => {
  const [publicPort, primary] = [
    await freePort(),
    await startTestServer('redis-server', [
      '--bind',
      '127.0.0.1',
      '127.79.1.1',
      '--repl-diskless-sync-delay',
      '0',
    ]),
  ];
  onTestFinished(() => primary.stop());
  const listen = `127.79.1.1:${publicPort}`;
  const upstream = `127.79.1.1:${primary.port}`;
  const toxiproxy = await startRegionalToxiproxy({
    regions: [
      {
        name: 'two',
        matches: (address) => address.startsWith('127.79.2.'),
        api: { host: '127.0.0.1', port: 0 },
      },
    ],
    routes: [{ listen, upstream }],
    seed: 1,
  });
  onTestFinished(() => toxiproxy.close());
  const call = (path: string, body: unknown) =>
    callApi(toxiproxy.apis.two ?? '', { method: 'POST', path, body });
  await call('/proxies', { name: 'one', listen, upstream });
  for (const stream of ['upstream', 'downstream']) {
    await call('/proxies/one/toxics', { type: 'latency', stream, attributes: { latency: 40 } });
  }
  for (let index = 0; index < 200; index++) await primary.client.set(`key:${index}`, 'x'.repeat(20_000));

  const replicaof = ['--replicaof', '127.79.1.1', String(publicPort), '--bind-source-addr', '127.79.2.1'];
  const replica = await startTestServer('redis-server', replicaof);
  onTestFinished(() => replica.stop());
  let info = '';
  for (const deadline = performance.now() + 15_000; !/master_link_status:up/.test(info); ) {
    expect(performance.now()).toBeLessThan(deadline);
    info = await replica.client.info('replication');
  }
  expect(await primary.client.info('replication')).toMatch(/slave0:ip=127\.79\.2\.1,/);
  await primary.client.set('late', 'word');
  let late: string | null = null;
  void (async () => {
    while (late === null) late = await replica.client.get('late');
  })();
  await waitUntil(() => late === 'word');
  expect(await replica.client.dbsize()).toBe(201);
});
