// bottleneck, a Group with its clustering over Redis: a reservoir for each user that is refreshed every five seconds.
import Bottleneck from 'bottleneck';
import { Cluster, Redis } from 'ioredis';
import { connect } from './support/connect.mjs';
import { bucketOf } from './support/script.mjs';

export const about = {
  name: 'bottleneck, Group over Redis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'bottleneck', 'ioredis'],
  setting:
    'reservoir 20 refreshed every 5000 ms, highWater 0, OVERFLOW; keys of a user in braces, for one slot',
  documentation: [
    'https://github.com/SGrondin/bottleneck#clustering',
    'https://github.com/SGrondin/bottleneck#reservoir-intervals',
  ],
  says: 'Many limiters share a state in Redis, whose changes are atomic, consistent and isolated; it also supports Redis Cluster and Sentinel. It stays reliable with unreliable clients and networks.',
  covers: ['three-instances', 'hot-user'],
};

/** Its README: with clustering, the interval of a refresh should be a multiple of 5000 ms. */
const REFRESH_MS = 5_000;

/** Its README: `reservoir` jobs, and as many again after each interval. The intervals begin with the limiter. */
export const promise = (policy) => `fixed-window:${reservoirOf(policy)}/${REFRESH_MS}ms`;

const reservoirOf = (policy) => bucketOf(policy).capacity;

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  Redis.Cluster ??= Cluster;
  const connection = new Bottleneck.IORedisConnection({ client, Redis });
  connection.on('error', () => {}); // each job says what became of it
  const group = new Bottleneck.Group({
    id: prefix,
    connection,
    reservoir: reservoirOf(policy),
    reservoirRefreshAmount: reservoirOf(policy),
    reservoirRefreshInterval: REFRESH_MS,
    highWater: 0,
    strategy: Bottleneck.strategy.OVERFLOW,
  });
  group.on('created', (limiter) => limiter.on('error', () => {}));
  return {
    /** A job that may not start at once is dropped. In braces, so that the keys of a user are in one slot of a cluster. */
    async take(user, { cost }) {
      try {
        await group.key(`{${user}}`).schedule({ weight: cost }, async () => {});
        return { allowed: true };
      } catch (error) {
        if (/dropped by Bottleneck/.test(error.message)) return { allowed: false };
        throw error;
      }
    },
    close: () => group.disconnect(false),
  };
}
