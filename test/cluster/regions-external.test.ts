import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readStatus } from '../../src/regions/cluster/status.ts';
import { openExternal } from '../../src/regions/external/external.ts';
import { healLinks } from '../../src/regions/network/links.ts';
import { parseEndpoints } from '../../src/scenario/endpoints/parse.ts';
import { cutPairs } from '../../src/topology/pairs.ts';
import { startToxiproxy, type Toxiproxy } from '../../src/toxiproxy/server/start.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { startTestCluster } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { startTestToxiproxy } from '../support/toxiproxy.ts';

const open = (text: string) => openExternal(parseEndpoints(text, 'e.json'), { file: 'e.json' });

describe('external regions', () => {
  let nodes: TestServer[] = [];
  let toxiproxy: Toxiproxy | undefined;
  beforeAll(async () => {
    nodes = await startTestCluster('redis-server', 2);
    toxiproxy = await startToxiproxy({ port: 0 });
  });
  afterAll(async () => {
    await toxiproxy?.close();
    await Promise.all(nodes.map((node) => node.stop()));
  });

  const endpoints = (toxiproxies: Record<string, string>) =>
    JSON.stringify({
      regions: ['a', 'b'],
      nodes: nodes.map(({ port }, i) => ({
        name: `node-${i}`,
        region: i === 0 ? 'a' : 'b',
        address: `127.0.0.1:${port}`,
      })),
      toxiproxy: toxiproxies,
    });

  it('are shown, and down does not end them', async () => {
    const regions = open(endpoints({}));
    const status = await readStatus(regions);
    expect(status.nodes.map(({ name, role, clusterOk }) => [name, role, clusterOk])).toEqual([
      ['node-0', 'primary', true],
      ['node-1', 'primary', true],
    ]);
    expect(status.links).toEqual([]);
    await regions.down();
    expect(await nodes[0]?.client.ping()).toBe('PONG');
  });

  it('are shown if one of their Toxiproxies does not answer', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { links } = await readStatus(open(endpoints({ a: url, b: url })));
    expect(links.map(({ from, to, silent }) => [from, to, silent])).toEqual([
      ['a', 'b', `GET ${url}/proxies/node-1 failed: ECONNREFUSED`],
      ['b', 'a', `GET ${url}/proxies/node-0 failed: ECONNREFUSED`],
    ]);
  });

  it('need only their file; exit code 69 if no node answers', async () => {
    const folder = testFolder();
    const nodes = [{ name: 'n', region: 'a', address: `127.0.0.1:${await freePort()}` }];
    writeFileSync(join(folder, 'e.json'), JSON.stringify({ regions: ['a'], nodes }));
    const status = ['status', '--endpoints', 'e.json'];
    const both = await callCli([...status, '--name', 'x'], { cwd: folder });
    expect([both.code, both.stderr]).toEqual([
      64,
      expect.stringMatching(/cannot be used with option '--name/),
    ]);
    const { code, stdout, stderr } = await callCli(status, { cwd: folder });
    expect([code, stderr]).toEqual([69, 'does not answer: n\n']);
    expect(stdout).toMatch(/n .*down/);
  });

  it('say of a server without cluster mode that it has none; exit code 69', async () => {
    const folder = testFolder();
    const server = await startTestServer('redis-server');
    onTestFinished(() => server.stop());
    const nodes = [{ name: 'n', region: 'a', address: `127.0.0.1:${server.port}` }];
    writeFileSync(join(folder, 'e.json'), JSON.stringify({ regions: ['a'], nodes }));
    const { code, stdout, stderr } = await callCli(['status', '--endpoints', 'e.json'], { cwd: folder });
    expect([code, stdout]).toEqual([69, expect.stringMatching(/n .*standalone/)]);
    expect(stderr).toMatch(
      new RegExp(
        `^not in cluster mode: n\n.*cluster-enabled yes\n.*inspect <user> --cluster redis://127.0.0.1:${server.port}\n$`,
      ),
    );
    const inspected = await callCli(['inspect', 'ada', '--cluster', `redis://127.0.0.1:${server.port}`]);
    expect(inspected.code, inspected.stderr).toBe(0);
  });

  it('say of a server that asks for a password how to give it', async () => {
    const folder = testFolder();
    const server = await startTestServer('redis-server');
    onTestFinished(() => server.stop());
    await server.client.config('SET', 'requirepass', 'right');
    const nodes = [{ name: 'n', region: 'a', address: `127.0.0.1:${server.port}` }];
    writeFileSync(join(folder, 'e.json'), JSON.stringify({ regions: ['a'], nodes }));
    const status = (env: Record<string, string>) =>
      callCli(['status', '--endpoints', 'e.json'], { cwd: folder, env });
    for (const env of [{}, { REDIS_PASSWORD: 'wrong' }]) {
      const { code, stdout, stderr } = await status(env);
      expect([code, stdout]).toEqual([69, expect.stringMatching(/n .*locked/)]);
      expect(stderr).toMatch(
        /^asks for a password, or refuses the one given: n\n {2}set REDIS_PASSWORD, .*\n$/,
      );
    }
    const { stdout, stderr } = await status({ REDIS_PASSWORD: 'right' });
    expect(stdout).toMatch(/n .*standalone/);
    expect(stderr).toMatch(/^not in cluster mode: n\n/);
  });

  it('refuse faults without a Toxiproxy, and kills', async () => {
    const regions = open(endpoints({}));
    await expect(regions.links.cut(cutPairs({ isolate: ['a'] }, regions.topology), 'refuse')).rejects.toThrow(
      /has no Toxiproxy/,
    );
    await expect(regions.nodes.kill('node-0')).rejects.toThrow(/node-0 is external/);
  });

  it('accept faults with a Toxiproxy', async () => {
    const url = toxiproxy?.url ?? '';
    for (const [i, { port }] of nodes.entries()) {
      for (const name of [`node-${i}`, `node-${i}-bus`]) {
        const body = JSON.stringify({ name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${port}` });
        expect((await fetch(`${url}/proxies`, { method: 'POST', body })).status).toBe(201);
      }
    }
    const { links, topology } = open(endpoints({ a: url, b: url }));
    await links.setLatency({ from: 'a', to: 'b' }, { latencyMs: 7, jitterMs: 1 });
    await links.cut(cutPairs({ isolate: ['a'] }, topology), 'refuse');
    expect(await links.state()).toMatchObject([
      { from: 'a', to: 'b', latencyMs: 7, jitterMs: 1, cut: 'refuse' },
      { from: 'b', to: 'a', latencyMs: 0, cut: 'refuse' },
    ]);
    await links.restore(cutPairs({ isolate: ['a'] }, topology));
    expect((await links.state()).every(({ cut }) => cut === undefined)).toBe(true);
  });

  it('with a Toxiproxy in only some, refuse a partial fault before any change, and heal the rest', async () => {
    const { url, proxy } = await startTestToxiproxy();
    for (const name of ['n0', 'n0-bus', 'n1', 'n1-bus', 'n2', 'n2-bus']) await proxy(name, 9);
    const file = JSON.stringify({
      regions: ['a', 'b', 'c'],
      nodes: ['a', 'b', 'c'].map((region, i) => ({ name: `n${i}`, region, address: `127.0.0.1:${9 + i}` })),
      toxiproxy: { a: url, b: url },
    });
    const { links, topology } = open(file);
    await expect(links.cut(cutPairs({ isolate: ['a'] }, topology), 'blackhole')).rejects.toThrow(
      'region c has no Toxiproxy: its links cannot be changed',
    );
    expect((await links.state()).filter(({ cut }) => cut !== undefined)).toEqual([]);
    await links.cut(cutPairs({ bridge: ['a', 'b'] }, topology), 'blackhole');
    await Promise.all([healLinks(links, topology), healLinks(links, topology), healLinks(links, topology)]);
    expect((await links.state()).filter(({ cut }) => cut !== undefined)).toEqual([]);
  });
});
