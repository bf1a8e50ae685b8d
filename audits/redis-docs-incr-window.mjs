// The first pattern for rate limiters of the Redis documentation's page on INCR: a counter for each user and each window.
import { connect } from './support/connect.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'Redis documentation, INCR by window',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'ioredis'],
  setting: '20 in windows of 4 s of Unix time; MULTI, INCR, EXPIRE, EXEC',
  documentation: ['https://redis.io/docs/latest/commands/incr/'],
  says: 'At most so many calls in each window. MULTI and EXEC make sure that each call counts and sets the expiry.',
  covers: ['three-instances', 'hot-user'],
};

/** The page counts in each second of Unix time. These windows are longer, and start at multiples of their length. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:epoch`;

export async function createLimiter({ policy, prefix, redis, ioredis, nowMs }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const keptSeconds = Math.ceil(windowMs / 100); // ten windows, as on the page
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const key = `${prefix}:${user}:${Math.floor(nowMs() / windowMs)}`;
      const replies = await client.multi().incr(key).expire(key, keptSeconds).exec();
      const [error, current] = replies[0];
      if (error) throw error;
      return { allowed: current <= limit };
    },
    close: () => client.disconnect(),
  };
}
