import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/toxiproxy/server/address.ts';
import { freePort } from '../../support/free-port.ts';
import { connectPeer, echo, startTcpServer } from '../../support/tcp-peer.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const UPSTREAM = '127.0.0.1:9';
const ANY_FREE = /^\[::\]:[1-9]\d*$/;
const NONSENSE = 'address nonsense: missing port in address';

type ShownProxy = Record<'name' | 'listen' | 'upstream', string> & { readonly enabled: boolean };

const portOf = ({ listen }: ShownProxy) => Number(/\d+$/.exec(listen));

/** A proxy `p` to an echo, with a client that has been through it. */
async function setUp() {
  const toxiproxy = await startTestToxiproxy();
  const port = await toxiproxy.proxy('p', (await startTcpServer(echo)).port);
  const client = await connectPeer(port);
  client.socket.write('a');
  await client.until(({ received }) => received() === 'a');
  return {
    ...toxiproxy,
    port,
    shown: async () => (await toxiproxy.call('GET', '/proxies/p')).json as ShownProxy,
    isAlive: async () => {
      client.socket.write('b');
      await client.until(({ received, events }) => received() === 'ab' || events.length > 0);
      return client.received() === 'ab';
    },
  };
}

describe('an empty or missing listen', () => {
  it.each([{ more: {} }, { more: { listen: '' } }])(
    'takes a free port when created: $more',
    async ({ more }) => {
      const { call } = await startTestToxiproxy();
      const upstream = (await startTcpServer(echo)).address;
      const { status, json } = await call('POST', '/proxies', { name: 'p', upstream, ...more });
      expect([status, (json as ShownProxy).listen]).toEqual([201, expect.stringMatching(ANY_FREE)]);
      const client = await connectPeer(portOf(json as ShownProxy));
      client.socket.write('a');
      await client.until(({ received }) => received() === 'a');
    },
  );

  it.each(['POST', 'PATCH'])('takes a free port when updated: %s', async (method) => {
    const { call, port } = await setUp();
    const { status, json } = await call(method, '/proxies/p', { listen: '' });
    expect([status, json]).toEqual([
      200,
      expect.objectContaining({ listen: expect.stringMatching(ANY_FREE), enabled: true }),
    ]);
    expect(portOf(json as ShownProxy)).not.toBe(port);
  });

  it('takes a free port in populate', async () => {
    const { call } = await startTestToxiproxy();
    const { status, json } = await call('POST', '/populate', [{ name: 'p', upstream: UPSTREAM }]);
    expect([status, json]).toEqual([
      201,
      { proxies: [expect.objectContaining({ listen: expect.stringMatching(ANY_FREE) })] },
    ]);
  });
});

describe('a listen that cannot be resolved', () => {
  it.each([
    { method: 'PATCH', more: {} },
    { method: 'POST', more: {} },
    { method: 'PATCH', more: { enabled: false } },
    { method: 'PATCH', more: { enabled: true, upstream: UPSTREAM } },
  ])('leaves a proxy and its connections as they are: $method $more', async ({ method, more }) => {
    const { call, shown, isAlive } = await setUp();
    const before = await shown();
    expect((await call(method, '/proxies/p', { listen: 'nonsense', ...more })).json).toEqual({
      error: NONSENSE,
      status: 500,
    });
    expect(await shown()).toEqual(before);
    expect(await isAlive()).toBe(true);
  });

  it('is not stored in a disabled proxy', async () => {
    const { call, shown } = await setUp();
    await call('PATCH', '/proxies/p', { enabled: false });
    const before = await shown();
    for (const enabled of [true, false]) {
      const { status } = await call('PATCH', '/proxies/p', { listen: 'nonsense', enabled });
      expect([status, await shown()]).toEqual([500, before]);
    }
  });

  it.each([true, false])(
    'leaves a proxy and its connections as they are in populate: enabled %s',
    async (enabled) => {
      const { call, shown, isAlive } = await setUp();
      const before = await shown();
      const spec = { name: 'p', listen: 'nonsense', upstream: UPSTREAM, enabled };
      const { status, json } = await call('POST', '/populate', [spec]);
      expect([status, json]).toEqual([500, { error: NONSENSE, status: 500, proxies: null }]);
      expect(await shown()).toEqual(before);
      expect(await isAlive()).toBe(true);
    },
  );
});

