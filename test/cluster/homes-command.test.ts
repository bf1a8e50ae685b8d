import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { startTestServer } from '../support/server.ts';

const SOON = { timeout: 30_000, interval: 200 };

describe('homes on a cluster of two regions', { timeout: 60_000 }, () => {
  let started: Awaited<ReturnType<typeof startLocalRegions>> | undefined;
  beforeAll(async () => {
    started = await startLocalRegions('redis-server', {
      regions: ['a', 'b'],
      replicas: 1,
      roundTripMs: { 'a:b': 2 },
    });
  }, 60_000);
  afterAll(() => started?.stop());

  function regions(): Regions {
    if (started === undefined) throw new Error('there is no cluster');
    return started.regions;
  }

  const at = (node: string) => {
    const { host, port } = regions().announced(node);
    return `${host}:${port}`;
  };
  const tableNow = () => ({
    format: 'openclaw-homes',
    version: 1,
    regions: {
      a: { slots: '0-8191', nodes: [at('a-0'), at('a-1')] },
      b: { slots: '8192-16383', nodes: [at('b-0'), at('b-1')] },
    },
  });

  async function homes(args: readonly string[], table?: object) {
    const cwd = testFolder();
    if (table !== undefined) writeFileSync(join(cwd, 'homes.json'), JSON.stringify(table));
    return callCli(['homes', ...args], { cwd, env: { OPENCLAW_RL_STATE: started?.state ?? '' } });
  }

  const named = ['--name', 'test'];
  const byFlags = () => [
    ...['--cluster', `redis://${at('b-0')}`],
    ...['--region', `a=${at('a-0')},${at('a-1')}`, '--region', `b=${at('b-0')},${at('b-1')}`],
  ];

  async function call(node: string, ...words: [string, ...string[]]): Promise<string> {
    const client = connectDirect(regions().direct(node));
    try {
      return String(await client.call(...words));
    } finally {
      client.disconnect();
    }
  }

  /** An endpoints file, which is JSON as well. */
  const endpoints = () => ({
    regions: ['a', 'b'],
    nodes: regions().topology.nodes.map(({ name, region }) => ({ name, region, address: at(name) })),
  });

  it('prints the table of a cluster by its name, and of any other by its nodes', async () => {
    for (const args of [named, byFlags(), ['--endpoints', 'homes.json']]) {
      const { code, stdout, stderr } = await homes(args, endpoints());
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual(tableNow());
    }
  });

  it('refuses a node that is in no region, and one that is not of the cluster', async () => {
    const [cluster, url = '', ...typed] = byFlags();
    const without = await homes([cluster ?? '', url, ...typed.slice(0, 2), '--region', `b=${at('b-0')}`]);
    expect(without.code).toBe(64);
    expect(without.stderr).toContain(`${at('b-1')} is a node of the cluster, and no --region names it`);
    const foreign = await homes([...byFlags(), '--region', 'c=127.0.0.1:1']);
    expect(foreign.code).toBe(64);
    expect(foreign.stderr).toContain('--region c: 127.0.0.1:1 is no node of the cluster; found ');
  });

  it('says whether a table is still that of the cluster, and what differs', async () => {
    const equal = await homes([...named, '--check', 'homes.json'], tableNow());
    expect(equal).toEqual({ code: 0, stdout: 'homes.json is the homes table of the cluster\n', stderr: '' });
    const other = structuredClone(tableNow());
    other.regions.a = { slots: '0-8000', nodes: [at('a-0')] };
    const differs = await homes([...named, '--check', 'homes.json'], other);
    expect(differs.code).toBe(1);
    expect(differs.stdout).toContain('  slots 8001-8191: no region in the file, a in the cluster\n');
    expect(differs.stdout).toContain(`  a: ${at('a-1')} is in the cluster, not in the file\n`);
    expect(differs.stdout).toContain('\nNo slot moved: the file lacks them');
    expect(differs.stdout).not.toContain('Move the slots back');
    const document = await homes([...named, '--check', 'homes.json', '--json'], other);
    expect(JSON.parse(document.stdout)).toMatchObject({ isEqual: false, problems: [], now: tableNow() });
  });

  it('names nodes as decisions do: by host names, if the cluster prefers them', async () => {
    const nodes = regions().topology.nodes.map(({ name }) => name);
    const announce = (hostOf: (node: string) => string, preferred: string) =>
      Promise.all(
        nodes.map(async (node) => {
          await call(node, 'CONFIG', 'SET', 'cluster-announce-hostname', hostOf(node));
          await call(node, 'CONFIG', 'SET', 'cluster-preferred-endpoint-type', preferred);
        }),
      );
    const portOf = (node: string) => regions().announced(node).port;
    const of = (region: string) =>
      nodes.filter((node) => node.startsWith(region)).map((node) => `${node}.test:${portOf(node)}`);
    try {
      await announce((node) => `${node}.test`, 'hostname');
      for (const args of [named, byFlags(), ['--endpoints', 'homes.json']]) {
        const { code, stdout, stderr } = await homes(args, endpoints());
        expect(code, stderr).toBe(0);
        expect(JSON.parse(stdout).regions).toMatchObject({ a: { nodes: of('a') }, b: { nodes: of('b') } });
      }
      await announce((node) => `${node}.test`, 'unknown-endpoint'); // clients use the addresses that they have
      expect(JSON.parse((await homes(named)).stdout)).toEqual(tableNow());
    } finally {
      await announce(() => '', 'ip');
    }
    expect(JSON.parse((await homes(named)).stdout)).toEqual(tableNow());
  });

  it('refuses while a slot migrates, and prints again once it does not', async () => {
    const id = await call('b-0', 'CLUSTER', 'MYID');
    await call('a-0', 'CLUSTER', 'SETSLOT', '93', 'MIGRATING', id);
    try {
      const { code, stdout, stderr } = await homes(named);
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
      expect(stderr).toContain('test has no homes now: slot 93 of a-0 is migrating');
      expect(stderr).toContain('openclaw-rl fault heal --name test');
    } finally {
      await call('a-0', 'CLUSTER', 'SETSLOT', '93', 'STABLE');
    }
    expect((await homes(named)).code).toBe(0);
  });

  it('refuses while slots rest elsewhere, and names the way out', async () => {
    const id = await call('b-0', 'CLUSTER', 'MYID');
    for (const node of ['b-0', 'a-0']) await call(node, 'CLUSTER', 'SETSLOT', '93', 'NODE', id);
    const refused = await homes(named);
    expect([refused.code, refused.stdout], refused.stderr).toEqual([69, '']);
    expect(refused.stderr).toContain('b-0 has slot 93 of a-0');
    const env = { OPENCLAW_RL_STATE: started?.state ?? '' };
    const healed = await callCli(['fault', 'heal', ...named], { env });
    expect(healed.code, healed.stderr).toBe(0);
    expect((await homes(named)).code).toBe(0);
  });

  it('refuses while a failover is not undone; --check names what moved; fault heal undoes it', async () => {
    await call('b-1', 'CLUSTER', 'FAILOVER'); // the replica of a-0
    await vi.waitUntil(async () => (await call('a-0', 'ROLE')).startsWith('slave'), SOON);
    const { code, stdout, stderr } = await homes(named);
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('region a owns no slots');
    expect(stderr).toContain('openclaw-rl fault heal --name test');
    const checked = await homes([...named, '--check', 'homes.json'], tableNow());
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain('  slots 0-8191: a in the file, b in the cluster\n');
    expect(checked.stdout).toContain('first: openclaw-rl fault heal --name test\n');
    const cwd = testFolder();
    const env = { OPENCLAW_RL_STATE: started?.state ?? '' };
    writeFileSync(join(cwd, 'homes.json'), JSON.stringify(tableNow()));
    const inspect = ['inspect', 'a.ada', ...named, '--homes', 'homes.json'];
    const inspected = await callCli([...inspect, '--json'], { cwd, env });
    expect(JSON.parse(inspected.stdout)).toMatchObject({ home: { region: 'a', isThere: false } });
    expect((await callCli(inspect, { cwd, env })).stdout).toMatch(/^home +a, but it is elsewhere now: /m);
    const healed = await callCli(['fault', 'heal', ...named], { cwd, env });
    expect(healed.code, healed.stderr).toBe(0);
    const again = await homes([...named, '--check', 'homes.json'], tableNow());
    expect(again.code, again.stdout).toBe(0);
  });

  it.each([
    { title: 'without cluster mode', config: [], code: 64, says: 'is not in cluster mode' },
    { title: 'with a password', config: ['--requirepass', 'x'], code: 69, says: 'NOAUTH' },
  ])('says what is wrong with a server $title', async ({ config, code, says }) => {
    const server = await startTestServer('redis-server', config, config[1]);
    onTestFinished(() => server.stop());
    const { port } = server;
    const asked = await homes(['--cluster', server.url, '--region', `a=127.0.0.1:${port}`]);
    expect([asked.code, asked.stdout], asked.stderr).toEqual([code, '']);
    expect(asked.stderr).toContain(says);
  });

  it.each([
    { args: ['--region', 'a=127.0.0.1:1'], says: '--region needs --cluster' },
    { args: ['--cluster', 'URL'], says: '--cluster needs --region' },
    { args: ['--cluster', 'URL', '--region', 'a'], says: 'Expected a region and its nodes' },
    {
      args: ['--cluster', 'URL', '--region', 'a=h:1', '--region', 'a=h:2'],
      says: 'Region a is given twice: name all its nodes in one --region.',
    },
    { args: ['--cluster', 'URL', '--region', 'a=host'], says: 'Expected a region and its nodes' },
    { args: ['--cluster', 'URL', '--region', 'a=h:1', '--name', 'x'], says: 'cannot be used with' },
    { args: ['--cluster', 'URL', '--region', 'a=h:1', '--insecure'], says: 'need --cluster rediss://' },
    { args: ['--cluster', 'http://x', '--region', 'a=h:1'], says: 'expected redis[s]://' },
    { args: ['--cluster', 'URL', '--region', 'a=h:1', '--check', 'x.json'], says: 'there is no such file' },
    {
      args: ['--cluster', 'URL', '--region', 'a=h:1', '--check', 'homes.json'],
      says: '--check: homes.format must be openclaw-homes',
    },
    { args: ['--endpoints', 'x.yaml'], says: 'there is no such file' },
  ])('refuses $args before anything is sent', async ({ args, says }) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const typed = args.map((word) => (word === 'URL' ? `redis://127.0.0.1:${port}` : word));
    const { code, stdout, stderr } = await homes(typed, { format: 'x' });
    expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(says);
    expect(connections).toBe(0);
  });
});
