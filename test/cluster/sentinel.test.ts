import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { injectFault } from '../../src/faults/registry.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import { readStatus } from '../../src/regions/cluster/status.ts';
import { listOwned } from '../../src/regions/processes/owned-processes.ts';
import { PRIMARY, type Regions } from '../../src/regions/provider.ts';
import type { FaultSpec } from '../../src/scenario/faults/index.ts';
import type { TopologyOptions } from '../../src/topology/topology.ts';
import { startLocalRegions } from '../support/local-regions.ts';
import { SERVERS } from '../support/server.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };
/** A busy machine. A vote that failed is repeated after 12 s. */
const WAIT = { timeout: 60_000, interval: 100 };
const never = new AbortController().signal;

async function startSentinels(server: string, more: Partial<TopologyOptions> = {}) {
  const started = await startLocalRegions(server, { ...THREE, kind: 'sentinel', ...more });
  onTestFinished(() => started.stop());
  return started;
}

const inject = (regions: Regions, spec: FaultSpec) =>
  injectFault(spec, { regions, random: makeRandom(1), signal: never });

/** The fields of a Sentinel's answer. */
async function askSentinel(regions: Regions, name: string, ...command: readonly [string, ...string[]]) {
  const client = connectDirect(regions.direct(name));
  const answer = (await client.call('SENTINEL', ...command)) as string[];
  client.disconnect();
  return Object.fromEntries(
    answer.flatMap((field, i) => (i % 2 === 0 ? [[field.toLowerCase(), answer[i + 1]]] : [])),
  );
}

async function rolesOf(regions: Regions) {
  const { nodes } = await readStatus(regions);
  return nodes.map(({ role }) => role);
}

/** A limiter of a region, which finds the primary by the Sentinels. */
function limiterIn(regions: Regions, region: string) {
  const { seeds, primary = '', localAddress = '' } = regions.view(region);
  const limiter = createLimiter({
    policy: '1000:1/s',
    redis: {
      urls: seeds.map(({ host, port }) => `redis://${host}:${port}`),
      ...{ sentinel: { primary }, localAddress, commandTimeoutMs: 1_000 },
    },
  });
  onTestFinished(() => limiter.close());
  return limiter;
}

async function nodeThatDecides(limiter: ReturnType<typeof limiterIn>): Promise<string> {
  return (await limiter.take({ user: 'u', endpoint: 'e' })).evidence.node;
}

