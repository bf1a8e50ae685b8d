import { describe, expect, it } from 'vitest';
import { add, read, settledNodes } from '../../../test/support/simulated-nodes.ts';

/** Its slot is 3,300: of us-east-0, with its replica in eu-west. */
const OF_US = 'b';
const count = (value: number) => ({ values: [value, expect.any(Number)] });

describe('the processes of simulated nodes', () => {
  it('answer nothing while they are stopped, and then all that waits', async () => {
    const { cluster, connect, pass } = await settledNodes({ nodeTimeoutMs: 20_000 });
    const client = await connect('us-east', 'us-east-0');
    cluster.control.pause('us-east-0');
    const late = await connect('us-east', 'us-east-0'); // the kernel accepts it
    late.send(add(OF_US));
    await pass(5_000);
    client.send(add(OF_US)); // later, on a connection that the process knows
    await pass(1_000);
    expect([client.answers, late.answers]).toEqual([[], []]);
    cluster.control.resume('us-east-0');
    await pass(10);
    expect([client.answers, late.answers]).toEqual([[count(1)], [count(2)]]);
  });

  it('decide as the former primary what their clients had sent before they hear of the takeover', async () => {
    const { cluster, until, connect, pass } = await settledNodes();
    const client = await connect('us-east', 'us-east-0');
    cluster.control.pause('us-east-0');
    await until('a takeover', () => cluster.roleOf('eu-west-1').role === 'primary');
    await pass(5_000);
    client.send(add(OF_US));
    const late = await connect('us-east', 'us-east-0');
    late.send(add(OF_US));
    await pass(100);
    cluster.control.resume('us-east-0');
    await pass(10);
    expect(client.answers).toEqual([count(1)]);
    expect(late.answers).toEqual([{ error: 'MOVED 3300 eu-west-1' }]);
  });

  it('of a stopped primary becomes a replica when it goes on after a takeover', async () => {
    const { cluster, until, roles, pass } = await settledNodes();
    cluster.control.pause('us-east-0');
    await until('a takeover', () => cluster.roleOf('eu-west-1').role === 'primary');
    cluster.control.resume('us-east-0');
    await pass(1_000);
    const seen = roles.map((event) => ('to' in event ? `${event.node} ${event.to}` : event.event));
    expect(seen.slice(0, 2)).toEqual(['us-east-0 down', 'eu-west-1 primary']);
    expect(seen.at(-1)).toBe('us-east-0 replica');
    await until('it to be whole', () => cluster.lackOfWhole() === undefined);
  });

  it.each([
    { persistence: 'none', empty: false, left: 0, isEmpty: true },
    { persistence: 'aof', empty: false, left: 2, isEmpty: false },
    { persistence: 'aof', empty: true, left: 0, isEmpty: true },
  ] as const)(
    'start again with persistence $persistence, empty: $empty',
    async ({ persistence, empty, left, isEmpty }) => {
      const { cluster, connect, until, pass, nowMs, roles } = await settledNodes({ persistence });
      const client = await connect('us-east', 'us-east-0');
      for (let i = 0; i < 2; i++) await client.ask(add(OF_US));
      cluster.control.kill('us-east-0');
      const killedMs = nowMs();
      if (empty) cluster.control.startEmpty('us-east-0');
      else cluster.control.start('us-east-0');
      await pass(1_000);
      expect(client.isOver()).toBe(true);
      const again = await connect('us-east', 'us-east-0');
      expect(await again.ask(add(OF_US))).toEqual({ error: 'CLUSTERDOWN The cluster is down' });
      await until('it to serve', () => cluster.healthOf('us-east-0')?.isOk === true);
      expect(nowMs() - killedMs).toBeGreaterThan(2_000);
      expect(nowMs() - killedMs).toBeLessThan(2_400);
      expect(await again.ask(add(OF_US))).toEqual(count(left + 1));
      await until('it to be whole', () => cluster.lackOfWhole() === undefined);
      await pass(1_000);
      const restarts = roles.filter(({ event }) => event === 'restarted');
      expect(restarts).toMatchObject([{ node: 'us-east-0', isEmpty, runId: 'us-east-0-2' }]);
      const replica = await connect('eu-west', 'eu-west-1');
      expect(await replica.ask(read(OF_US))).toEqual(count(left + 1));
    },
  );

  it('have clocks of their own', async () => {
    const { cluster, connect, time, roles, pass } = await settledNodes();
    cluster.control.stepClock('us-east-0', 60_000);
    const client = await connect('us-east', 'us-east-0');
    const answer = await client.ask(add(OF_US));
    const nowS = time.dateUs() / 1_000_000;
    const [, clockS] = (answer as { values: number[] }).values;
    expect((clockS ?? 0) - nowS).toBeGreaterThan(58.9);
    expect((clockS ?? 0) - nowS).toBeLessThan(60.1);
    expect(cluster.clockUsOf('us-east-0') - cluster.clockUsOf('eu-west-0')).toBe(60_000_000);
    await pass(10_000);
    expect(roles).toEqual([]); // no node holds it to be down for that
  });

  it('let replicas answer reads, as far as they have the writes', async () => {
    const { connect, pass } = await settledNodes();
    const client = await connect('us-east', 'us-east-0');
    const replica = await connect('eu-west', 'eu-west-1');
    await client.ask(add(OF_US));
    expect(await replica.ask(read(OF_US))).toEqual(count(0));
    await pass(45);
    expect(await replica.ask(read(OF_US))).toEqual(count(1));
    expect(await replica.ask(add(OF_US))).toEqual({ error: 'MOVED 3300 us-east-0' });
    const other = await connect('us-east', 'us-east-1');
    expect(await other.ask(read(OF_US))).toEqual({ error: 'MOVED 3300 us-east-0' });
  });

  it('hold writes during an ordered failover, so that none is lost', async () => {
    const { cluster, connect, until, pass } = await settledNodes();
    const client = await connect('us-east', 'us-east-0');
    let sent = 0;
    let isOver = false;
    const load = async () => {
      for (; !isOver; sent++) {
        client.send(add(OF_US));
        await pass(3);
      }
    };
    await client.ask(add(OF_US));
    expect(cluster.control.failover('us-east-0')).toBe('ERR You should send CLUSTER FAILOVER to a replica');
    expect(cluster.control.failover('eu-west-1')).toBeUndefined();
    const stop = until('a takeover', () => cluster.roleOf('us-east-0').role === 'replica').then(() => {
      isOver = true;
    });
    await Promise.all([load(), stop]);
    await pass(1_000);
    const counted = client.answers.filter((answer) => 'values' in answer).length;
    const moved = client.answers.filter((answer) => 'error' in answer);
    expect(counted + moved.length).toBe(sent + 1);
    expect(moved.length).toBeGreaterThan(0);
    for (const answer of moved) expect(answer).toEqual({ error: 'MOVED 3300 eu-west-1' });
    const successor = await connect('us-east', 'eu-west-1');
    expect(await successor.ask(add(OF_US))).toEqual(count(counted + 1));
  });

  it('are clusters of one node each in regions apart', async () => {
    const { connect } = await settledNodes({ apart: true, replicas: 0 });
    for (const region of ['us-east', 'eu-west', 'ap-south'])
      expect(await (await connect(region, `${region}-0`)).ask(add(OF_US))).toEqual(count(1));
  });

  it('do the same for one seed', async () => {
    const play = async (seed: number) => {
      const { cluster, pass, roles } = await settledNodes({}, seed);
      cluster.control.kill('us-east-0');
      await pass(8_000);
      cluster.control.start('us-east-0');
      await pass(8_000);
      return roles;
    };
    const first = await play(1);
    expect(first.length).toBeGreaterThan(2);
    expect(await play(1)).toEqual(first);
    expect(await play(2)).not.toEqual(first);
  });
});
