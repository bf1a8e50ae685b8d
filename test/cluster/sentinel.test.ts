import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStatus } from '../../src/regions/cluster/status.ts';
import { listOwned } from '../../src/regions/processes/owned-processes.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };

describe('one primary for all regions', { timeout: 90_000 }, () => {
  it.each(SERVERS)('of %s has a replica in every other region and a Sentinel in each', async (server) => {
    const { regions, cluster, stop } = await startLocalRegions(server, { ...THREE, kind: 'sentinel' });
    let isDown = false;
    onTestFinished(async () => (isDown ? undefined : stop()));
    const { nodes, sentinels } = await readStatus(regions);
    expect(nodes.map(({ name, role, primary }) => [name, role, primary])).toEqual([
      ['a-0', 'primary', undefined],
      ['b-0', 'replica', 'a-0'],
      ['c-0', 'replica', 'a-0'],
    ]);
    expect(sentinels?.map(({ name, primary, flags }) => [name, primary, flags])).toEqual(
      ['a', 'b', 'c'].map((region) => [`${region}-sentinel`, 'a-0', []]),
    );
    const { seeds, primary } = regions.view('b');
    expect([primary, seeds[0]]).toEqual(['primary', regions.announced('b-sentinel')]);
    await stop();
    isDown = true;
    expect(listOwned().filter((owned) => owned.cluster === cluster)).toEqual([]);
  });

  it('is one server without replicas, which every region reaches', async () => {
    const { regions, stop } = await startLocalRegions('redis-server', {
      ...THREE,
      kind: 'single',
      replicas: 0,
    });
    onTestFinished(stop);
    const { nodes, sentinels } = await readStatus(regions);
    expect([nodes.map(({ name, role }) => [name, role]), sentinels]).toEqual([
      [['a-0', 'primary']],
      undefined,
    ]);
    const [seed] = regions.view('c').seeds;
    const client = new Redis({ ...seed });
    onTestFinished(() => client.disconnect());
    expect(await client.ping()).toBe('PONG');
  });
});
