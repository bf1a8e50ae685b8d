import { describe, expect, it } from 'vitest';
import { add, simulateNodes } from '../../../test/support/simulated-nodes.ts';
import type { SlotsView } from './messages.ts';
import { bringHome } from './settle.ts';

/** Its slot is 12,182: of ap-south-0. */
const OF_AP = 'foo';

describe('a simulated cluster', () => {
  it('begins formed, and settles', async () => {
    const { cluster, until, connect, pass } = simulateNodes();
    expect(await until('it to settle', () => cluster.isSettled())).toBeLessThan(2_000);
    const client = await connect('us-east', 'us-east-0');
    const replicas = async () => {
      const answer = (await client.ask({ name: 'slots' })) as { slots: readonly SlotsView[] };
      expect(answer.slots.map(({ from, to, primary }) => [from, to, primary])).toEqual([
        [0, 5_461, 'us-east-0'],
        [5_462, 10_922, 'eu-west-0'],
        [10_923, 16_383, 'ap-south-0'],
      ]);
      return answer.slots.map((view) => view.replicas);
    };
    await pass(3_000);
    expect(await replicas()).toEqual([[], [], []]); // at offset 0, as long as nothing is written
    await pass(9_000); // primaries send PING after 10 s, and every node has heard that replicas received it
    expect(await replicas()).toEqual([['eu-west-1'], ['ap-south-1'], ['us-east-1']]);
  });

  it('runs a script at the owner of its slot, and names it elsewhere', async () => {
    const { connect } = simulateNodes();
    const client = await connect('us-east', 'us-east-0');
    expect(await client.ask(add(OF_AP))).toEqual({ error: 'MOVED 12182 ap-south-0' });
    const owner = await connect('us-east', 'ap-south-0');
    expect(await owner.ask(add(OF_AP))).toMatchObject({ values: [1, expect.any(Number)] });
  });

  it('waits until replicas have the writes of the connection', async () => {
    const { cluster, until, connect, nowMs } = simulateNodes();
    await until('it to settle', () => cluster.isSettled());
    const client = await connect('ap-south', 'ap-south-0');
    await client.ask(add(OF_AP));
    const sentMs = nowMs();
    expect(await client.ask({ name: 'wait', replicas: 1, timeoutMs: 1_000 })).toEqual({ values: [1] });
    const tookMs = nowMs() - sentMs;
    expect(tookMs).toBeGreaterThan(185); // a round trip from ap-south to us-east
    expect(tookMs).toBeLessThan(200);
    expect(await client.ask({ name: 'wait', replicas: 2, timeoutMs: 300 })).toEqual({ values: [1] });
  });

  it('promotes the replica of a killed primary, with its data', async () => {
    const { cluster, time, until, connect, roles, nowMs, pass } = simulateNodes();
    await until('it to settle', () => cluster.isSettled());
    const client = await connect('ap-south', 'ap-south-0');
    await client.ask(add(OF_AP));
    await pass(1_000);
    const killedMs = nowMs();
    cluster.control.kill('ap-south-0');
    await until('a takeover', () => cluster.roleOf('us-east-1').role === 'primary');
    const tookMs = nowMs() - killedMs;
    expect(tookMs).toBeGreaterThan(2_000);
    expect(tookMs).toBeLessThan(6_000);
    await pass(50); // roles are polled so often
    expect(roles.map(({ node }) => node)).toEqual(['ap-south-0', 'us-east-1']);
    const other = await connect('us-east', 'us-east-1');
    expect(await other.ask(add(OF_AP))).toMatchObject({ values: [2, expect.any(Number)] });
    cluster.control.start('ap-south-0');
    await until('it to be whole', () => cluster.lackOfWhole() === undefined);
    expect(cluster.roleOf('ap-south-0').role).toBe('replica');
    let isHome = false;
    bringHome(cluster, time, () => {
      isHome = true;
    });
    await until('it to be at home', () => isHome);
    expect(cluster.roleOf('ap-south-0').role).toBe('primary');
    expect(await (await connect('us-east', 'ap-south-0')).ask(add(OF_AP))).toMatchObject({
      values: [3, expect.any(Number)],
    });
  });

  it('promotes no replica that has had no link since it was started', async () => {
    const { cluster, until, pass } = simulateNodes();
    await until('it to settle', () => cluster.isSettled());
    cluster.control.kill('us-east-1');
    cluster.control.kill('ap-south-0');
    cluster.control.start('us-east-1');
    await until('it to be there', () => cluster.roleOf('us-east-1').role === 'replica');
    await pass(60_000); // of a node timeout of 2 s
    expect(cluster.roleOf('us-east-1').role).toBe('replica');
  });
});
