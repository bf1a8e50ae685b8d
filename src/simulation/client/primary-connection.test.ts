import { describe, expect, it } from 'vitest';
import { add, simulateNodes, simulateOnePrimary } from '../../../test/support/simulated-nodes.ts';
import { makeRandom } from '../../core/prng.ts';
import type { RedisConnection } from '../../limiter/redis/connection.ts';
import type { Network } from '../network.ts';
import { ServiceProcess } from '../service/process.ts';
import { simulatedConnect } from './connect.ts';

const THREE = { regions: ['a', 'b', 'c'], roundTripMs: { 'a:b': 10, 'b:c': 10, 'a:c': 10 } };
const REPLICAS = 1;

/** Clients of one process in region b, and the connections that it has open or tries to open, by node. */
function processOn({ network }: { readonly network: Network }) {
  const open: string[] = [];
  const attempts: string[] = [];
  const counted: Network = {
    time: network.time,
    listen: (port, accept) => network.listen(port, accept),
    resetFrom: (node) => network.resetFrom(node),
    connect(from, to, hears) {
      attempts.push(to.node);
      open.push(to.node);
      let isOver = false;
      const over = () => {
        if (!isOver) open.splice(open.indexOf(to.node), 1);
        isOver = true;
      };
      const closed = () => {
        over();
        hears.closed();
      };
      const connection = network.connect(from, to, { ...hears, closed });
      return {
        close() {
          over();
          connection.close();
        },
      };
    },
  };
  const random = makeRandom(1, 'client');
  const process = new ServiceProcess(network.time, random);
  const connect = simulatedConnect({ network: counted, from: { region: 'b' }, process, random });
  return { process, connect, open, attempts };
}

const addresses = (names: readonly string[]) => names.map((name) => `redis://${name}:6379`);

function behindSentinels() {
  const system = simulateOnePrimary({ ...THREE, kind: 'sentinel' });
  const { cluster, topology, until, pass } = system;
  const connection: RedisConnection = {
    urls: addresses(topology.sentinels.map(({ name }) => name)),
    sentinel: { primary: 'any' },
    commandTimeoutMs: 500,
  };
  const settle = async () => {
    await until('it to settle', () => cluster.isSettled());
    await pass(2_000);
  };
  return { ...system, ...processOn(system), connection, settle };
}

describe('a simulated client behind Sentinels', () => {
  it('has lanes that follow the primary, and none to the server that it was', async () => {
    const { connect, connection, cluster, attempts, open, until, pass, settle } = behindSentinels();
    await settle();
    const port = connect.acked(connection, { replicas: REPLICAS });
    let acked = 0;
    const call = () => {
      const { script, keys, args } = add('k') as Extract<ReturnType<typeof add>, { name: 'script' }>;
      port
        .runAcked(script, keys, args)
        .then((reply) => reply.acked())
        .then(
          () => acked++,
          () => {}, // during the failover
        );
    };
    const written = async () => {
      const before = acked;
      await until('a write that a replica has', () => {
        call();
        return acked > before;
      });
    };
    await written();
    const ofPrimary = open.filter((node) => node === 'a-0').length;
    expect(ofPrimary).toBe(1 + 8); // its own connection, and lanes
    cluster.control.kill('a-0');
    await written();
    await pass(5_000); // all lanes have found it
    const successor = ['b-0', 'c-0'].find((node) => cluster.roleOf(node).role === 'primary');
    expect(open.filter((node) => node === successor)).toHaveLength(ofPrimary);
    attempts.length = 0;
    await pass(10_000);
    expect(attempts).toEqual([]);
  });

  it('opens its lanes before its own connection is ready', async () => {
    const { connect, connection, open, until, settle } = behindSentinels();
    await settle();
    const port = connect.acked(connection, { replicas: REPLICAS });
    const { script, keys, args } = add('k') as Extract<ReturnType<typeof add>, { name: 'script' }>;
    let isWritten = false;
    port.runAcked(script, keys, args).then(() => {
      isWritten = true;
    });
    expect(open).toHaveLength((1 + 8) * (1 + 3)); // each asks the first Sentinel, and hears the news of all
    await until('the write', () => isWritten);
  });
});

describe('a simulated process that ends', () => {
  it('leaves no question to a Sentinel behind', async () => {
    const { connect, connection, process, open, pass, settle } = behindSentinels();
    await settle();
    connect.plain(connection);
    await pass(1);
    expect(open.length).toBeGreaterThan(0);
    process.end();
    expect(open).toEqual([]);
  });

  it('leaves no question for slots behind', async () => {
    const system = simulateNodes();
    const { cluster, topology, until, pass } = system;
    const { connect, process, open } = processOn(system);
    await until('it to settle', () => cluster.isSettled());
    connect.plain({ urls: addresses(topology.nodes.slice(0, 1).map(({ name }) => name)), cluster: true });
    await pass(1);
    expect(open.length).toBeGreaterThan(0);
    process.end();
    expect(open).toEqual([]);
  });
});
