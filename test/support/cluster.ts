import { vi } from 'vitest';
import { freePort } from './free-port.ts';
import { type RedisProxy, startRedisProxy } from './redis-proxy.ts';
import { startTestServer, type TestServer } from './server.ts';

/** Starts a small cluster of primaries, the slots dealt out evenly, and waits until every node sees it whole. */
export async function startTestCluster(command: string, nodes: number): Promise<TestServer[]> {
  const config = async (i: number) =>
    Object.entries({
      'cluster-enabled': 'yes',
      'cluster-config-file': `nodes-${i}.conf`,
      'cluster-node-timeout': '15000', // a busy machine may stop a node for seconds; none of these fails over
      'cluster-announce-ip': '127.0.0.1', // alone, a node would not know it
      'cluster-port': String(await freePort()),
    }).flatMap(([key, value]) => [`--${key}`, value]);
  const servers = await Promise.all(
    Array.from({ length: nodes }, async (_, i) => startTestServer(command, await config(i))),
  );
  const [first] = servers;
  for (const [i, { client }] of servers.entries()) {
    const [from, to] = [Math.ceil((i * 16_384) / nodes), Math.ceil(((i + 1) * 16_384) / nodes) - 1];
    await client.cluster('ADDSLOTSRANGE', from, to);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  /** A handshake that takes long is lost, and no server repeats it. */
  const meet = async () => {
    for (const { client, port } of servers)
      if (first !== undefined && port !== first.port)
        await client.call('CLUSTER', 'MEET', '127.0.0.1', first.port, await busPort(first));
  };
  const isWhole = async ({ client }: TestServer) => {
    const info = await client.cluster('INFO');
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`);
  };
  await vi.waitFor(
    async () => {
      await meet();
      const areWhole = async () => (await Promise.all(servers.map(isWhole))).every(Boolean);
      await vi.waitUntil(areWhole, { timeout: 5_000 });
    },
    { timeout: 40_000 },
  );
  return servers;
}

/** Starts a proxy before each node; clients that follow the cluster's view come by them from now on. */
export async function announceProxies(nodes: readonly TestServer[]): Promise<RedisProxy[]> {
  const proxies: RedisProxy[] = [];
  for (const { port, client } of nodes) {
    const proxy = await startRedisProxy(port);
    proxies.push(proxy);
    await client.config('SET', 'cluster-announce-port', proxy.port);
  }
  const isAnnounced = async ({ client }: TestServer) => {
    const view = String(await client.cluster('NODES'));
    return proxies.every(({ port }) => view.includes(`:${port}@`));
  };
  await vi.waitUntil(async () => (await Promise.all(nodes.map(isAnnounced))).every(Boolean), {
    timeout: 15_000,
  });
  return proxies;
}

async function busPort({ client }: TestServer): Promise<string> {
  const [, port = ''] = (await client.config('GET', 'cluster-port')) as string[];
  return port;
}
