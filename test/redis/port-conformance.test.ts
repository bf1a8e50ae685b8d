import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisPort, RedisSource } from '../../src/limiter/redis/port.ts';
import { freePort } from '../support/free-port.ts';
import { COUNT, PORTS, script } from '../support/redis-ports.ts';
import { type ProxyMode, type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const KEY = 'count';
/** Longer than a busy machine takes for a reply; a test that waits for it to pass has the short one. */
const TIMEOUT_MS = 5_000;
const SHORT_TIMEOUT_MS = 700;
const timeoutFor = (mode: ProxyMode) => (mode === 'swallow-replies' ? SHORT_TIMEOUT_MS : TIMEOUT_MS);

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(
  command: string,
  config: readonly string[] = [],
  password?: string,
): Promise<TestServer> {
  const server = await startTestServer(command, config, password);
  ends.push(() => server.stop());
  return server;
}

function open(source: RedisSource): RedisPort {
  const port = source.open();
  ends.push(() => port.close());
  return port;
}

async function startProxy(server: TestServer): Promise<RedisProxy> {
  const proxy = await startRedisProxy(server.port);
  ends.push(() => proxy.close());
  return proxy;
}

/** Runs the counting script; an error in the place of the count. */
const count = (port: RedisPort, key = KEY) =>
  port.run(COUNT, [key], []).then(
    ({ values: [value] }) => value,
    (error) => error,
  );

/** Waits until the port is connected and the server knows the script: a reply of NOSCRIPT would be lost otherwise. */
const warmUp = (port: RedisPort) =>
  expect.poll(() => count(port, 'before'), { timeout: 30_000 }).toBeTypeOf('number');

const LONG = { timeout: 60_000 };
const CASES = SERVERS.flatMap((command) => PORTS.map((port) => ({ ...port, command })));

describe.each(CASES)('a port by $name on $command', LONG, ({ command, standalone }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterEach(async () => {
    await server.client.config('SET', 'maxmemory', '0');
    await server.client.flushall();
  });
  afterAll(() => server.stop());

  it('runs a script that the server knows, and one that it has forgotten, and names the node', async () => {
    const { port, client } = server;
    const redis = open(standalone(port, TIMEOUT_MS));
    await redis.ready();
    expect(await redis.run(COUNT, [KEY], [])).toEqual({ values: [1], node: `127.0.0.1:${port}` });
    expect(await count(redis)).toBe(2);
    await client.script('FLUSH');
    expect(await Promise.all([count(redis), count(redis), count(redis)])).toEqual([3, 4, 5]);
    expect(await client.get(KEY)).toBe('5');
  });

  it('says that no charge was made: no server listens', async () => {
    const redis = open(standalone(await freePort(), TIMEOUT_MS));
    const expected = { code: 'REDIS_UNREACHABLE', charge: 'none', message: /ECONNREFUSED/ };
    expect(await count(redis)).toMatchObject(expected);
    await expect(redis.ready()).rejects.toMatchObject(expected);
  });

  it('says that no charge was made: wrong password, none, or a user who may not', async () => {
    const { port, client } = await start(command, ['--requirepass', 'right'], 'right');
    const rights = ['~*', '+@read', '+hello', '+client', '+info', '+ping'];
    await client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', ...rights);
    for (const login of [{ password: 'wrong' }, {}, { username: 'reader', password: 'secret' }]) {
      const error = await count(open(standalone(port, TIMEOUT_MS, login)));
      expect(error).toMatchObject({ code: 'REDIS_AUTH', charge: 'none' });
      expect(`${error.message} ${error.hint}`).not.toMatch(/: wrong|secret/);
    }
    expect(await client.exists(KEY)).toBe(0);
    expect(await count(open(standalone(port, TIMEOUT_MS, { password: 'right' })))).toBe(1);
  });

  it('says that no charge was made: a read-only replica', async () => {
    const primary = await start(command, ['--repl-diskless-sync-delay', '0']);
    const replica = await start(command, ['--replicaof', '127.0.0.1', String(primary.port)]);
    const isLinked = async () => (await replica.client.info('replication')).includes('master_link_status:up');
    await expect.poll(isLinked, { timeout: 15_000 }).toBe(true);
    const error = await count(open(standalone(replica.port, TIMEOUT_MS)));
    expect(error).toMatchObject({ code: 'REDIS_READ_ONLY', charge: 'none' });
    expect(await primary.client.exists(KEY)).toBe(0);
  });

  it('says that no charge was made: out of memory', async () => {
    const { port, client } = server;
    const redis = open(standalone(port, TIMEOUT_MS));
    await redis.ready();
    await client.config('SET', 'maxmemory', '1');
    const strict = script('strict', `#!lua\n${COUNT.source}`); // asks for memory before it starts
    await expect(redis.run(strict, [KEY], [])).rejects.toMatchObject({
      code: 'REDIS_OUT_OF_MEMORY',
      charge: 'none',
    });
    expect(await client.exists(KEY)).toBe(0);
  });

  it("says that no charge was made: another program's key", async () => {
    const { port, client } = server;
    await client.rpush(KEY, 'theirs');
    const error = await count(open(standalone(port, TIMEOUT_MS)));
    expect(error).toMatchObject({ code: 'REDIS_WRONG_TYPE', charge: 'none' });
  });

  it.each([
    ['text', "redis.call('INCR', KEYS[1]) return 'text'", /expected integers/],
    [
      'an error of the script',
      "redis.call('INCR', KEYS[1]) return redis.error_reply('ODD it is')",
      /ODD it is/,
    ],
  ])('says that a charge is possible: the reply is %s', async (_, source, message) => {
    const { port, client } = server;
    const redis = open(standalone(port, TIMEOUT_MS));
    await expect(redis.run(script('odd', source), [KEY], [])).rejects.toMatchObject({
      code: 'REPLY_UNEXPECTED',
      charge: 'possible',
      message: expect.stringMatching(message),
    });
    expect(await client.get(KEY)).toBe('1');
  });

  it.each<[ProxyMode, string, number]>([
    ['cut-before-reply', 'REPLY_LOST', 1],
    ['swallow-replies', 'REPLY_TIMEOUT', 1],
    ['cut-before-request', 'REPLY_LOST', 0],
  ])('says that a charge is possible, and sends nothing twice: %s', async (mode, code, ran) => {
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, timeoutFor(mode)));
    await warmUp(redis);
    proxy.mode = mode;
    expect(await count(redis)).toMatchObject({ code, charge: 'possible' });
    proxy.mode = 'pass';
    if (mode !== 'swallow-replies') proxy.cut(); // else the port itself must give the silent connection up
    await warmUp(redis);
    expect(await count(redis)).toBe(ran + 1);
    await sleep(100); // in which something sent later would come
    expect(await server.client.get(KEY)).toBe(String(ran + 1));
  });

  it('reports the true charge of each of many when the connection is cut', async () => {
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, TIMEOUT_MS));
    await warmUp(redis);
    const outcomes: unknown[] = [];
    const lane = async () => {
      for (let i = 0; i < 60; i++) {
        outcomes.push(await count(redis));
        if (outcomes.length % 97 === 0) proxy.cut();
      }
    };
    await Promise.all(Array.from({ length: 20 }, lane));
    const counted = outcomes.filter((outcome) => typeof outcome === 'number');
    const possible = outcomes.filter((outcome) => (outcome as { charge?: string }).charge === 'possible');
    const ran = Number(await server.client.get(KEY));
    expect(new Set(counted).size).toBe(counted.length);
    expect(ran).toBeGreaterThanOrEqual(counted.length);
    expect(ran).toBeLessThanOrEqual(counted.length + possible.length);
    expect(counted.length).toBeGreaterThan(0);
  });

  it('says that a charge is possible, and recovers, when it receives invalid data', async () => {
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, TIMEOUT_MS));
    await warmUp(redis);
    proxy.mode = 'hold-replies';
    const reply = Promise.all([count(redis), count(redis), count(redis)]);
    await expect.poll(() => server.client.get(KEY), { timeout: 4_000 }).toBe('3');
    proxy.inject('?!\r\n'); // of no type that there is; the socket lives
    const possible = { code: 'REPLY_LOST', charge: 'possible' };
    await expect.poll(() => proxy.releaseByte(), { timeout: 4_000 }).toBe(true);
    proxy.release(); // the replies of before are not taken for those of later ones
    expect(await reply).toMatchObject([possible, possible, possible]);
    proxy.mode = 'pass';
    await warmUp(redis);
    expect(await count(redis)).toBe(4);
  });

  it('leaves no connection when it is closed, also on which something came that is no reply', async () => {
    const connections = async () =>
      String(await server.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    await expect.poll(connections, LONG).toBe(1);
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, TIMEOUT_MS));
    await redis.ready();
    proxy.mode = 'hold-replies'; // the next connection stays in its handshake
    proxy.inject('?!\r\n');
    await sleep(100);
    proxy.inject('?!\r\n');
    await sleep(100);
    await redis.close();
    await expect.poll(connections, { timeout: 2_000 }).toBe(1);
  });

  it('never sends later what it gave up on before it was sent', async () => {
    const proxy = await startProxy(server);
    await server.client.eval(COUNT.source, 1, 'before'); // the script is known
    proxy.mode = 'hold-replies'; // the handshake hangs, so the command waits for the connection
    const redis = open(standalone(proxy.port, SHORT_TIMEOUT_MS));
    const givenUp = count(redis);
    await expect.poll(() => proxy.releaseByte(), { timeout: 5_000, interval: 10 }).toBe(true);
    expect(await givenUp).toMatchObject({ charge: 'none' });
    proxy.mode = 'pass';
    proxy.release();
    await warmUp(redis);
    expect(await count(redis)).toBe(1);
    await sleep(100);
    expect(await server.client.get(KEY)).toBe('1');
  });

  it('connects again to a server that was started late, or again', async () => {
    const redis = open(standalone(server.port, TIMEOUT_MS));
    expect(await count(redis)).toBe(1);
    await server.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await warmUp(redis);
    expect(await count(redis)).toBe(2);
  });

  it('refuses once it is closed, and leaves no connection', async () => {
    const connections = async () =>
      String(await server.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    const onlyOurs = () => expect.poll(connections, { timeout: 5_000 }).toBe(1);
    await onlyOurs();
    const redis = open(standalone(server.port, TIMEOUT_MS));
    await redis.ready();
    expect(await connections()).toBe(2);
    await redis.close();
    expect(await count(redis)).toMatchObject({ code: 'LIMITER_CLOSED', charge: 'none' });
    await expect(redis.ready()).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
    await onlyOurs();
  });

  it('lets commands in flight end when it is closed, and refuses new ones', async () => {
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, 5_000));
    await warmUp(redis);
    proxy.mode = 'hold-replies';
    const held = count(redis);
    await expect.poll(() => server.client.get(KEY), { timeout: 4_000 }).toBe('1');
    const closing = redis.close();
    expect(await count(redis)).toMatchObject({ code: 'LIMITER_CLOSED', charge: 'none' });
    proxy.mode = 'pass'; // the reply may not have reached the proxy yet
    proxy.release();
    expect(await held).toBe(1);
    await closing;
  });

  it('does not wait for long for a reply when it is closed, and states the true charge', async () => {
    const proxy = await startProxy(server);
    const redis = open(standalone(proxy.port, 60_000));
    await warmUp(redis);
    proxy.mode = 'hold-replies';
    const held = count(redis);
    await expect.poll(() => server.client.get(KEY), { timeout: 4_000 }).toBe('1');
    await redis.close();
    expect(await held).toMatchObject({ code: 'REPLY_LOST', charge: 'possible' });
  });
});
