import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { healLinks } from '../../src/regions/links.ts';
import { isolating, oneWay } from '../../src/regions/pairs.ts';
import { measureRoundTrip } from '../../src/regions/ping.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { settle } from '../../src/regions/settle.ts';
import { type NodeStatus, readNodes, readStatus } from '../../src/regions/status.ts';
import type { RegionPair } from '../../src/regions/topology.ts';

const signal = new AbortController().signal;

/** A failover takes up to 6 s after the node timeout of 2 s, on a machine that is busy with other tests too. */
const FAILOVER_MS = 30_000;

/**
 * What every provider of regions must do, whatever it is made of: nothing here knows of processes, containers
 * or loopback. Waits are for conditions.
 */
export function describeProvider(
  title: string,
  start: () => Promise<{ regions: Regions; stop(): Promise<void> }>,
): void {
  describe(title, { timeout: 120_000 }, () => {
    let regions: Regions;
    let stop: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      ({ regions, stop } = await start());
    }, 60_000);
    afterAll(() => stop?.());
    afterEach(async () => {
      await healLinks(regions.links, regions.topology);
      await settle(regions, signal);
    }, 90_000);

    const node = async (name: string): Promise<NodeStatus> => {
      const found = (await readNodes(regions)).find((status) => status.name === name);
      if (found === undefined) throw new Error(`no ${name}`);
      return found;
    };
    const becomes = (name: string, wanted: Partial<NodeStatus>) =>
      vi.waitFor(async () => expect(await node(name)).toMatchObject(wanted), {
        timeout: FAILOVER_MS,
        interval: 50,
      });
    const cutWhat = (pairs: readonly RegionPair[], mode: 'blackhole' | 'refuse' = 'blackhole') =>
      regions.links.cut(pairs, mode);

    it('serves every slot from one primary a region, each with a linked replica in another', async () => {
      const { nodes } = await readStatus(regions);
      expect(nodes.map(({ role, clusterOk }) => [role, clusterOk])).toEqual([
        ...Array.from({ length: 3 }, () => ['primary', true]),
        ...Array.from({ length: 3 }, () => ['replica', true]),
      ]);
      expect(nodes.map(({ slots }) => slots).filter((slots) => slots !== '')).toEqual([
        '0-5461',
        '5462-10922',
        '10923-16383',
      ]);
      for (const { name, primary, lagBytes, region } of nodes.slice(3)) {
        expect(lagBytes, name).toBeDefined();
        expect(nodes.find((other) => other.name === primary)?.region).not.toBe(region);
      }
    });

    it('has the round trips that were configured, within 3 ms, and under 2 ms inside a region', async () => {
      const least = new Map<string, number>();
      await vi.waitFor(
        async () => {
          for (const { from, to, configuredRoundTripMs, measuredRoundTripMs = Infinity } of (
            await readStatus(regions)
          ).links) {
            const pair = `${from}:${to}`;
            expect(measuredRoundTripMs, pair).toBeGreaterThanOrEqual(configuredRoundTripMs - 0.5);
            least.set(
              pair,
              Math.min(least.get(pair) ?? Infinity, measuredRoundTripMs - configuredRoundTripMs),
            );
          }
          expect(Math.max(...least.values())).toBeLessThan(3);
        },
        { timeout: 20_000 },
      );
      await vi.waitFor(
        async () => {
          const own = await measureRoundTrip(
            regions.announced('eu-west-0'),
            regions.view('eu-west').localAddress,
          );
          expect(own).toBeLessThan(2);
        },
        { timeout: 20_000 },
      );
    });

    it.each(['blackhole', 'refuse'] as const)(
      'fails over when a region is isolated (%s), and settles with primaries home',
      async (mode) => {
        await cutWhat(isolating(['eu-west'], regions.topology), mode);
        await Promise.all([
          becomes('eu-west-0', { clusterOk: false }),
          becomes('ap-south-1', { role: 'primary', slots: '5462-10922' }),
        ]);
        await healLinks(regions.links, regions.topology);
        await settle(regions, signal);
        expect(await node('eu-west-0')).toMatchObject({
          role: 'primary',
          slots: '5462-10922',
          clusterOk: true,
        });
        expect(await node('ap-south-1')).toMatchObject({ role: 'replica', primary: 'eu-west-0' });
      },
    );

    it('fails over a deaf region: nothing reaches it', async () => {
      await cutWhat(oneWay(['us-east', 'ap-south'], ['eu-west'], regions.topology));
      await becomes('ap-south-1', { role: 'primary' });
    });

    it('has the primary of a mute region demoted by its successor: nothing leaves it', async () => {
      const downs: string[] = [];
      await cutWhat(oneWay(['eu-west'], ['us-east', 'ap-south'], regions.topology));
      await vi.waitFor(
        async () => {
          const old = await node('eu-west-0');
          if (old.role === 'primary' && !old.clusterOk) downs.push('said CLUSTERDOWN');
          expect(old).toMatchObject({ role: 'replica' });
        },
        { timeout: FAILOVER_MS, interval: 20 },
      );
      expect(downs).toEqual([]);
      expect(await node('ap-south-1')).toMatchObject({ role: 'primary' });
    });

    it('fails nobody over when two regions still reach each other by a third (bridge)', async () => {
      const roles = async () =>
        (await readNodes(regions)).map(({ name, role, clusterOk }) => `${name} ${role} ${clusterOk}`);
      const before = await roles();
      await cutWhat([
        { from: 'us-east', to: 'eu-west' },
        { from: 'eu-west', to: 'us-east' },
      ]);
      const until = performance.now() + 4 * regions.topology.nodeTimeoutMs; // a failover would have come by then
      while (performance.now() < until) expect(await roles()).toEqual(before);
    });
  });
}
