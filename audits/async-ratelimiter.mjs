// async-ratelimiter: one script keeps the times of a user's requests in a sorted set, by the clock of the service.
import RateLimiter from 'async-ratelimiter';
import { connect } from './support/connect.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'async-ratelimiter',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'async-ratelimiter', 'ioredis'],
  setting: 'max 20, duration 4000',
  documentation: ['https://github.com/microlinkhq/async-ratelimiter'],
  says: 'At most max requests within the duration, in Redis. Nothing about several processes, failovers or regions.',
  covers: [],
};

/** Its README: `max` is the maximum number of requests within `duration`. */
export const promise = (policy) => `sliding-window:${limitText(policy)}`;

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const limiter = new RateLimiter({
    db: client,
    max: limit,
    duration: Math.round(windowMs),
    namespace: prefix,
  });
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const { remaining, reset } = await limiter.get({ id: user });
      return {
        allowed: remaining > 0,
        remaining: Math.max(0, remaining - 1),
        resetMs: Math.max(0, reset * 1_000 - Date.now()),
      };
    },
    close: () => client.disconnect(),
  };
}
