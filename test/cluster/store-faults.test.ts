import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { injectFault } from '../../src/faults/registry.ts';
import { ask } from '../../src/faults/support/ask.ts';
import { findDeviations } from '../../src/regions/network/deviations.ts';
import { type Exchange, exchange } from '../../src/regions/network/exchange.ts';
import { healLinks } from '../../src/regions/network/links.ts';
import { healAccess } from '../../src/regions/network/redis-access.ts';
import type { Regions } from '../../src/regions/provider.ts';
import type { FaultSpec } from '../../src/scenario/faults/index.ts';
import { runCli } from '../support/cli.ts';
import { startLocalRegions } from '../support/local-regions.ts';

const SOON = { timeout: 20_000, interval: 20 };
const REGIONS = {
  regions: ['a', 'b'],
  roundTripMs: { 'a:b': 4 },
  nodeTimeoutMs: 2_500,
};
/** In the slots of a-0, whose replica is b-1. */
const KEY = 'k3';

describe('a fault between services and Redis', { timeout: 120_000 }, () => {
  let regions: Regions;
  let state: string;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ regions, state, stop } = await startLocalRegions('redis-server', REGIONS));
  }, 60_000);
  afterAll(async () => stop?.());
  afterEach(() => healAccess(regions));

  const inject = (spec: FaultSpec) =>
    injectFault(spec, { regions, random: makeRandom(1), signal: new AbortController().signal });

  /** A PING as a service of the region sends it. */
  function pingFrom(region: string, node: string, withinMs = 1_500): Promise<Exchange> {
    const { localAddress: from } = regions.view(region);
    if (from === undefined) throw new Error(`${region} has no local address`);
    return exchange(['PING'], { to: regions.announced(node), from, withinMs });
  }
  const isReached = async (region: string, node: string) => (await pingFrom(region, node)).isAnswered;
  const reached = async (region: string) => [await isReached(region, 'a-0'), await isReached(region, 'b-0')];

  /** What a full resynchronization or a failover would change. */
  const ofReplication = async () => ({
    resyncs: await ask('a-0', regions, async (client) => /sync_full:(\d+)/.exec(await client.info())?.[1]),
    link: await ask(
      'b-1',
      regions,
      async (client) => /master_link_status:(\w+)/.exec(await client.info())?.[1],
    ),
    cluster: await ask(
      'b-0',
      regions,
      async (client) => /cluster_state:(\w+)/.exec(String(await client.cluster('INFO')))?.[1],
    ),
  });

  async function replicates(value: string): Promise<void> {
    await ask('a-0', regions, (client) => client.set(KEY, value));
    await vi.waitFor(
      () =>
        ask('b-1', regions, async (client) => {
          await client.readonly();
          expect(await client.get(KEY)).toBe(value);
        }),
      SOON,
    );
  }

  it.each(['refuse', 'blackhole'] as const)(
    'an outage (%s) takes every node away, those of the own region too, and no link between nodes',
    async (mode) => {
      const before = await ofReplication();
      expect(before).toMatchObject({ link: 'up', cluster: 'ok' });
      const undo = await inject({ fault: 'store-outage', mode });
      expect([await reached('a'), await reached('b')]).toEqual([
        [false, false],
        [false, false],
      ]);
      await replicates(`during ${mode}`);
      expect(await ofReplication()).toEqual(before);
      expect(await findDeviations(regions)).toEqual([
        `Redis is gone for the services of a (${mode})`,
        `Redis is gone for the services of b (${mode})`,
      ]);
      await undo();
      expect([await reached('a'), await reached('b')]).toEqual([
        [true, true],
        [true, true],
      ]);
      expect(await findDeviations(regions)).toEqual([]);
    },
  );

  it('closes the connections that services have, and lets those of other regions work', async () => {
    const { localAddress: from } = regions.view('b');
    if (from === undefined) throw new Error('b has no local address');
    const waiting = exchange(['BLPOP', '{k3}never', '0'], {
      to: regions.announced('a-0'),
      from,
      withinMs: 60_000,
    });
    await vi.waitFor(
      async () =>
        expect(
          await ask('a-0', regions, async (client) => String(await client.call('CLIENT', 'LIST'))),
        ).toContain('cmd=blpop'),
      SOON,
    );
    const undo = await inject({ fault: 'store-outage', mode: 'refuse', regions: ['b'] });
    expect(await waiting).toMatchObject({ isConnected: true, isAnswered: false });
    expect([await reached('a'), await reached('b')]).toEqual([
      [true, true],
      [false, false],
    ]);
    await undo();
    expect(await reached('b')).toEqual([true, true]);
  });

  it('a slow store answers late, from the own region too, and the nodes are as fast as before', async () => {
    const undo = await inject({ fault: 'slow-store', latencyMs: 1_000, regions: ['b'] });
    for (const node of ['a-0', 'b-0']) {
      expect(await pingFrom('b', node, 20_000)).toMatchObject({ isAnswered: true });
      expect((await pingFrom('b', node, 20_000)).ms).toBeGreaterThanOrEqual(999);
    }
    await vi.waitFor(async () => expect((await pingFrom('a', 'b-0')).ms).toBeLessThan(900), SOON);
    await vi.waitFor(async () => {
      const [link] = await regions.links.state();
      expect(link).toMatchObject({ latencyMs: 2 }); // of the nodes, as planned
    }, SOON);
    expect(await findDeviations(regions)).toEqual(['Redis answers the services of b 1000 ms later']);
    await undo();
    await vi.waitFor(async () => expect((await pingFrom('b', 'a-0')).ms).toBeLessThan(900), SOON);
    expect(await findDeviations(regions)).toEqual([]);
  });

  it('links between regions are cut for services and for nodes alike', async () => {
    const pairs = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ];
    await regions.links.cut(pairs, 'blackhole');
    try {
      expect([await reached('a'), await reached('b')]).toEqual([
        [true, false],
        [false, true],
      ]);
    } finally {
      await healLinks(regions.links, regions.topology);
    }
    expect([await reached('a'), await reached('b')]).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  it('is shown by status and removed by fault heal', async () => {
    await inject({ fault: 'store-outage', mode: 'blackhole', regions: ['a'] });
    await inject({ fault: 'slow-store', latencyMs: 300, regions: ['b'] });
    const name = ['--name', regions.name];
    const env = { OPENCLAW_RL_STATE: state };
    const { stdout } = await runCli(['status', ...name], { env });
    expect(stdout).toMatch(/services of.*Redis/);
    expect(stdout).toMatch(/│ a +│ gone \(blackhole\) +│/);
    expect(stdout).toMatch(/│ b +│ answers 300 ms later +│/);
    await runCli(['fault', 'heal', ...name], { env });
    expect(await findDeviations(regions)).toEqual([]);
    expect(await regions.access?.state()).toEqual([{ region: 'a' }, { region: 'b' }]);
  });
});
