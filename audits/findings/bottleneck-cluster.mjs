// bottleneck over a Redis Cluster with what its README names for one: the datastore ioredis, and clusterNodes.
import Bottleneck from 'bottleneck';
import * as Redis from 'ioredis';

export const promise = 'fixed-window:20/5000ms';

export function createLimiter({ prefix, ioredis: { nodes, redisOptions } }) {
  const group = new Bottleneck.Group({
    id: prefix,
    datastore: 'ioredis',
    clusterNodes: [...nodes],
    clientOptions: { redisOptions: { ...redisOptions } },
    Redis,
    reservoir: 20,
    reservoirRefreshAmount: 20,
    reservoirRefreshInterval: 5_000,
  });
  group.on('error', () => {}); // each job says what became of it
  return {
    async take(user) {
      await group.key(user).schedule(async () => {});
      return { allowed: true };
    },
    close: () => group.disconnect(false),
  };
}
