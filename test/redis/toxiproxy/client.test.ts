import { Toxiproxy as NodeClient } from 'toxiproxy-node-client';
import { describe, expect, it } from 'vitest';
import { ToxiproxyClient } from '../../../src/toxiproxy/client.ts';
import { type ApiFault, startFaultyApi } from '../../support/faulty-api.ts';
import { freePort } from '../../support/free-port.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const LATENCY = { name: 'slow', type: 'latency', stream: 'upstream', attributes: { latency: 40 } } as const;

/** A client whose requests to a server with a proxy `p` and a toxic `slow` meet faults. */
async function setUp(faultOf: (call: string) => ApiFault = () => 'pass', timeoutMs = 10_000) {
  const { url, call, proxy, toxic } = await startTestToxiproxy();
  const port = await proxy('p', 9);
  await toxic('p', LATENCY);
  const api = await startFaultyApi(url, faultOf);
  const client = new ToxiproxyClient({ url: api.url, timeoutMs });
  return {
    client,
    call,
    seen: api.seen,
    spec: { name: 'p', listen: `127.0.0.1:${port}`, upstream: '127.0.0.1:9' },
  };
}

describe('the client', () => {
  it('makes, lists, changes and removes proxies and toxics', async () => {
    const { client } = await setUp();
    expect(await client.version()).toBe('2.12.0');
    const name = 'eu-west/ap south?#ü';
    const listen = `127.0.0.1:${await freePort()}`;
    const created = await client.create({ name, listen, upstream: '127.0.0.1:9' });
    expect(created).toMatchObject({ name, listen, enabled: true, toxics: [] });

    const added = await client.addToxic(name, { ...LATENCY, name: 'a/b', toxicity: 0.5 });
    expect(added).toMatchObject({ name: 'a/b', toxicity: 0.5, attributes: { latency: 40, jitter: 0 } });
    expect(await client.updateToxic(name, 'a/b', { attributes: { jitter: 5 } })).toMatchObject({
      attributes: { latency: 40, jitter: 5 },
    });
    expect(await client.toxics(name)).toHaveLength(1);
    await client.removeToxic(name, 'a/b');
    expect(await client.toxics(name)).toEqual([]);

    expect(await client.setEnabled(name, false)).toMatchObject({ enabled: false, listen });
    await client.reset();
    expect((await client.proxy(name)).enabled).toBe(true);
  });

  it('populates, and keeps existing proxies; nothing is no error', async () => {
    const { client, spec } = await setUp();
    await client.populate([]);
    await client.populate([
      spec,
      { name: 'q', listen: `127.0.0.1:${await freePort()}`, upstream: '127.0.0.1:9' },
    ]);
    const proxies = await client.proxies();
    expect([proxies.p?.toxics.length, proxies.q?.toxics.length]).toEqual([1, 0]);
  });

  it.each([
    {
      title: 'an unknown proxy',
      act: (client: ToxiproxyClient) => client.proxy('none'),
      says: '404: proxy not found',
    },
    {
      title: 'an unknown toxic',
      act: (client: ToxiproxyClient) => client.removeToxic('p', 'none'),
      says: '404: toxic not found',
    },
    {
      title: 'a toxic that exists already',
      act: (client: ToxiproxyClient) => client.addToxic('p', LATENCY),
      says: '409: toxic already exists',
    },
    {
      title: 'an attribute of the wrong type',
      act: (client: ToxiproxyClient) =>
        client.addToxic('p', { ...LATENCY, name: 'x', attributes: { latency: 1.5 } }),
      says: 'cannot unmarshal number 1.5',
    },
  ])('says in the server’s words what was wrong: $title', async ({ act, says }) => {
    const { client } = await setUp();
    await expect(act(client)).rejects.toMatchObject({
      code: 'TOXIPROXY_REFUSED',
      message: expect.stringContaining(says),
    });
  });

  it('names a URL without an answer, and one without a Toxiproxy', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await expect(new ToxiproxyClient({ url }).proxies()).rejects.toMatchObject({
      code: 'TOXIPROXY_UNREACHABLE',
      message: `GET ${url}/proxies failed: ECONNREFUSED`,
    });
    const { client } = await setUp(() => 'garbage');
    await expect(client.proxies()).rejects.toMatchObject({
      code: 'TOXIPROXY_REFUSED',
      message: expect.stringMatching(/is not JSON/),
    });
  });
});

describe('a server that hangs', () => {
  const SPEC = { name: 'q', listen: '127.0.0.1:0', upstream: '127.0.0.1:9' };
  const calls: Record<string, (client: ToxiproxyClient) => Promise<unknown>> = {
    version: (client) => client.version(),
    proxies: (client) => client.proxies(),
    create: (client) => client.create(SPEC),
    populate: (client) => client.populate([SPEC]),
    setEnabled: (client) => client.setEnabled('p', false),
    addToxic: (client) => client.addToxic('p', LATENCY),
    reset: (client) => client.reset(),
  };
  it.each(Object.keys(calls))('is waited for only up to the limit: %s', async (name) => {
    const { client } = await setUp(() => 'hang', 300);
    const startedMs = performance.now();
    await expect(calls[name]?.(client)).rejects.toMatchObject({
      code: 'TOXIPROXY_TIMEOUT',
      message: expect.stringMatching(/was not answered within 0.3 s$/),
    });
    expect(performance.now() - startedMs).toBeGreaterThan(290);
    expect(performance.now() - startedMs).toBeLessThan(2_500); // the call, and the look at what is true
  });
});

