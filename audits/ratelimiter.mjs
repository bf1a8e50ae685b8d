// ratelimiter: a transaction keeps the times of a user's requests in a sorted set, by the clock of the service.
import Limiter from 'ratelimiter';
import { connect } from './support/connect.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'ratelimiter',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'ratelimiter', 'ioredis'],
  setting: 'max 20, duration 4000',
  documentation: ['https://github.com/tj/node-ratelimiter'],
  says: 'At most max requests within the duration, a moving window in Redis. Nothing about denied requests, which count, too: its maintainers call that a limitation by design. Nothing about several processes, failovers or regions.',
  covers: [],
};

/**
 * Its README: at most `max` requests within `duration`, as a moving window since version 3. It counts denied requests by
 * design, so its denials are not judged: of the promises of a moving window a counter's names none.
 */
export const promise = (policy) => `sliding-counter:${limitText(policy)}`;

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const limits = { db: client, max: limit, duration: Math.round(windowMs) };
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const limiter = new Limiter({ id: `${prefix}:${user}`, ...limits });
      const { remaining, resetMs } = await new Promise((resolve, reject) =>
        limiter.get((error, result) => (error ? reject(error) : resolve(result))),
      );
      return {
        allowed: remaining > 0,
        remaining: Math.max(0, remaining - 1),
        resetMs: Math.max(0, resetMs - Date.now()),
      };
    },
    close: () => client.disconnect(),
  };
}
