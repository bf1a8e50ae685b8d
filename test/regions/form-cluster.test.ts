import { describe, expect, it, onTestFinished } from 'vitest';
import { formCluster } from '../../src/regions/form-cluster.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/regions/topology.ts';
import { SERVERS, startTestServer } from '../support/server.ts';

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
});
