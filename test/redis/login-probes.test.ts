import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import type { ProbeContext } from '../../src/faults/probes/probe.ts';
import { makeProbe } from '../../src/faults/probes/registry.ts';

/** Replies to each command of a connection after a while: to the login, then to PING. */
async function startNode(delayMs: number) {
  const node = { port: 0, delayMs };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => setTimeout(() => socket.write('+OK\r\n'), node.delayMs));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  node.port = (server.address() as AddressInfo).port;
  return node;
}

it('a latency is not proved by the round trips of a login', async () => {
  const [node, direct] = [await startNode(700), await startNode(0)];
  const placeOf = ({ port }: { port: number }) => ({ host: '127.0.0.1', port, password: 'secret' });
  const topology = {
    regions: ['a', 'b'],
    nodes: ['a', 'b'].map((region) => ({ name: `${region}-0`, region })),
    roundTripMs: { 'a:b': 0 },
  };
  const regions = {
    ...{ topology, links: {}, view: () => ({}) },
    ...{ direct: () => placeOf(direct), announced: () => placeOf(node) },
  };
  const context = { regions, isAlone: () => true, random: makeRandom(1) } as unknown as ProbeContext;
  const spec = { fault: 'latency', between: ['a', 'b'], addMs: 150, jitterMs: 0, rampMs: 0 } as const;
  const probe = await makeProbe(spec, context);
  const look = async (bit: boolean) => expect(await probe?.look()).toMatchObject({ bit });
  await vi.waitFor(() => look(false), { timeout: 20_000 }); // a stall looks like a latency
  node.delayMs += 300;
  await look(true);
});