describe('a reply that was lost', () => {
  const onlyReads = (call: string): ApiFault => (call.startsWith('GET') ? 'pass' : 'lose');

  it('does not matter if the server did what was requested', async () => {
    const { client, spec } = await setUp(onlyReads);
    const other = { name: 'q', listen: `127.0.0.1:${await freePort()}`, upstream: '127.0.0.1:9' };
    expect(await client.create(other)).toMatchObject({ name: 'q', enabled: true });
    await client.populate([spec, other]);
    await client.populate([{ ...other, name: 'r', listen: `0.0.0.0:${await freePort()}` }]);
    expect(await client.addToxic('q', LATENCY)).toMatchObject({ name: 'slow' });
    expect(await client.updateToxic('q', 'slow', { attributes: { latency: 7 } })).toMatchObject({
      attributes: { latency: 7 },
    });
    await client.removeToxic('q', 'slow');
    expect(await client.setEnabled('q', false)).toMatchObject({ enabled: false });
    await client.reset();
    expect(await client.proxies()).toMatchObject({ p: { toxics: [] } });
  });

  it('is an error if the server did not', async () => {
    const { client } = await setUp((call) => (call.startsWith('GET') ? 'pass' : 'hang'), 1_000);
    await expect(client.addToxic('p', { ...LATENCY, name: 'x' })).rejects.toMatchObject({
      code: 'TOXIPROXY_TIMEOUT',
    });
    await expect(client.setEnabled('p', false)).rejects.toMatchObject({ code: 'TOXIPROXY_TIMEOUT' });
  });
});

describe('healing a server that hangs on the removal of a toxic', () => {
  it('disables and enables the proxy, then removes the toxic', async () => {
    let disabled = false;
    const { client, call, seen } = await setUp((request) => {
      if (request === 'POST /proxies/p') disabled = true;
      return request.startsWith('DELETE') && !disabled ? 'hang' : 'pass';
    }, 2_000);
    await client.removeToxic('p', 'slow');
    expect((await call('GET', '/proxies/p')).json).toMatchObject({ enabled: true, toxics: [] });
    expect(seen.filter((request) => !request.startsWith('GET'))).toEqual([
      'DELETE /proxies/p/toxics/slow',
      'POST /proxies/p',
      'POST /proxies/p',
      'DELETE /proxies/p/toxics/slow',
    ]);
  });

  it('keeps a disabled proxy disabled', async () => {
    let deletions = 0;
    const { client, call } = await setUp(
      (request) => (request.startsWith('DELETE') && deletions++ === 0 ? 'hang' : 'pass'),
      2_000,
    );
    await client.setEnabled('p', false);
    await client.removeToxic('p', 'slow');
    expect((await call('GET', '/proxies/p')).json).toMatchObject({ enabled: false, toxics: [] });
  });

  it('says that the server must be restarted if nothing helps', async () => {
    const { client } = await setUp((request) => (request === 'GET /proxies/p' ? 'pass' : 'hang'), 500);
    const startedMs = performance.now();
    const error = await client.removeToxic('p', 'slow').catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'TOXIPROXY_STUCK',
      message: expect.stringMatching(
        /^the Toxiproxy at http:.* hangs while it removes a toxic of p; restart it$/,
      ),
      cause: { code: 'TOXIPROXY_TIMEOUT' },
    });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe('toxiproxy-node-client by itself', () => {
  it('works the same with our server and the real one', async () => {
    const { url, call } = await startTestToxiproxy();
    const client = new NodeClient(url);
    expect(await client.getVersion()).toBe('{"version": "2.12.0"}\n');
    const listen = `127.0.0.1:${await freePort()}`;
    const made = await client.createProxy({ name: 'p', listen, upstream: '127.0.0.1:9' });
    expect(made.toJson()).toMatchObject({ name: 'p', listen, enabled: true });
    const populated = await client.populate([{ name: 'q', listen: '127.0.0.1:0', upstream: '127.0.0.1:9' }]);
    expect(Object.keys(populated)).toEqual(['q']);

    const toxic = await made.addToxic({ ...LATENCY, toxicity: 1, attributes: { latency: 40, jitter: 0 } });
    const updated = await toxic.update({ ...toxic.toJson(), attributes: { latency: 50, jitter: 2 } });
    expect(updated.attributes).toEqual({ latency: 50, jitter: 2 });
    expect((await made.getToxic('slow')).attributes).toEqual({ latency: 50, jitter: 2 });
    await updated.remove();
    expect((await made.update({ listen, upstream: '127.0.0.1:9', enabled: false })).enabled).toBe(false);
    await client.reset();
    expect((await client.get('p')).enabled).toBe(true);
    for (const proxy of Object.values(await client.getAll())) await proxy.remove();
    expect((await call('GET', '/proxies')).json).toEqual({});
    await expect(client.get('p')).rejects.toThrow('Request failed with status code 404');
  });
});
