// The second pattern for rate limiters of the Redis documentation's page on INCR: one counter for each user, which is read
// before it is increased, and expires with its window. The page says that the two commands which increase it and set its
// expiry are a race, by which a key may stay.
import { connect } from './support/connect.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'Redis documentation, INCR and EXPIRE',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'ioredis'],
  setting: '20 in 4 s from the first; GET, then INCR, then EXPIRE of the first',
  documentation: ['https://redis.io/docs/latest/commands/incr/'],
  says: 'At most so many calls in a window. Its INCR and EXPIRE are a race, by which a key may stay for ever; a script is named as the remedy.',
  covers: ['three-instances', 'hot-user'],
};

/** The page: at most a number of calls in a window, which starts with the first of them. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const key = `${prefix}:${user}`;
      const current = await client.get(key);
      if (current !== null && Number(current) > limit) return { allowed: false };
      if ((await client.incr(key)) === 1) await client.pexpire(key, Math.round(windowMs));
      return { allowed: true };
    },
    close: () => client.disconnect(),
  };
}
