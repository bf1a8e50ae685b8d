import { describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { connectPeer, echo, startTcpServer } from '../../support/tcp-peer.ts';
import { callApi, startTestToxiproxy } from '../../support/toxiproxy.ts';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const UPSTREAM = '127.0.0.1:9';

/** A server with a proxy `a` that has a toxic `t`. */
async function startWithToxic() {
  const toxiproxy = await startTestToxiproxy();
  const port = await toxiproxy.proxy('a', 9);
  await toxiproxy.toxic('a', { name: 't', type: 'latency', attributes: { latency: 5 } });
  return { ...toxiproxy, listen: `127.0.0.1:${port}` };
}

describe('each endpoint', () => {
  it.each([
    { method: 'GET', path: '/version', status: 200, type: 'application/json;charset=utf-8' },
    { method: 'GET', path: '/proxies', status: 200, type: JSON_TYPE },
    {
      method: 'POST',
      path: '/proxies',
      body: { name: 'b', listen: '127.0.0.1:0', upstream: UPSTREAM },
      status: 201,
    },
    { method: 'GET', path: '/proxies/a', status: 200, type: JSON_TYPE },
    { method: 'POST', path: '/proxies/a', body: {}, status: 200, type: JSON_TYPE },
    { method: 'PATCH', path: '/proxies/a', body: {}, status: 200, type: JSON_TYPE },
    { method: 'DELETE', path: '/proxies/a', status: 204, type: null },
    { method: 'GET', path: '/proxies/a/toxics', status: 200, type: JSON_TYPE },
    { method: 'POST', path: '/proxies/a/toxics', body: { type: 'noop' }, status: 200, type: JSON_TYPE },
    { method: 'GET', path: '/proxies/a/toxics/t', status: 200, type: JSON_TYPE },
    { method: 'POST', path: '/proxies/a/toxics/t', body: {}, status: 200, type: JSON_TYPE },
    { method: 'PATCH', path: '/proxies/a/toxics/t', body: {}, status: 200, type: JSON_TYPE },
    { method: 'DELETE', path: '/proxies/a/toxics/t', status: 204, type: null },
    { method: 'POST', path: '/populate', body: [], status: 201, type: JSON_TYPE },
    { method: 'POST', path: '/reset', status: 204, type: null },
    { method: 'GET', path: '/metrics', status: 404, type: TEXT_TYPE },
    { method: 'GET', path: '/', status: 404, type: TEXT_TYPE },
    { method: 'GET', path: '/proxies/a/', status: 404, type: TEXT_TYPE },
    { method: 'GET', path: '/proxies/a/toxics/t/more', status: 404, type: TEXT_TYPE },
    { method: 'DELETE', path: '/reset', status: 405, type: null },
    { method: 'HEAD', path: '/version', status: 405, type: null },
  ])('answers $method $path with $status', async ({ method, path, body, status, type = JSON_TYPE }) => {
    const { call } = await startWithToxic();
    const reply = await call(method, path, body);
    expect({ status: reply.status, type: reply.type }).toEqual({ status, type });
    expect(reply.headers['x-toxiproxy-request-id']).toMatch(/^[\w-]{20}$/);
    expect(reply.headers['x-content-type-options']).toBe(type === TEXT_TYPE ? 'nosniff' : undefined);
    if (type === null) expect(reply.text).toBe('');
  });

  it('shows the version as 2.7.0 and later do', async () => {
    const { call } = await startWithToxic();
    expect((await call('GET', '/version')).text).toBe('{"version": "2.12.0"}\n');
  });

  it('shows a proxy and its toxics with their keys in order', async () => {
    const { call, listen, toxic } = await startWithToxic();
    await toxic('a', { type: 'slow_close', stream: 'upstream' });
    expect((await call('GET', '/proxies')).text).toBe(
      `{"a":{"name":"a","listen":"${listen}","upstream":"127.0.0.1:9","enabled":true,"Logger":{},"toxics":[` +
        '{"attributes":{"delay":0},"name":"slow_close_upstream","type":"slow_close","stream":"upstream","toxicity":1},' +
        '{"attributes":{"latency":5,"jitter":0},"name":"t","type":"latency","stream":"downstream","toxicity":1}]}}',
    );
  });

  it('lists proxies by name, and toxics upstream first, then in the order they came', async () => {
    const { call, proxy, toxic } = await startTestToxiproxy();
    for (const name of ['b', 'ä', 'a', '10', '9', 'B']) await proxy(name, 9);
    const { text } = await call('GET', '/proxies');
    expect([...text.matchAll(/\{"name":"([^"]+)"/g)].map(([, name]) => name)).toEqual([
      '10',
      '9',
      'B',
      'a',
      'b',
      'ä',
    ]);
    for (const [name, stream] of [
      ['1', 'downstream'],
      ['2', 'upstream'],
      ['3', 'downstream'],
      ['4', 'upstream'],
    ]) {
      await toxic('a', { type: 'noop', name, stream });
    }
    const { json } = await call('GET', '/proxies/a/toxics');
    expect((json as { name: string }[]).map(({ name }) => name)).toEqual(['2', '4', '1', '3']);
  });

  it('escapes in JSON what Go escapes', async () => {
    const { call } = await startTestToxiproxy();
    const { text } = await call('POST', '/proxies', {
      name: '<&>',
      listen: '127.0.0.1:0',
      upstream: UPSTREAM,
    });
    expect(text).toContain('{"name":"\\u003c\\u0026\\u003e",');
  });

  it('finds names that are encoded in the path', async () => {
    const { call, proxy } = await startTestToxiproxy();
    await proxy('eu west/1', 9);
    expect((await call('GET', '/proxies/eu%20west%2F1')).status).toBe(200);
    expect((await call('GET', '/proxies/%ff')).status).toBe(404);
  });
});

describe('an error', () => {
  it.each([
    { method: 'POST', path: '/proxies', body: '', status: 400, error: 'bad request body: EOF' },
    {
      method: 'POST',
      path: '/proxies',
      body: '{"name":',
      status: 400,
      error: 'bad request body: unexpected EOF',
    },
    {
      method: 'POST',
      path: '/proxies',
      body: '{"upstream":"x:1"}',
      status: 400,
      error: 'missing required field: name',
    },
    {
      method: 'POST',
      path: '/proxies',
      body: '{"name":"b"}',
      status: 400,
      error: 'missing required field: upstream',
    },
    { method: 'POST', path: '/proxies', body: 'null', status: 400, error: 'missing required field: name' },
    {
      method: 'POST',
      path: '/proxies',
      body: { name: 'a', upstream: 'x:1' },
      status: 409,
      error: 'proxy already exists',
    },
    { method: 'GET', path: '/proxies/none', status: 404, error: 'proxy not found' },
    { method: 'GET', path: '/proxies/a/toxics/none', status: 404, error: 'toxic not found' },
    { method: 'DELETE', path: '/proxies/a/toxics/none', status: 404, error: 'toxic not found' },
    { method: 'POST', path: '/proxies/none/toxics', body: {}, status: 404, error: 'proxy not found' },
    {
      method: 'POST',
      path: '/proxies/a/toxics',
      body: { type: 'noop', name: 't', stream: 'upstream' },
      status: 409,
      error: 'toxic already exists',
    },
    {
      method: 'POST',
      path: '/proxies/a/toxics',
      body: { type: 'noop', stream: 'up' },
      status: 400,
      error: 'stream was invalid, can be either upstream or downstream',
    },
    {
      method: 'POST',
      path: '/proxies/a/toxics',
      body: { type: 'down' },
      status: 400,
      error: 'invalid toxic type',
    },
    {
      method: 'POST',
      path: '/proxies',
      body: { name: 'b', listen: 'nowhere', upstream: 'x:1' },
      status: 500,
      error: 'listen tcp: address nowhere: missing port in address',
    },
    {
      method: 'POST',
      path: '/proxies',
      body: { name: 'b', listen: '192.0.2.1:1', upstream: 'x:1' },
      status: 500,
      error: 'listen tcp 192.0.2.1:1: bind: cannot assign requested address',
    },
  ])('of $method $path $body is $status $error', async ({ method, path, body, status, error }) => {
    const { call } = await startWithToxic();
    const reply = await call(method, path, body);
    expect(reply).toMatchObject({ status, type: TEXT_TYPE, text: `${JSON.stringify({ error, status })}\n` });
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
  });

  it('of a port in use names the port', async () => {
    const { call, listen } = await startWithToxic();
    const { json } = await call('POST', '/proxies', { name: 'b', listen, upstream: UPSTREAM });
    expect(json).toEqual({ error: `listen tcp ${listen}: bind: address already in use`, status: 500 });
    expect((await call('GET', '/proxies/b')).status).toBe(404);
  });

  it('is the reply to a browser, except for an unknown path', async () => {
    const { url } = await startWithToxic();
    const headers = { 'user-agent': 'Mozilla/5.0 (X11)' };
    expect(await callApi(url, { path: '/proxies', headers })).toMatchObject({
      status: 403,
      type: TEXT_TYPE,
      text: 'User agent not allowed\n',
    });
    expect(await callApi(url, { path: '/nope', headers })).toMatchObject({ status: 404 });
  });

  it.each([
    { rate: '-1', says: 'bad request body: rate must not be negative: -1' },
    {
      rate: '1.5',
      says: 'bad request body: json: cannot unmarshal number 1.5 into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: '1e3',
      says: 'bad request body: json: cannot unmarshal number 1e3 into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: '9223372036854775808',
      says: 'bad request body: json: cannot unmarshal number 9223372036854775808 into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: '"5"',
      says: 'bad request body: json: cannot unmarshal string into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: 'true',
      says: 'bad request body: json: cannot unmarshal bool into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: '[]',
      says: 'bad request body: json: cannot unmarshal array into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    {
      rate: '{}',
      says: 'bad request body: json: cannot unmarshal object into Go struct field BandwidthToxic.attributes.rate of type int64',
    },
    { rate: 'NaN', says: "bad request body: invalid character 'N' looking for beginning of value" },
    { rate: '-', says: "bad request body: invalid character '}' in numeric literal" },
  ])('of a rate of $rate is 400, when added and when updated', async ({ rate, says }) => {
    const { call, toxic } = await startWithToxic();
    const body = `{"type":"bandwidth","name":"b","attributes":{"rate":${rate}}}`;
    expect((await toxic('a', body)).json).toEqual({ error: says, status: 400 });
    await toxic('a', { type: 'bandwidth', name: 'b', attributes: { rate: 7 } });
    expect((await call('PATCH', '/proxies/a/toxics/b', body)).json).toEqual({ error: says, status: 400 });
    expect((await call('GET', '/proxies/a/toxics/b')).json).toMatchObject({ attributes: { rate: 7 } });
  });
});

describe('JSON', () => {
  it.each([
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a":[1 2]}', "invalid character '2' after array element"],
    ['{"a":"\n"}', "invalid character '\\n' in string literal"],
    ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
    ['{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"],
    ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
    ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
    ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
    ['[]', 'json: cannot unmarshal array into Go value of type toxiproxy.Proxy'],
    ['{"enabled":1}', 'json: cannot unmarshal number into Go struct field Proxy.enabled of type bool'],
  ])('that is wrong is refused in the words of Go: %s', async (body, says) => {
    const { call } = await startTestToxiproxy();
    expect((await call('POST', '/proxies', body)).json).toEqual({
      error: `bad request body: ${says}`,
      status: 400,
    });
  });

  it('is read like Go: ignores the case of names, unknown fields, null and trailing text', async () => {
    const { call } = await startTestToxiproxy();
    const body = `{"NAME":"a\\u0062\\n","Listen":"127.0.0.1:0","upstream":"x:1","enabled":null,"more":[{}]} trailing`;
    expect((await call('POST', '/proxies', body)).json).toMatchObject({ name: 'ab\n', enabled: true });
  });
});

describe('a toxic', () => {
  it.each(['latency', 'bandwidth', 'slow_close', 'timeout', 'reset_peer', 'slicer', 'limit_data', 'noop'])(
    'has defaults for all attributes: %s',
    async (type) => {
      const { toxic } = await startWithToxic();
      const { json } = await toxic('a', { type });
      const { attributes, ...rest } = json as { attributes: Record<string, number> };
      expect(rest).toEqual({ name: `${type}_downstream`, type, stream: 'downstream', toxicity: 1 });
      expect(Object.values(attributes).every((value) => value === 0)).toBe(true);
    },
  );

  it('keeps the stream as it was written, in its name too', async () => {
    const { toxic } = await startWithToxic();
    const { json } = await toxic('a', { type: 'noop', stream: 'UpStream' });
    expect(json).toMatchObject({ name: 'noop_UpStream', stream: 'UpStream' });
  });

  it('shows its toxicity as a float of 32 bits', async () => {
    const { toxic } = await startWithToxic();
    const { text } = await toxic('a', { type: 'noop', toxicity: 0.123456789 });
    expect(text).toContain('"toxicity":0.12345679}');
    expect((await toxic('a', { type: 'noop', name: 'x', toxicity: 0.3 })).text).toContain('"toxicity":0.3}');
  });

  it('merges attributes and toxicity when updated, and nothing else', async () => {
    const { call } = await startWithToxic();
    const change = { name: 'x', type: 'noop', stream: 'upstream', toxicity: 0.5, attributes: { jitter: 3 } };
    for (const method of ['POST', 'PATCH']) {
      expect((await call(method, '/proxies/a/toxics/t', change)).json).toEqual({
        attributes: { latency: 5, jitter: 3 },
        name: 't',
        type: 'latency',
        stream: 'downstream',
        toxicity: 0.5,
      });
    }
  });
});

describe('an update of a proxy', () => {
  it('changes what is in it and ignores the name', async () => {
    const { call, listen } = await startWithToxic();
    const { json } = await call('PATCH', '/proxies/a', { name: 'x', upstream: '127.0.0.1:10' });
    expect(json).toMatchObject({
      name: 'a',
      listen,
      upstream: '127.0.0.1:10',
      enabled: true,
      toxics: [{ name: 't' }],
    });
  });

  it.each([
    { title: 'keeps connections when nothing changes', change: () => ({ enabled: true }), kept: true },
    {
      title: 'keeps connections when the address is the same by its host name',
      change: (port: number) => ({ listen: `localhost:${port}` }),
      kept: true,
    },
    { title: 'drops connections for a new upstream', change: () => ({ upstream: UPSTREAM }), kept: false },
    { title: 'drops connections for a new port', change: () => ({ listen: '127.0.0.1:0' }), kept: false },
  ])('$title', async ({ change, kept }) => {
    const toxiproxy = await startTestToxiproxy();
    const port = await toxiproxy.proxy('a', (await startTcpServer(echo)).port);
    const client = await connectPeer(port);
    client.socket.write('a');
    await client.until(({ received }) => received() === 'a');
    expect((await toxiproxy.call('PATCH', '/proxies/a', change(port))).status).toBe(200);
    client.socket.write('b');
    await client.until(({ received, events }) => received() === 'ab' || events.includes('end'));
    expect(client.received()).toBe(kept ? 'ab' : 'a');
  });

  it('keeps the port it was given for 0, disabled and enabled again', async () => {
    const { call, listen } = await startWithToxic();
    expect((await call('POST', '/proxies/a', { enabled: false })).json).toMatchObject({
      listen,
      enabled: false,
    });
    expect((await call('POST', '/proxies/a', { enabled: true })).json).toMatchObject({
      listen,
      enabled: true,
    });
  });

  it('leaves the proxy disabled with the new address if it cannot be listened on', async () => {
    const { call, listen, proxy } = await startWithToxic();
    await proxy('b', 9);
    expect((await call('PATCH', '/proxies/b', { listen })).status).toBe(500);
    expect((await call('GET', '/proxies/b')).json).toMatchObject({ listen, enabled: false });
  });
});

describe('populate', () => {
  it('keeps a proxy with the same route, with its toxics and disabled state', async () => {
    const { call, listen } = await startWithToxic();
    await call('POST', '/proxies/a', { enabled: false });
    const { json } = await call('POST', '/populate', [
      { name: 'a', listen, upstream: UPSTREAM, enabled: true },
    ]);
    expect(json).toMatchObject({ proxies: [{ name: 'a', enabled: false, toxics: [{ name: 't' }] }] });
  });

  it('replaces a proxy with port 0: a new port, no toxics', async () => {
    const { call, listen } = await startWithToxic();
    const { json } = await call('POST', '/populate', [
      { name: 'a', listen: '127.0.0.1:0', upstream: UPSTREAM },
    ]);
    const { proxies } = json as { proxies: { listen: string; toxics: unknown[] }[] };
    expect(proxies).toMatchObject([{ toxics: [] }]);
    expect(proxies[0]?.listen).not.toBe(listen);
  });

  it('checks all before it creates any, and counts from 1', async () => {
    const { call } = await startTestToxiproxy();
    const reply = await call('POST', '/populate', [
      { name: 'a', listen: '127.0.0.1:0', upstream: UPSTREAM },
      { name: 'b' },
    ]);
    expect(reply).toMatchObject({ status: 400, type: JSON_TYPE });
    expect(reply.json).toEqual({
      error: 'missing required field: upstream at proxy 2',
      status: 400,
      proxies: null,
    });
    expect((await call('GET', '/proxies')).json).toEqual({});
  });

  it('keeps the proxies created before one that cannot listen', async () => {
    const { call, listen } = await startWithToxic();
    const specs = [
      { name: 'b', listen: '127.0.0.1:0', upstream: UPSTREAM },
      { name: 'c', listen, upstream: UPSTREAM },
      { name: 'd', listen: '127.0.0.1:0', upstream: UPSTREAM },
    ];
    const { status, json } = await call('POST', '/populate', specs);
    expect(status).toBe(500);
    expect(json).toMatchObject({
      error: expect.stringContaining('already in use'),
      status: 500,
      proxies: [{ name: 'b' }],
    });
    expect(Object.keys((await call('GET', '/proxies')).json as object)).toEqual(['a', 'b']);
  });

  it('is idempotent with fixed ports', async () => {
    const { call } = await startTestToxiproxy();
    const specs = [{ name: 'a', listen: `127.0.0.1:${await freePort()}`, upstream: UPSTREAM }];
    const first = await call('POST', '/populate', specs);
    expect(await call('POST', '/populate', specs)).toMatchObject({ status: 201, text: first.text });
  });
});

describe('reset', () => {
  it('enables every proxy and removes every toxic', async () => {
    const { call } = await startWithToxic();
    await call('POST', '/proxies/a', { enabled: false });
    expect((await call('POST', '/reset')).status).toBe(204);
    expect((await call('GET', '/proxies/a')).json).toMatchObject({ enabled: true, toxics: [] });
  });
});

describe('two clients at once', () => {
  /** What the Go client and toxiproxy-cli do: a success is any 2xx, an error is JSON whatever its type. */
  async function goClient(url: string, name: string) {
    const headers = { 'user-agent': 'toxiproxy-cli', 'content-type': 'application/json' };
    const send = async (method: string, path: string, body?: unknown) => {
      const { status, json } = await callApi(url, { method, path, body, headers });
      if (status < 200 || status >= 300) throw new Error((json as { error: string }).error);
      return json as Record<string, unknown>;
    };
    await send('POST', '/proxies', {
      name,
      listen: '127.0.0.1:0',
      upstream: UPSTREAM,
      enabled: true,
      toxics: null,
    });
    for (let round = 0; round < 20; round++) {
      const toxic = {
        name: '',
        type: 'latency',
        stream: 'downstream',
        toxicity: 1,
        attributes: { latency: round },
      };
      await send('POST', `/proxies/${name}/toxics`, toxic);
      await send('PATCH', `/proxies/${name}/toxics/latency_downstream`, { attributes: { jitter: round } });
      expect(await send('GET', `/proxies/${name}`)).toMatchObject({
        toxics: [{ attributes: { latency: round, jitter: round } }],
      });
      expect(await send('POST', `/proxies/${name}`, { enabled: round % 2 === 0 })).toMatchObject({ name });
      await send('DELETE', `/proxies/${name}/toxics/latency_downstream`);
      await expect(send('GET', `/proxies/${name}/toxics/latency_downstream`)).rejects.toThrow(
        'toxic not found',
      );
    }
    await send('DELETE', `/proxies/${name}`);
    await expect(send('DELETE', `/proxies/${name}`)).rejects.toThrow('proxy not found');
  }

  it('do not see each other', async () => {
    const { url, call } = await startTestToxiproxy();
    await Promise.all([goClient(url, 'one'), goClient(url, 'two')]);
    expect((await call('GET', '/proxies')).json).toEqual({});
  });

  it('cannot both create the same proxy', async () => {
    const { call } = await startTestToxiproxy();
    const make = () => call('POST', '/proxies', { name: 'a', listen: '127.0.0.1:0', upstream: UPSTREAM });
    expect((await Promise.all([make(), make(), make()])).map(({ status }) => status).sort()).toEqual([
      201, 409, 409,
    ]);
  });
});
