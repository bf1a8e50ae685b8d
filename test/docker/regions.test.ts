import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import { docker } from '../../src/regions/docker/docker.ts';
import { listContainers } from '../../src/regions/docker/owned-containers.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { cutPairs } from '../../src/topology/pairs.ts';
import { oneWayMs } from '../../src/topology/topology.ts';
import { dockerLack, withDocker } from '../support/docker.ts';
import { startDockerRegions } from '../support/docker-regions.ts';
import { describeProvider } from '../support/regions-contract.ts';

describe.skipIf(dockerLack !== undefined)(withDocker, () => {
  describeProvider('regions of containers', () => startDockerRegions({ nodeTimeoutMs: 4_000 }));

  describe('two regions of containers', { timeout: 120_000 }, () => {
    let regions: Regions;
    let cluster: string;
    let stop: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      const topology = { regions: ['a', 'b'], roundTripMs: { 'a:b': 20 }, replicas: 0 } as const;
      ({ regions, cluster, stop } = await startDockerRegions({ ...topology, persistence: 'aof' }));
    }, 120_000);
    afterAll(async () => {
      await stop?.();
    }, 60_000);

    it('restart a Toxiproxy that hangs while it heals, and restore their links', async () => {
      const { links, topology } = regions;
      const cut = cutPairs({ isolate: ['b'] }, topology);
      await links.cut(cut, 'blackhole');
      const containers = await listContainers({ cluster });
      const hanging = containers.find(({ role }) => role === 'toxiproxy')?.id ?? '';
      await docker(['pause', hanging]);
      onTestFinished(async () => {
        await docker(['unpause', hanging]).catch(() => {}); // it was restarted
      });
      expect((await links.state()).some(({ silent }) => silent !== undefined)).toBe(true);

      await links.restore(cut);

      expect(await links.state()).toEqual(
        links.pairs.map((pair) => ({
          ...pair,
          latencyMs: oneWayMs(topology, pair),
          jitterMs: topology.jitterMs,
        })),
      );
      await settle(regions, new AbortController().signal);
    });

    it('restart a node with its data, or empty', async () => {
      const client = connectDirect(regions.direct('a-0'));
      onTestFinished(() => client.disconnect());
      await client.set(KEY, '1');
      await regions.nodes.kill('a-0');
      await regions.nodes.start('a-0');
      expect(await client.dbsize()).toBe(1);
      await expect(regions.nodes.startEmpty('a-0')).rejects.toThrow('a-0 is running: it cannot be emptied');
      await regions.nodes.kill('a-0');
      await regions.nodes.startEmpty('a-0');
      expect(await client.dbsize()).toBe(0);
    });
  });
});

/** In slot 3,300 of 16,384: of the first of two regions. */
const KEY = 'b';
