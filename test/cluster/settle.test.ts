import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { settle } from '../../src/regions/cluster/settle.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';

describe('settle', { timeout: 30_000 }, () => {
  it.each(SERVERS)('gives up an ordered failover of %s at its time limit', async (server) => {
    const { regions, stop } = await startLocalRegions(server, { regions: ['a'], replicas: 1 });
    onTestFinished(stop);
    const replica = new Redis(regions.direct('a-1'));
    onTestFinished(() => replica.disconnect());
    await replica.call('ACL', 'SETUSER', 'default', '-cluster|failover');
    const [primary, other] = regions.topology.nodes;
    const swapped = [
      { ...other, slots: primary?.slots, replicaOf: undefined },
      { ...primary, slots: undefined, replicaOf: other?.name },
    ] as unknown as typeof regions.topology.nodes;
    const startedMs = performance.now();
    await expect(
      settle(
        { ...regions, topology: { ...regions.topology, nodes: swapped } },
        new AbortController().signal,
        2_000,
      ),
    ).rejects.toThrow('for a-1 to be a primary; its role is replica');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});