describe('a listen of 0.0.0.0', () => {
  it.each(['0.0.0.0', '', '[::]'])('is every address, of IPv6 too: %s', async (host) => {
    const { call } = await startTestToxiproxy();
    const upstream = (await startTcpServer(echo)).address;
    const { json } = await call('POST', '/proxies', { name: 'p', listen: `${host}:0`, upstream });
    expect(json).toMatchObject({ listen: expect.stringMatching(ANY_FREE) });
    for (const address of ['127.0.0.1', '::1']) {
      const client = await connectPeer({ host: address, port: portOf(json as ShownProxy) });
      client.socket.write('a');
      await client.until(({ received, events }) => received() === 'a' || events.length > 0);
      expect([address, client.received()]).toEqual([address, 'a']);
    }
  });

  it('keeps the proxy when it is given again', async () => {
    const { call } = await startTestToxiproxy();
    const { json } = await call('POST', '/proxies', { name: 'p', listen: '0.0.0.0:0', upstream: UPSTREAM });
    await call('POST', '/proxies/p/toxics', { type: 'noop' });
    const port = portOf(json as ShownProxy);
    for (const listen of [`0.0.0.0:${port}`, `:${port}`, `[::]:${port}`]) {
      const populated = await call('POST', '/populate', [{ name: 'p', listen, upstream: UPSTREAM }]);
      expect(populated.json).toMatchObject({
        proxies: [{ listen: `[::]:${port}`, toxics: [{ type: 'noop' }] }],
      });
    }
  });
});

describe('the port of an address', () => {
  it.each(['127.0.0.1:', '127.0.0.1:000', '127.0.0.1:+0'])('may be empty or 0: %s', async (listen) => {
    const { call } = await startTestToxiproxy();
    const { json } = await call('POST', '/proxies', { name: 'p', listen, upstream: UPSTREAM });
    expect(json).toMatchObject({ listen: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) });
  });

  it('may have leading zeros, and as many digits as it likes', async () => {
    const { call } = await startTestToxiproxy();
    const port = await freePort();
    const { json } = await call('POST', '/proxies', {
      name: 'p',
      listen: `localhost:00${port}`,
      upstream: UPSTREAM,
    });
    expect(json).toMatchObject({ listen: `127.0.0.1:${port}` });
  });

  it.each(['http-alt', 'HTTP-Alt', 'webcache'])('may be the name of a service: %s', async (service) => {
    const { call } = await startTestToxiproxy();
    const spec = { name: 'p', listen: `127.83.1.1:${service}`, upstream: UPSTREAM };
    const { text } = await call('POST', '/proxies', spec);
    expect(text).toContain('127.83.1.1:8080'); // also in the error if another program listens there
  });

  it('may be the name of a service in an upstream', () => {
    expect(parseAddress('localhost:http-alt')).toEqual({ host: 'localhost', port: 8080 });
    expect(parseAddress('[::1]:https')).toEqual({ host: '::1', port: 443 });
  });
});

describe('an address that is none', () => {
  it.each([
    ['nowhere', 'address nowhere: missing port in address'],
    ['127.0.0.1:99999', 'address 99999: invalid port'],
    ['127.0.0.1:-1', 'address -1: invalid port'],
    [`127.0.0.1:${'9'.repeat(400)}`, `address ${'9'.repeat(400)}: invalid port`],
    ['127.0.0.1:no-such-service', 'lookup tcp/no-such-service: unknown port'],
    ['::1:80', 'address ::1:80: too many colons in address'],
    ['[::1]', 'address [::1]: missing port in address'],
    ['[::1]80', 'address [::1]80: missing port in address'],
    ['[::1]:80:80', 'address [::1]:80:80: too many colons in address'],
    ['[::1:80', "address [::1:80: missing ']' in address"],
    ['a[b:80', "address a[b:80: unexpected '[' in address"],
    ['a]b:80', "address a]b:80: unexpected ']' in address"],
    ['127.1:0', 'lookup 127.1: no such host'],
    ['0x7f.1:0', 'lookup 0x7f.1: no such host'],
    ['2130706433:0', 'lookup 2130706433: no such host'],
  ])('is refused in the words of Go: %s', async (listen, says) => {
    const { call } = await startTestToxiproxy();
    await call('POST', '/proxies', { name: 'p', listen: '127.0.0.1:0', upstream: UPSTREAM });
    const created = await call('POST', '/proxies', { name: 'q', listen, upstream: UPSTREAM });
    expect(created.json).toEqual({ error: `listen tcp: ${says}`, status: 500 });
    const updated = await call('PATCH', '/proxies/p', { listen });
    expect(updated.json).toEqual({ error: says, status: 500 });
  });
});
