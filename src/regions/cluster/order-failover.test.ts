import { expect, it } from 'vitest';
import { orderFailover } from './order-failover.ts';

/** A node with these roles, look by look; the last one stays. */
function nodeOf(roles: readonly ('master' | 'slave')[]) {
  let look = 0;
  const orders: number[] = [];
  const client = {
    role: async () => [roles[Math.min(look++, roles.length - 1)]],
    call: async () => void orders.push(look),
  };
  return { client: client as unknown as Parameters<typeof orderFailover>[1], orders };
}

const order = (client: Parameters<typeof orderFailover>[1]) =>
  orderFailover('b-1', client, { signal: new AbortController().signal, withinMs: 5_000 });

it('sends no failover if the node is a primary already', async () => {
  const { client, orders } = nodeOf(['master']);
  await order(client);
  expect(orders).toEqual([]);
});

it('sends one failover and waits until the primary is stable', async () => {
  const { client, orders } = nodeOf(['slave', 'slave', 'master']);
  const startedMs = performance.now();
  await order(client);
  expect(orders).toEqual([1]);
  expect(performance.now() - startedMs).toBeGreaterThan(240);
});

it('ends at once if the node is not in cluster mode', async () => {
  const { client } = nodeOf(['slave']);
  const call = async () => {
    throw new Error('ERR This instance has cluster support disabled');
  };
  await expect(order({ ...client, call } as typeof client)).rejects.toMatchObject({
    code: 'ENVIRONMENT_FAILED',
    message: 'b-1 is not in cluster mode',
  });
});

it('retries at once if the old primary wins its slots back', async () => {
  const { client, orders } = nodeOf(['slave', 'master', 'master', 'slave', 'master']);
  await order(client);
  expect(orders).toEqual([1, 4]);
});
