import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { connectUpstash } from '../../audits/support/upstash.mjs';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer('redis-server');
});
afterAll(() => server.stop());

async function open() {
  const { hostname: host, port } = new URL(server.url);
  const upstash = await connectUpstash(
    { cluster: false },
    { nodes: [{ host, port: Number(port) }], redisOptions: {} },
  );
  onTestFinished(() => upstash.close());
  return upstash;
}

const SCRIPT = "#!lua flags=allow-key-locking\nreturn { KEYS[1], ARGV[1], redis.call('INCR', KEYS[1]) }";
const SHA = createHash('sha1').update(SCRIPT).digest('hex');

it('answers commands of @upstash/redis with texts, numbers and nothing', async () => {
  const { client } = await open();
  expect(await client.set('word', 'hällo')).toBe('OK');
  expect(await client.get('word')).toBe('hällo');
  expect(await client.incr('count')).toBe(1);
  expect(await client.get('none')).toBe(null);
});

it('answers commands that @upstash/redis sends as one pipeline', async () => {
  const { client } = await open();
  expect(await client.pipeline().set('a', 1).incr('a').get('b').exec()).toEqual(['OK', 2, null]);
});

it('runs a script by its digest once it was sent or loaded, without the flag that only Upstash knows', async () => {
  const { client } = await open();
  await expect(client.evalsha(SHA, ['k1'], ['x'])).rejects.toThrow('NOSCRIPT');
  expect(await client.eval(SCRIPT, ['k1'], ['x'])).toEqual(['k1', 'x', 1]);
  expect(await client.evalsha(SHA, ['k1'], ['x'])).toEqual(['k1', 'x', 2]);
  const { client: other } = await open();
  expect(await other.scriptLoad(SCRIPT)).toBe(SHA);
  expect(await other.evalsha(SHA, ['k1'], ['x'])).toEqual(['k1', 'x', 3]);
});

it('gives errors of Redis as errors', async () => {
  const { url, client } = await open();
  await client.set('text', 'x');
  await expect(client.incr('text')).rejects.toThrow('not an integer');
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(['INCR', 'text']) });
  expect([reply.status, await reply.json()]).toEqual([
    400,
    { error: 'ERR value is not an integer or out of range' },
  ]);
});

it('gives texts as they are to a caller that asks for no base64', async () => {
  const { url } = await open();
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(['ECHO', 'hi']) });
  expect(await reply.json()).toEqual({ result: 'hi' });
});
