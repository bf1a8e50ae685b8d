import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import { measureRoundTrip, readStatus } from '../../src/regions/cluster/status.ts';
import { healLinks } from '../../src/regions/network/links.ts';
import { type Regions, reachedFrom } from '../../src/regions/provider.ts';
import { cutPairs } from '../../src/topology/pairs.ts';

const signal = new AbortController().signal;

/** A failover takes up to 6 s with a node timeout of 2 s; a busy machine may take longer. */
const FAILOVER = { timeout: 30_000, interval: 50 };
const MEASURE = { timeout: 20_000, interval: 100 };

export type StartRegions = () => Promise<{ regions: Regions; stop(): Promise<void> }>;

/**
 * What every provider of regions must do, whatever it is made of: nothing here knows of processes, containers
 * or loopback. Waits are for conditions.
 */
export function describeProvider(title: string, start: StartRegions): void {
  describe(title, { timeout: 120_000 }, () => {
    let regions: Regions;
    let stop: (() => Promise<void>) | undefined;
    const watchers = new Map<string, Redis>();
    beforeAll(async () => {
      ({ regions, stop } = await start());
    }, 400_000); // the first of containers builds images
    afterAll(async () => {
      for (const client of watchers.values()) client.disconnect();
      await stop?.();
    });
    afterEach(async () => {
      await healLinks(regions.links, regions.topology);
      await settle(regions, signal);
    }, 90_000);

    /** By one connection a node: a fresh one for each look would be a load of its own. */
    const look = async (name: string) => {
      const client = watchers.get(name) ?? connectDirect(regions.direct(name));
      watchers.set(name, client);
      const [[role], info] = await Promise.all([client.role(), client.cluster('INFO')]);
      return {
        role: role === 'master' ? 'primary' : 'replica',
        clusterOk: info.includes('cluster_state:ok'),
      };
    };
    const becomes = (name: string, wanted: Partial<Awaited<ReturnType<typeof look>>>) =>
      vi.waitFor(async () => expect(await look(name), name).toMatchObject(wanted), FAILOVER);
    const statusOf = async (name: string) =>
      (await readStatus(regions)).nodes.find((status) => status.name === name);

    it('serves every slot from one primary a region, each with a linked replica in another', async () => {
      const { nodes } = await readStatus(regions);
      expect(nodes.every(({ clusterOk }) => clusterOk)).toBe(true);
      const primaries = nodes.filter(({ role }) => role === 'primary');
      const replicas = nodes.filter(({ role }) => role === 'replica');
      expect(primaries.map(({ slots }) => slots)).toEqual(['0-5461', '5462-10922', '10923-16383']);
      expect(new Set(primaries.map(({ region }) => region)).size).toBe(3);
      expect(replicas).toHaveLength(3);
      for (const { name, primary, lagBytes, region } of replicas) {
        expect(lagBytes, name).toBeDefined();
        expect(primaries.find((other) => other.name === primary)?.region, name).not.toBe(region);
      }
    });

    it('has the round trips that were configured, within 3 ms', async () => {
      const least = new Map<string, number>();
      await vi.waitFor(async () => {
        for (const { from, to, configuredRoundTripMs, measuredRoundTripMs } of (await readStatus(regions))
          .links) {
          const overMs = (measuredRoundTripMs ?? Number.POSITIVE_INFINITY) - configuredRoundTripMs;
          expect(overMs).toBeGreaterThanOrEqual(-0.5);
          least.set(`${from}:${to}`, Math.min(least.get(`${from}:${to}`) ?? overMs, overMs));
        }
        expect(least.size).toBe(6);
        expect(Math.max(...least.values())).toBeLessThan(3);
      }, MEASURE);
    });

    it('answers within a region in under 2 ms', async () => {
      const view = regions.view('eu-west');
      const reached = reachedFrom(view, regions.announced('eu-west-0'));
      await vi.waitFor(
        async () => expect(await measureRoundTrip(reached, view.localAddress)).toBeLessThan(2),
        MEASURE,
      );
    });

    it.each(['blackhole', 'refuse'] as const)(
      'fails over when a region is isolated (%s), and settles with primaries home',
      async (mode) => {
        await regions.links.cut(cutPairs({ isolate: ['eu-west'] }, regions.topology), mode);
        await Promise.all([
          becomes('eu-west-0', { clusterOk: false }),
          becomes('ap-south-1', { role: 'primary', clusterOk: true }),
        ]);
        await healLinks(regions.links, regions.topology);
        await settle(regions, signal);
        expect(await statusOf('eu-west-0')).toMatchObject({
          role: 'primary',
          slots: '5462-10922',
          clusterOk: true,
        });
        expect(await statusOf('ap-south-1')).toMatchObject({ role: 'replica', primary: 'eu-west-0' });
      },
    );

    it.each(['blackhole', 'refuse'] as const)(
      'fails over a deaf region: nothing reaches it (%s)',
      async (mode) => {
        await regions.links.cut(
          cutPairs({ from: ['us-east', 'ap-south'], to: ['eu-west'] }, regions.topology),
          mode,
        );
        await becomes('ap-south-1', { role: 'primary' });
      },
    );

    it('has the primary of a mute region demoted by its successor: nothing leaves it', async () => {
      await regions.links.cut(
        cutPairs({ from: ['eu-west'], to: ['us-east', 'ap-south'] }, regions.topology),
        'blackhole',
      );
      await vi.waitFor(async () => {
        const old = await look('eu-west-0');
        expect(old.role).toBe('replica'); // while the cut is in force: it hears of its successor too
      }, FAILOVER);
      expect(await look('ap-south-1')).toMatchObject({ role: 'primary' });
    });

    it('causes no failover when two regions still reach each other by a third (bridge)', async () => {
      const views = () => Promise.all(regions.topology.nodes.map(({ name }) => look(name)));
      const before = await views();
      await regions.links.cut(cutPairs({ bridge: ['us-east', 'eu-west'] }, regions.topology), 'blackhole');
      const untilMs = performance.now() + 4 * regions.topology.nodeTimeoutMs; // a failover would have come by then
      while (performance.now() < untilMs) {
        expect(await views()).toEqual(before);
        await sleep(50);
      }
    });
  });
}
