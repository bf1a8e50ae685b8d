import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { formCluster } from '../../src/regions/cluster/form-cluster.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { freePort } from '../support/free-port.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS, startTestServer } from '../support/server.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

const ALONE = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a'], replicas: 0 });

describe('formCluster', { timeout: 30_000 }, () => {
  it.each(SERVERS)('names the node of %s and the command that it refuses, with a hint', async (command) => {
    const server = await startTestServer(command, ['--cluster-enabled', 'yes']);
    onTestFinished(() => server.stop());
    await server.client.cluster('ADDSLOTS', 7);
    const { host, port } = server;
    const node = { name: 'a-0', direct: { host, port }, announced: { host, port, busPort: port + 1 } };
    await expect(formCluster(ALONE, [node], new AbortController().signal)).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message:
        'the cluster cannot be formed: a-0 answers CLUSTER ADDSLOTSRANGE with: ERR Slot 7 is already busy',
      hint: expect.stringMatching(/start it again/),
    });
  });

  it('stops waiting for a hanging node on an interrupt', async () => {
    const { port, peers } = await startTcpServer(); // takes connections, and answers nothing
    const at = { host: '127.0.0.1', port };
    const node = { name: 'a-0', direct: at, announced: { ...at, busPort: 1 } };
    const interrupt = new AbortController();
    const forming = formCluster(ALONE, [node], interrupt.signal).catch((error: unknown) => error);
    await vi.waitUntil(() => peers.length > 0, { timeout: 10_000 });
    const startedMs = performance.now();
    interrupt.abort();
    expect(await forming).toMatchObject({ code: 'INTERRUPTED' });
    expect(performance.now() - startedMs).toBeLessThan(5_000); // half of what an order has
  });

  it.each(SERVERS)('introduces nodes of %s again after a lost handshake', async (command) => {
    const signal = new AbortController().signal;
    let busOfA = 0;
    let isLost = true;
    const gate = await startTcpServer((socket) => {
      if (isLost)
        setTimeout(() => (isLost = false), 1_500); // longer than a node timeout
      else
        socket
          .pipe(connect(busOfA, '127.0.0.1'))
          .on('error', () => {})
          .pipe(socket);
    });
    const nodes = [];
    for (const [name, announcedBus] of [
      ['a-0', gate.port],
      ['b-0', undefined],
    ] as const) {
      const busPort = await freePort();
      if (name === 'a-0') busOfA = busPort;
      const server = await startTestServer(command, [
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', `${busPort}`],
        ...['--cluster-announce-bus-port', `${announcedBus ?? busPort}`],
      ]);
      onTestFinished(() => server.stop());
      const { host, port } = server;
      nodes.push({
        name,
        direct: { host, port },
        announced: { host, port, busPort: announcedBus ?? busPort },
      });
    }
    await formCluster(planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], replicas: 0 }), nodes, signal);
    expect(isLost).toBe(false);
  });

  // Valkey 8.1.1 came up without this in 3 of 8 starts.
  it.each(SERVERS)('leaves each node of %s with one shard per primary, in its file too', async (server) => {
    const { regions, cluster, stop } = await startLocalRegions(server, { nodeTimeoutMs: 2_500 });
    onTestFinished(stop);
    for (const { name } of regions.topology.nodes) {
      const lines = readFileSync(nodesConf(cluster, name), 'utf8').split('\n');
      const shards = lines.flatMap((line) => /shard-id=(\w+)/.exec(line)?.[1] ?? []);
      expect([name, shards.length, new Set(shards).size]).toEqual([name, 6, 3]);
    }
  });

  it.each(SERVERS)('tells why a node of %s crashed', async (server) => {
    const { regions, cluster, stop } = await startLocalRegions(server, { regions: ['a'], replicas: 0 });
    onTestFinished(stop);
    await regions.nodes.kill('a-0');
    writeFileSync(nodesConf(cluster, 'a-0'), 'no line of a cluster\n');
    await expect(regions.nodes.start('a-0')).rejects.toThrow(
      /^a-0 exited; .* ends: .*corrupted cluster config/,
    );
  });
});

const nodesConf = (cluster: string, node: string) => join(cluster, 'nodes', node, 'nodes.conf');
