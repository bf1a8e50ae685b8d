import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import type { ProbeContext } from '../../src/faults/probes/probe.ts';
import { makeProbe } from '../../src/faults/probes/registry.ts';
import type { FaultSpec } from '../../src/scenario/faults/index.ts';

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

/** What a probe says of two regions whose replies take so long; `topology` is what the plan knows of it. */
async function setUp(spec: FaultSpec, delayMs: number, topology: object) {
  const [node, direct] = [await startNode(delayMs), await startNode(0)];
  const placeOf = ({ port }: { port: number }) => ({ host: '127.0.0.1', port, password: 'secret' });
  const regions = {
    topology: {
      regions: ['a', 'b'],
      nodes: ['a', 'b'].map((region) => ({ name: `${region}-0`, region })),
      ...topology,
    },
    ...{ links: {}, view: () => ({}), direct: () => placeOf(direct), announced: () => placeOf(node) },
  };
  const context = { regions, isAlone: () => true, random: makeRandom(1) } as unknown as ProbeContext;
  const probe = await makeProbe(spec, context);
  return { node, look: async (bit: boolean) => expect(await probe?.look()).toMatchObject({ bit }) };
}

/** Until a look sees none: a stall looks like a latency. */
const PATIENCE = { timeout: 20_000 };

it('a latency is not proved by the round trips of a login', async () => {
  const spec = { fault: 'latency', between: ['a', 'b'], addMs: 150, jitterMs: 0, rampMs: 0 } as const;
  const { node, look } = await setUp(spec, 700, { roundTripMs: { 'a:b': 0 } });
  await vi.waitFor(() => look(false), PATIENCE);
  node.delayMs += 300;
  await look(true);
});

it('a flap is not proved by a distance that no plan knows', async () => {
  const spec = { fault: 'flap', mode: 'blackhole', isolate: ['a'], downMs: 500, upMs: 500 } as const;
  const { node, look } = await setUp(spec, 300, { roundTripMs: {}, external: true });
  await vi.waitFor(() => look(false), PATIENCE);
  node.delayMs = 60_000;
  await look(true);
});

it('a latency is not proved by a distance at which it cannot be seen', async () => {
  const spec = { fault: 'latency', between: ['a', 'b'], addMs: 150, jitterMs: 0, rampMs: 0 } as const;
  const { look } = await setUp(spec, 1_600, { roundTripMs: { 'a:b': 0 } });
  await look(false);
});
