import { describe, expect, it } from 'vitest';
import { add, simulateOnePrimary } from '../../../test/support/simulated-nodes.ts';
import { cutPairs } from '../../topology/pairs.ts';
import type { TopologyOptions } from '../../topology/topology.ts';
import { bringHome, orderFailover } from '../nodes/settle.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };
const ISOLATED = cutPairs({ isolate: ['a'] }, THREE);

async function simulateSentinels(more: Partial<TopologyOptions> = {}, seed = 1) {
  const system = simulateOnePrimary({ ...THREE, kind: 'sentinel', ...more }, seed);
  const { cluster, connect, until, nowMs } = system;
  const named = async (region: string) => {
    const sentinel = await connect(region, `${region}-sentinel`);
    const answer = await sentinel.ask({ name: 'primary' });
    return 'primary' in answer ? answer.primary : undefined;
  };
  const primaries = () => ['a-0', 'b-0', 'c-0'].filter((node) => cluster.roleOf(node).role === 'primary');
  /** Adds one to a counter, from region b. */
  const count = async (node: string) => (await connect('b', node)).ask(add('k'));
  const settled = () => until('it to settle', () => cluster.isSettled());
  await settled();
  const startedMs = nowMs();
  const sinceMs = () => nowMs() - startedMs;
  return { ...system, named, primaries, count, settled, sinceMs };
}

const isCount = (number: number) => ({ values: [number, expect.any(Number)] });

describe('one primary behind simulated Sentinels', () => {
  it('has a replica in every other region, and Sentinels that name it', async () => {
    const { cluster, named, primaries } = await simulateSentinels();
    expect(primaries()).toEqual(['a-0']);
    expect([cluster.replicasOf('a-0'), cluster.replicasOf('b-0')]).toEqual([['b-0', 'c-0'], []]);
    for (const region of THREE.regions) expect(await named(region)).toBe('a-0');
  });

  it('moves with its data when it is killed; the old one is a replica 8 to 18 s after it came back', async () => {
    const { cluster, until, pass, named, primaries, count, roles, sinceMs } = await simulateSentinels();
    expect(await count('a-0')).toMatchObject(isCount(1));
    await pass(1_000);
    const killedMs = sinceMs();
    cluster.control.kill('a-0');
    await until('a takeover', () => primaries().length === 1);
    expect(sinceMs() - killedMs).toBeGreaterThan(2_500); // the second Sentinel holds it for down half a second later
    expect(sinceMs() - killedMs).toBeLessThan(4_000);
    await pass(2_000);
    const [primary = ''] = primaries();
    for (const region of THREE.regions) expect(await named(region)).toBe(primary);
    expect(await count(primary)).toMatchObject(isCount(2));
    cluster.control.start('a-0');
    await until('its start', () => cluster.answers('a-0'));
    const backMs = sinceMs();
    expect(primaries()).toHaveLength(2);
    await until('its demotion', () => cluster.roleOf('a-0').role === 'replica');
    expect(sinceMs() - backMs).toBeGreaterThan(8_000);
    expect(sinceMs() - backMs).toBeLessThan(18_500);
    await until('it to be whole', () => cluster.lackOfWhole() === undefined);
    expect(roles).toContainEqual(expect.objectContaining({ event: 'restarted', node: 'a-0', isEmpty: true }));
  });

  it('is two while it is cut off, and one after the heal', async () => {
    const { network, until, pass, named, primaries, count } = await simulateSentinels();
    network.links.cut(ISOLATED, 'blackhole');
    await until('a takeover', () => primaries().length === 2);
    await pass(10_000);
    expect(primaries()[0]).toBe('a-0');
    expect(await named('a')).toBe('a-0');
    expect(await named('c')).toBe(primaries()[1]);
    network.links.restore(ISOLATED);
    await until('one primary', () => primaries().length === 1);
    expect(primaries()).not.toContain('a-0');
    await pass(2_000);
    expect(await named('a')).toBe(primaries()[0]);
    expect(await count('a-0')).toMatchObject({ error: expect.stringMatching(/^READONLY/) });
  });

  it('stops when it is cut off from its replicas, with min-replicas-to-write', async () => {
    const { network, pass, connect } = await simulateSentinels({
      minReplicasToWrite: 1,
      minReplicasMaxLagMs: 1_000,
    });
    await pass(2_000); // replicas confirm once a second
    const inside = await connect('a', 'a-0');
    expect(await inside.ask(add('k'))).toMatchObject(isCount(1));
    network.links.cut(ISOLATED, 'blackhole');
    await pass(3_500);
    expect(await inside.ask(add('k'))).toMatchObject({ error: expect.stringMatching(/^NOREPLICAS/) });
  });

  it('moves by order to the replica that is named, and comes home by order', async () => {
    const { cluster, time, until, primaries, connect, settled } = await simulateSentinels();
    const [toOld, toNew] = [await connect('b', 'a-0'), await connect('b', 'c-0')];
    let isOver = false;
    orderFailover(cluster, { node: 'c-0', time, withinMs: 20_000 }, (isPrimary) => {
      isOver = isPrimary;
    });
    await until('the order', () => isOver);
    expect([toOld.isOver(), toNew.isOver()]).toEqual([false, true]); // CLIENT KILL comes with each change of a role
    await until('the demotion', () => primaries().length === 1);
    expect(primaries()).toEqual(['c-0']);
    expect(toOld.isOver()).toBe(true);
    let isHome = false;
    bringHome(cluster, time, () => {
      isHome = true;
    });
    await until('it to be home', () => isHome);
    expect(primaries()).toEqual(['a-0']);
    await settled();
  });

  it('elects by the majority only: two of three Sentinels cut off from each other do not', async () => {
    const { network, cluster, pass, primaries } = await simulateSentinels();
    network.links.cut(cutPairs({ split: [['a'], ['b'], ['c']] }, THREE), 'blackhole');
    cluster.control.pause('a-0');
    await pass(60_000);
    expect(primaries()).toEqual(['a-0']);
  });

  it('has its times from the seed', async () => {
    const play = async (seed: number) => {
      const { cluster, pass, roles } = await simulateSentinels({}, seed);
      cluster.control.kill('a-0');
      await pass(10_000);
      return JSON.stringify(roles);
    };
    expect(await play(1)).toBe(await play(1));
    expect(await play(1)).not.toBe(await play(2));
  });
});

describe('a single simulated server', () => {
  it('answers every region, and starts again with what it stored', async () => {
    const single = { ...THREE, kind: 'single', replicas: 0 } as const;
    for (const persistence of ['aof', 'none'] as const) {
      const { cluster, connect, until } = simulateOnePrimary({ ...single, persistence });
      expect(cluster.isSettled()).toBe(true);
      expect(await (await connect('c', 'a-0')).ask(add('k'))).toMatchObject(isCount(1));
      cluster.control.kill('a-0');
      expect(cluster.roleOf('a-0').role).toBe('down');
      cluster.control.start('a-0');
      await until('its start', () => cluster.answers('a-0'));
      const after = persistence === 'aof' ? 2 : 1;
      expect(await (await connect('b', 'a-0')).ask(add('k'))).toMatchObject(isCount(after));
    }
  });
});
