import { describe, expect, it } from 'vitest';
import { add, settledNodes } from '../../../test/support/simulated-nodes.ts';
import { cutPairs, type PartitionShape } from '../../topology/pairs.ts';

/** Its slot is 3,300: of us-east-0, with its replica in eu-west. */
const OF_US = 'b';
const WHOLE = { values: [expect.any(Number), expect.any(Number)] };

async function settled(...options: Parameters<typeof settledNodes>) {
  const nodes = await settledNodes(...options);
  const { cluster, until, topology, network } = nodes;
  const cut = (shape: PartitionShape) => network.links.cut(cutPairs(shape, topology), 'blackhole');
  const heal = (shape: PartitionShape) => network.links.restore(cutPairs(shape, topology));
  const whole = () => until('it to be whole', () => cluster.lackOfWhole() === undefined);
  return { ...nodes, cut, heal, whole };
}

describe('a partition of simulated nodes', () => {
  it('lets the majority promote a replica, and the minority refuse', async () => {
    const { cluster, connect, cut, heal, until, nowMs, whole, pass } = await settled();
    const inside = await connect('us-east', 'us-east-0');
    await inside.ask(add(OF_US));
    await pass(500);
    const startedMs = nowMs();
    cut({ isolate: ['us-east'] });
    expect(await inside.ask(add(OF_US))).toMatchObject({ values: [2, expect.any(Number)] });
    const isDown = () => cluster.healthOf('us-east-0')?.isOk === false;
    await until('the minority to notice', isDown);
    expect(nowMs() - startedMs).toBeGreaterThan(2_000);
    expect(nowMs() - startedMs).toBeLessThan(3_600);
    expect(await inside.ask(add(OF_US))).toEqual({ error: 'CLUSTERDOWN The cluster is down' });
    await until('a takeover', () => cluster.roleOf('eu-west-1').role === 'primary');
    expect(cluster.roleOf('us-east-0').role).toBe('primary'); // both, until it is healed
    const outside = await connect('eu-west', 'eu-west-1');
    await until('it to serve', () => cluster.healthOf('eu-west-1')?.isOk === true);
    // The write that only the minority had is lost.
    expect(await outside.ask(add(OF_US))).toMatchObject({ values: [2, expect.any(Number)] });
    heal({ isolate: ['us-east'] });
    const demotedMs = await until('a demotion', () => cluster.roleOf('us-east-0').role === 'replica');
    expect(demotedMs).toBeLessThan(1_000);
    await whole();
    expect(await outside.ask(add(OF_US))).toMatchObject({ values: [3, expect.any(Number)] });
    const other = await connect('us-east', 'us-east-0');
    expect(await other.ask(add(OF_US))).toEqual({ error: 'MOVED 3300 eu-west-1' });
  });

  it('promotes none without a majority, and serves again after it is healed', async () => {
    const { cluster, cut, heal, pass, whole, roles } = await settled();
    const apart: PartitionShape = { split: [['us-east'], ['eu-west'], ['ap-south']] };
    cut(apart);
    await pass(20_000);
    expect(roles).toEqual([]);
    for (const { name } of cluster.topology.nodes) expect(cluster.healthOf(name)?.isOk).toBe(false);
    heal(apart);
    await whole();
  });

  it('gives WAIT what was acknowledged within its timeout', async () => {
    const { connect, cut, nowMs } = await settled();
    const client = await connect('us-east', 'us-east-0');
    cut({ bridge: ['us-east', 'eu-west'] });
    await client.ask(add(OF_US));
    const startedMs = nowMs();
    expect(await client.ask({ name: 'wait', replicas: 1, timeoutMs: 700 })).toEqual({ values: [0] });
    expect(nowMs() - startedMs).toBeGreaterThanOrEqual(700);
    expect(nowMs() - startedMs).toBeLessThan(705);
  });

  it('refuses writes while too few replicas are near, and not before the lag', async () => {
    const { connect, cut, heal, pass, whole } = await settled({
      minReplicasToWrite: 1,
      minReplicasMaxLagMs: 2_000,
      nodeTimeoutMs: 60_000,
    });
    const client = await connect('us-east', 'us-east-0');
    const shape: PartitionShape = { bridge: ['us-east', 'eu-west'] };
    cut(shape);
    await pass(1_000);
    expect(await client.ask(add(OF_US))).toMatchObject(WHOLE);
    await pass(4_000);
    const refusal = { error: 'NOREPLICAS Not enough good replicas to write.' };
    expect(await client.ask(add(OF_US))).toEqual(refusal);
    heal(shape);
    await whole();
    await pass(1_000);
    expect(await client.ask(add(OF_US))).toMatchObject(WHOLE);
  });

  it('lets one of two replicas win', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { cluster, roles, pass } = await settled({ replicas: 2 }, seed);
      cluster.control.kill('us-east-0');
      await pass(40_000); // a split vote is repeated after four node timeouts
      const won = roles.filter(({ event }) => event === 'role').filter(({ node }) => node !== 'us-east-0');
      expect(won.map((event) => 'to' in event && event.to)).toEqual(['primary']);
    }
  });
});
