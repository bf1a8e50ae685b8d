import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { readStatus } from '../../src/regions/cluster/status.ts';
import { type Regions, reachedFrom } from '../../src/regions/provider.ts';
import { waitUntilAgreed } from '../../src/regions/sentinel/agreement.ts';
import { cutPairs } from '../../src/topology/pairs.ts';
import { dockerLack, withDocker } from '../support/docker.ts';
import { startDockerRegions } from '../support/docker-regions.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };
const LONG = { timeout: 60_000, interval: 200 };

describe.skipIf(dockerLack !== undefined)(withDocker, { timeout: 180_000 }, () => {
  async function start(options: Parameters<typeof startDockerRegions>[0]): Promise<Regions> {
    const { regions, stop } = await startDockerRegions({ ...THREE, ...options });
    onTestFinished(stop, 60_000);
    return regions;
  }

  it('runs one server, which every region reaches through its Toxiproxy', async () => {
    const regions = await start({ kind: 'single', replicas: 0 });
    const { nodes, sentinels } = await readStatus(regions);
    expect([nodes.map(({ name, role }) => [name, role]), sentinels]).toEqual([
      [['a-0', 'primary']],
      undefined,
    ]);
    const { seeds, natMap = {} } = regions.view('c');
    const [seed] = seeds;
    const client = new Redis({ ...(seed && reachedFrom({ natMap }, seed)) });
    onTestFinished(() => client.disconnect());
    expect(await client.ping()).toBe('PONG');
    const cut = cutPairs({ isolate: ['c'] }, regions.topology);
    await regions.links.cut(cut, 'blackhole');
    const held = client.ping();
    expect(await Promise.race([held, connectedPing(regions)])).toBe('direct');
    await regions.links.restore(cut);
    expect(await held).toBe('PONG');
  });

  it('fails over by Sentinels that see each other through the Toxiproxies, and a killed node comes back as a replica', async () => {
    const regions = await start({ kind: 'sentinel' });
    const rolesOf = async () =>
      (await readStatus(regions)).nodes.map(({ name, role, primary }) => [name, role, primary]);
    expect(await rolesOf()).toEqual([
      ['a-0', 'primary', undefined],
      ['b-0', 'replica', 'a-0'],
      ['c-0', 'replica', 'a-0'],
    ]);
    const cut = cutPairs({ isolate: ['b'] }, regions.topology);
    await regions.links.cut(cut, 'blackhole');
    const sentinelsOf = async () => (await readStatus(regions)).sentinels ?? [];
    await vi.waitFor(async () => {
      const [inA, inB] = await sentinelsOf();
      expect([inA?.flags, inB?.flags]).toEqual([[], expect.arrayContaining(['s_down'])]);
    }, LONG);
    await regions.links.restore(cut);
    await waitUntilAgreed(regions, new AbortController().signal, LONG.timeout);

    await regions.nodes.kill('a-0');
    const promoted = await vi.waitFor(async () => {
      const names = new Set((await sentinelsOf()).map(({ primary }) => primary));
      const [name = ''] = names;
      expect([names.size, ['b-0', 'c-0'].includes(name)]).toEqual([1, true]);
      return name;
    }, LONG);
    await regions.nodes.start('a-0');
    await regions.nodes.kill('c-sentinel');
    await regions.nodes.start('c-sentinel');
    await vi.waitFor(async () => expect(await rolesOf()).toContainEqual(['a-0', 'replica', promoted]), LONG);
    await waitUntilAgreed(regions, new AbortController().signal, LONG.timeout);
  });
});

/** A reply of the server itself, past every cut. */
async function connectedPing(regions: Regions): Promise<string> {
  const client = connectDirect(regions.direct('a-0'));
  try {
    await client.ping();
    return 'direct';
  } finally {
    client.disconnect();
  }
}
