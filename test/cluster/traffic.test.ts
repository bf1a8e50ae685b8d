import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Traffic } from '../../src/faults/probes/traffic.ts';
import { ask } from '../../src/faults/support/ask.ts';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import type { Regions } from '../../src/regions/provider.ts';
import type { FaultSpec } from '../../src/scenario/faults/index.ts';
import { startLocalRegions } from '../support/local-regions.ts';

const REGIONS = {
  regions: ['a', 'b', 'c'],
  roundTripMs: { 'a:b': 10, 'a:c': 10, 'b:c': 10 },
  replicas: 1,
  nodeTimeoutMs: 2_500,
};
const pause = (node: string): FaultSpec => ({ fault: 'pause', node });
const LEAST_LOAD_MS = 500;

describe('the traffic of a node', { timeout: 60_000 }, () => {
  let regions: Regions;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ regions, stop } = await startLocalRegions('redis-server', REGIONS));
  }, 60_000);
  afterAll(async () => stop?.());

  /** Writes a key that this primary has, until its replicas have it. */
  async function write(node: string): Promise<void> {
    const [first = 0, last = 0] = regions.topology.nodes.find(({ name }) => name === node)?.slots ?? [];
    const keys = Array.from({ length: 1_000 }, (_, nth) => `key${nth}`);
    const isHere = (key: string) => keySlot(key) >= first && keySlot(key) <= last;
    await ask(node, regions, async (client) => {
      await client.set(keys.find(isHere) ?? '', 'x');
      await client.wait(1, 0);
    });
  }

  /** Why a fault concerned no key, of a load that wrote on these nodes; `meanwhile` is between the injection and the heal. */
  async function missed(fault: FaultSpec, written: readonly string[], meanwhile = async () => {}) {
    const traffic = new Traffic(regions, [fault]);
    await sleep(LEAST_LOAD_MS);
    for (const node of written) await write(node);
    const why = await traffic.before(fault);
    await meanwhile();
    return why();
  }

  const replicaOf = (primary: string) =>
    regions.topology.nodes.find((node) => node.replicaOf === primary)?.name ?? '';
  const none = (primary: string) => {
    const names = regions.topology.nodes.map(({ name }) => name);
    const ofShard = names.filter((name) => name === primary || name === replicaOf(primary));
    return `no command with a key reached ${ofShard.join(' or ')} after the load began, but other nodes ran some`;
  };

  it('is that of its keys', async () => {
    expect(await missed(pause('a-0'), ['a-0'])).toBeUndefined();
    expect(await missed(pause('b-0'), ['a-0', 'c-0'])).toBe(none('b-0'));
  });

  it('is that of its primary, for a replica', async () => {
    const failover = (node: string): FaultSpec => ({ fault: 'failover', node });
    expect(await missed(failover(replicaOf('a-0')), ['a-0'])).toBeUndefined();
    expect(await missed(failover(replicaOf('a-0')), ['b-0'])).toBe(none('a-0'));
  });

  it('is that of the primary whose slots move', async () => {
    const move = (from: string): FaultSpec => ({ fault: 'move-slots', from, to: 'c', slots: 1 });
    expect(await missed(move('b'), ['b-0'])).toBeUndefined();
    expect(await missed(move('b'), ['a-0'])).toBe(none('b-0'));
  });

  it('may begin during the fault', async () => {
    expect(await missed(pause('b-0'), ['a-0'], () => write('b-0'))).toBeUndefined();
  });

  it('is counted across restarts', async () => {
    const restart = (node: string) => async () => {
      await regions.nodes.kill(node);
      await regions.nodes.start(node);
      await settle(regions, new AbortController().signal);
    };
    const kill = (node: string): FaultSpec => ({ fault: 'kill', node });
    expect(await missed(kill('a-0'), ['a-0'], restart('a-0'))).toBeUndefined();
    expect(await missed(kill('a-0'), ['b-0'], restart('a-0'))).toBe(none('a-0'));
  });

  it('cannot be told without a load, and of a fault at its start', async () => {
    expect(await missed(pause('a-0'), [])).toBeUndefined();
    const traffic = new Traffic(regions, [pause('a-0')]);
    await write('b-0');
    const why = await traffic.before(pause('a-0'));
    expect(await why()).toBeUndefined();
  });

  it('is not asked of faults of links, services and Sentinels', async () => {
    const partition: FaultSpec = { fault: 'partition', mode: 'blackhole', isolate: ['a'] };
    for (const fault of [partition, pause('sentinel-a'), { fault: 'restart-service', region: 'a' } as const])
      expect(await missed(fault, ['b-0'])).toBeUndefined();
  });
});
