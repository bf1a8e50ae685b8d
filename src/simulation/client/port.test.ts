import { describe, expect, it } from 'vitest';
import { add, read, settledNodes, simulateOnePrimary } from '../../../test/support/simulated-nodes.ts';
import { OpenclawError } from '../../core/errors.ts';
import { makeRandom } from '../../core/prng.ts';
import type { RedisConnection } from '../../limiter/redis/connection.ts';
import type { TextPort } from '../../limiter/redis/port.ts';
import type { Command } from '../nodes/messages.ts';
import { ServiceProcess } from '../service/process.ts';
import { simulatedConnect } from './connect.ts';

/** Its slot is 12,182: of ap-south-0, whose replica is us-east-1. */
const OF_AP = 'foo';
const TIMEOUT_MS = 400;

const urlsOf = (names: readonly string[]) => names.map((name) => `redis://${name}:6379`);

/** Of a call: its values and the node that answered, or the error; and how long it took. */
type Outcome = { readonly tookMs: number } & (
  | { readonly values: readonly number[]; readonly node: string }
  | { readonly code: string; readonly charge: string }
);

type System = Awaited<ReturnType<typeof settledNodes>> | ReturnType<typeof simulateOnePrimary>;

/** A connected client in a region, whose calls end in the time of the simulation. */
async function clientIn(
  region: string,
  system: System,
  connection: Partial<RedisConnection>,
  readsReplicas = false,
) {
  const { network, until, pass, nowMs } = system;
  const random = makeRandom(1, 'client');
  const process = new ServiceProcess(network.time, random);
  const connect = simulatedConnect({ network, from: { region }, process, random });
  const urls = urlsOf(['us-east-0']);
  const port: TextPort = connect.plain(
    { urls, commandTimeoutMs: TIMEOUT_MS, ...connection },
    { readsReplicas },
  );
  await pass(3_000); // it is connected to all nodes
  return async (command: Command): Promise<Outcome> => {
    const { script, keys, args } = command as Extract<Command, { name: 'script' }>;
    const calledMs = nowMs();
    let outcome: Outcome | undefined;
    const tookMs = () => nowMs() - calledMs;
    port.run(script, keys, args).then(
      ({ values, node }) => {
        outcome = { values, node, tookMs: tookMs() };
      },
      (error: unknown) => {
        if (!(error instanceof OpenclawError)) throw error;
        outcome = { code: error.code, charge: error.charge, tookMs: tookMs() };
      },
    );
    await until('the call to end', () => outcome !== undefined);
    return outcome as Outcome;
  };
}

describe('a simulated client of a cluster', () => {
  it('follows MOVED to the new primary, and then knows it', async () => {
    const nodes = await settledNodes();
    const call = await clientIn('us-east', nodes, { cluster: true });
    expect(await call(add(OF_AP))).toMatchObject({ node: 'ap-south-0', values: [1, expect.any(Number)] });
    nodes.cluster.control.failover('us-east-1');
    await nodes.until('the failover', () => nodes.cluster.roleOf('ap-south-0').role === 'replica');
    const moved = await call(add(OF_AP));
    expect(moved).toMatchObject({ node: 'us-east-1', values: [2, expect.any(Number)] });
    expect(moved.tookMs).toBeGreaterThan(185); // it asked ap-south-0 first
    const next = await call(add(OF_AP));
    expect(next).toMatchObject({ node: 'us-east-1', values: [3, expect.any(Number)] });
    expect(next.tookMs).toBeLessThan(20);
  });

  it('gives up a written call after its time-out, which may have run', async () => {
    const nodes = await settledNodes();
    const call = await clientIn('ap-south', nodes, { cluster: true });
    await call(add(OF_AP));
    nodes.cluster.control.pause('ap-south-0');
    expect(await call(add(OF_AP))).toEqual({
      ...{ code: 'REPLY_TIMEOUT', charge: 'possible' },
      tookMs: expect.closeTo(TIMEOUT_MS, -1),
    });
    nodes.cluster.control.resume('ap-south-0');
    await nodes.pass(1_000);
    expect(await call(add(OF_AP))).toMatchObject({ values: [3, expect.any(Number)] }); // it has run
  });

  it('reads a replica, which may lack what the primary has', async () => {
    const nodes = await settledNodes();
    await nodes.pass(12_000); // primaries send their first PING, and name the replicas that received it
    const write = await clientIn('ap-south', nodes, { cluster: true });
    const look = await clientIn('us-east', nodes, { cluster: true }, true);
    await write(add(OF_AP));
    expect(await look(read(OF_AP))).toMatchObject({ node: 'us-east-1', values: [0, expect.any(Number)] });
    await nodes.pass(200); // more than the way from ap-south to us-east
    expect(await look(read(OF_AP))).toMatchObject({ node: 'us-east-1', values: [1, expect.any(Number)] });
  });
});

describe('a simulated client of one server', () => {
  it('refuses calls while the server is away, and connects again', async () => {
    const server = simulateOnePrimary({ kind: 'single', replicas: 0 });
    const call = await clientIn('us-east', server, {});
    expect(await call(add('k'))).toMatchObject({ node: 'us-east-0', values: [1, expect.any(Number)] });
    server.cluster.control.kill('us-east-0');
    await server.pass(1_000);
    const refused = await call(add('k'));
    expect(refused).toMatchObject({ charge: 'none' });
    expect(refused.tookMs).toBeLessThan(TIMEOUT_MS);
    server.cluster.control.start('us-east-0');
    await server.pass(3_000); // its pauses between attempts are at most two seconds
    expect(await call(add('k'))).toMatchObject({ node: 'us-east-0', values: [1, expect.any(Number)] });
  });

  it('fails a written call with its connection, which may have run', async () => {
    const server = simulateOnePrimary({ kind: 'single', replicas: 0 });
    const call = await clientIn('eu-west', server, {});
    await call(add('k'));
    const called = call(add('k'));
    await server.pass(5); // it is on its way
    server.cluster.control.kill('us-east-0');
    const failed = await called;
    expect(failed).toMatchObject({ charge: 'possible' });
    expect(failed.tookMs).toBeLessThan(TIMEOUT_MS);
  });
});

describe('a simulated client behind Sentinels', () => {
  it('leaves a primary that hangs when a Sentinel names another', async () => {
    const system = simulateOnePrimary({ kind: 'sentinel' });
    await system.until('it to settle', () => system.cluster.isSettled());
    await system.pass(2_000);
    const urls = urlsOf(system.topology.sentinels.map(({ name }) => name));
    const call = await clientIn('us-east', system, { urls, sentinel: { primary: 'any' } });
    expect(await call(add('k'))).toMatchObject({ node: 'us-east-0' });
    system.cluster.control.pause('us-east-0');
    const isPrimary = (node: string) => system.cluster.roleOf(node).role === 'primary';
    const successor = () => ['eu-west-0', 'ap-south-0'].find(isPrimary);
    await system.until('a failover', () => successor() !== undefined);
    await system.pass(8_000); // the news, and a connection
    expect(await call(add('k'))).toMatchObject({ node: successor() });
  });
});
