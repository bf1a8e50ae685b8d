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
const LEAST_LOAD_MS = 600; // a timer may be early

describe('the traffic of a node', { timeout: 60_000 }, () => {
  let regions: Regions;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ regions, stop } = await startLocalRegions('redis-server', REGIONS));
  }, 60_000);
  afterAll(async () => stop?.());

  /** Writes a key that this primary has, until its replica has it. */
  async function write(node: string, ...more: ['PX', number] | []): Promise<void> {
    const [first = 0, last = 0] = regions.topology.nodes.find(({ name }) => name === node)?.slots ?? [];
    const keys = Array.from({ length: 1_000 }, (_, nth) => `key${nth}`);
    const key = keys.find((name) => keySlot(name) >= first && keySlot(name) <= last) ?? '';
    await ask(node, regions, async (client) => {
      await client.call('SET', key, 'x', ...more);
      await client.wait(1, 0);
    });
  }

  /** Of a load that has lasted long enough. */
  async function trafficOf(faults: readonly FaultSpec[]): Promise<Traffic> {
    const traffic = new Traffic(regions, faults);
    await traffic.prepare();
    traffic.start();
    await sleep(LEAST_LOAD_MS);
    return traffic;
  }

  /** Why a fault concerned no key, of a load that wrote on these nodes; `meanwhile` is between the injection and the heal. */
  async function whyNoKey(fault: FaultSpec, written: readonly string[], meanwhile = async () => {}) {
    const traffic = await trafficOf([fault]);
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
    return `no command with a key reached ${ofShard.join(' or ')} during the load, while other nodes ran some`;
  };

  it('is that of its keys', async () => {
    expect(await whyNoKey(pause('a-0'), ['a-0'])).toBeUndefined();
    expect(await whyNoKey(pause('b-0'), ['a-0', 'c-0'])).toBe(none('b-0'));
  });

  it('is that of its primary, for a replica', async () => {
    const failover = (node: string): FaultSpec => ({ fault: 'failover', node });
    expect(await whyNoKey(failover(replicaOf('a-0')), ['a-0'])).toBeUndefined();
    expect(await whyNoKey(failover(replicaOf('a-0')), ['b-0'])).toBe(none('a-0'));
  });

  it('is that of the primary whose slots move', async () => {
    const move = (from: string): FaultSpec => ({ fault: 'move-slots', from, to: 'c', slots: 1 });
    expect(await whyNoKey(move('b'), ['b-0'])).toBeUndefined();
    expect(await whyNoKey(move('b'), ['a-0'])).toBe(none('b-0'));
  });

  it('may begin during the fault', async () => {
    expect(await whyNoKey(pause('b-0'), ['a-0'], () => write('b-0'))).toBeUndefined();
  });

  const kill = (node: string): FaultSpec => ({ fault: 'kill', node });
  const restart = (node: string) => async () => {
    await regions.nodes.kill(node);
    await regions.nodes.start(node);
    await settle(regions, new AbortController().signal);
  };

  it('is counted across restarts', async () => {
    expect(await whyNoKey(kill('a-0'), ['a-0'], restart('a-0'))).toBeUndefined();
    expect(await whyNoKey(kill('a-0'), ['b-0'], restart('a-0'))).toBe(none('a-0'));
    const during = async () => {
      await restart('a-0')();
      await write('a-0');
    };
    expect(await whyNoKey(kill('a-0'), ['b-0'], during)).toBeUndefined();
  });

  it('is not forgotten when the node has restarted since', async () => {
    const traffic = await trafficOf([kill('a-0')]);
    for (const node of ['a-0', 'b-0']) await write(node);
    const why = await traffic.before(kill('a-0'));
    await restart('a-0')();
    const whyAgain = await traffic.before(pause('a-0'));
    expect([await why(), await whyAgain()]).toEqual([undefined, undefined]);
  });

  it('is none where a key from before the load expires', async () => {
    await write('b-0', 'PX', 1);
    expect(await whyNoKey(pause('b-0'), ['a-0'], () => sleep(200))).toBe(none('b-0'));
  });

  it('cannot be told without a load, at its start, or of a node that does not answer', async () => {
    expect(await whyNoKey(pause('a-0'), [])).toBeUndefined();
    const early = new Traffic(regions, [pause('a-0')]);
    early.start();
    const [why] = await Promise.all([early.before(pause('a-0')), write('b-0')]);
    expect(await why()).toBeUndefined();
    const traffic = await trafficOf([pause('a-0')]);
    await write('b-0');
    await regions.nodes.kill('a-0');
    const whySilent = await traffic.before(pause('a-0'));
    await regions.nodes.start('a-0');
    await settle(regions, new AbortController().signal);
    expect(await whySilent()).toBeUndefined();
  });

  it('is not asked of faults of links, services and Sentinels', async () => {
    const partition: FaultSpec = { fault: 'partition', mode: 'blackhole', isolate: ['a'] };
    for (const fault of [partition, pause('a-sentinel'), { fault: 'restart-service', region: 'a' } as const])
      expect(await whyNoKey(fault, ['b-0'])).toBeUndefined();
  });
});