describe('one primary for all regions', { timeout: 180_000 }, () => {
  it.each(SERVERS)('of %s has a replica in every other region and a Sentinel in each', async (server) => {
    const { regions, cluster, stop } = await startLocalRegions(server, { ...THREE, kind: 'sentinel' });
    const { nodes, sentinels, primaryName } = await readStatus(regions).catch(async (error) => {
      await stop();
      throw error;
    });
    const logs = readdirSync(join(cluster, 'logs'));
    const { seeds, primary } = regions.view('b');
    await stop();
    expect(nodes.map(({ name, role, primary }) => [name, role, primary])).toEqual([
      ['a-0', 'primary', undefined],
      ['b-0', 'replica', 'a-0'],
      ['c-0', 'replica', 'a-0'],
    ]);
    expect(sentinels?.map(({ name, primary, flags }) => [name, primary, flags])).toEqual(
      ['a', 'b', 'c'].map((region) => [`${region}-sentinel`, 'a-0', []]),
    );
    expect(primaryName).toBe(primary);
    expect([primary, seeds[0]]).toEqual(['primary', regions.announced('b-sentinel')]);
    expect(logs).toContain('c-sentinel.log');
    expect(listOwned().filter((owned) => owned.cluster === cluster)).toEqual([]);
  });

  it.each(SERVERS)('of %s copies to its replicas through the delayed links', async (server) => {
    const roundTripMs = { 'a:b': 300, 'b:c': 300, 'a:c': 300 };
    const { regions } = await startSentinels(server, { roundTripMs });
    const client = new Redis(regions.direct('a-0'));
    onTestFinished(() => client.disconnect());
    await client.set('k', 1);
    const startedMs = performance.now();
    expect(await client.wait(2, 20_000)).toBe(2);
    expect(performance.now() - startedMs).toBeGreaterThan(290);
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
    await settle(regions, never);
  });

  it.each(SERVERS)(
    'of %s moves when it is killed; limiters follow, and settle brings it home',
    async (server) => {
      const { regions } = await startSentinels(server);
      const limiters = regions.topology.regions.map((region) => limiterIn(regions, region));
      const first = regions.announced('a-0');
      const address = `${first.host}:${first.port}`;
      for (const limiter of limiters)
        await vi.waitFor(async () => expect(await nodeThatDecides(limiter)).toBe(address), WAIT);
      const heal = await inject(regions, { fault: 'kill', node: 'a-0' });
      for (const limiter of limiters)
        await vi.waitFor(async () => expect(await nodeThatDecides(limiter)).not.toBe(address), WAIT);
      await heal();
      await settle(regions, never);
      expect(await rolesOf(regions)).toEqual(['primary', 'replica', 'replica']);
      for (const limiter of limiters)
        await vi.waitFor(async () => expect(await nodeThatDecides(limiter)).toBe(address), WAIT);
    },
  );

  it.each(SERVERS)('of %s is two while it is cut off, and one after the heal', async (server) => {
    const { regions } = await startSentinels(server);
    const [inside, outside] = [limiterIn(regions, 'a'), limiterIn(regions, 'c')];
    const old = await vi.waitFor(() => nodeThatDecides(inside), WAIT);
    const heal = await inject(regions, { fault: 'partition', isolate: ['a'], mode: 'blackhole' });
    await vi.waitFor(async () => expect(await nodeThatDecides(outside)).not.toBe(old), WAIT);
    await vi.waitFor(async () => expect(await nodeThatDecides(inside)).toBe(old), WAIT);
    expect((await rolesOf(regions)).filter((role) => role === 'primary')).toHaveLength(2);
    await heal();
    await vi.waitFor(async () => expect((await rolesOf(regions))[0]).toBe('replica'), WAIT);
    await vi.waitFor(async () => expect(await nodeThatDecides(inside)).not.toBe(old), WAIT);
  });

  it('stops when it is cut off from its replicas, with min-replicas-to-write', async () => {
    const { regions } = await startSentinels('redis-server', {
      ...{ minReplicasToWrite: 1, minReplicasMaxLagMs: 1_000 },
    });
    const inside = limiterIn(regions, 'a');
    await vi.waitFor(() => nodeThatDecides(inside), WAIT); // a replica confirms once a second
    await inject(regions, { fault: 'partition', isolate: ['a'], mode: 'blackhole' });
    await vi.waitFor(
      () => expect(nodeThatDecides(inside)).rejects.toMatchObject({ code: 'REDIS_REFUSED', charge: 'none' }),
      WAIT,
    );
  });

  it.each(SERVERS)(
    'of %s has Sentinels that suspect it one after another, also once restarted',
    async (server) => {
      const { regions } = await startSentinels(server);
      const sentinels = regions.topology.sentinels.map(({ name }) => name);
      const downAfterMs = sentinels.map(async (name) => {
        const fields = await askSentinel(regions, name, 'MASTER', PRIMARY);
        return Number(fields['down-after-milliseconds']);
      });
      const { nodeTimeoutMs } = regions.topology;
      expect(await Promise.all(downAfterMs)).toEqual([0, 500, 1_000].map((later) => nodeTimeoutMs + later));
      await regions.nodes.kill('b-sentinel');
      await regions.nodes.start('b-sentinel');
      for (const name of sentinels)
        expect(await askSentinel(regions, name, 'DEBUG')).toMatchObject({
          ...{ 'ping-period': '100', 'tilt-period': '3000' },
        });
    },
  );

  it('has its planned priorities again once it has settled, also after a killed order', async () => {
    const { regions } = await startSentinels('redis-server');
    const target = connectDirect(regions.direct('c-0'));
    onTestFinished(() => target.disconnect());
    await target.config('SET', 'replica-priority', 1);
    await settle(regions, never);
    expect(await target.config('GET', 'replica-priority')).toEqual(['replica-priority', '100']);
  });

  it.each(SERVERS)('of %s moves by order to the replica that is named', async (server) => {
    const { regions } = await startSentinels(server);
    await inject(regions, { fault: 'failover', node: 'c-0' });
    const target = connectDirect(regions.direct('c-0'));
    onTestFinished(() => target.disconnect());
    expect((await target.role())[0]).toBe('master');
    expect(await target.config('GET', 'replica-priority')).toEqual(['replica-priority', '100']);
    await settle(regions, never);
    expect(await rolesOf(regions)).toEqual(['primary', 'replica', 'replica']);
  });
});
