import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { formCluster } from '../../src/regions/form-cluster.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/regions/topology.ts';
import { SERVERS, startTestServer } from '../support/server.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

const ALONE = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a'], replicas: 0 });

describe('formCluster', { timeout: 30_000 }, () => {
  it.each(SERVERS)('says which node of %s refuses what, with a way out', async (command) => {
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

  it('waits no longer for a node that hangs once it is interrupted', async () => {
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
});
