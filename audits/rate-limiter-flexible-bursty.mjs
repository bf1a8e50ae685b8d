// rate-limiter-flexible, BurstyRateLimiter: a counter in Redis, and a second one for what exceeds the first.
import { BurstyRateLimiter, RateLimiterRedis } from 'rate-limiter-flexible';
import { createFlexible, flexibleWindow } from './support/flexible.mjs';

export const about = {
  name: 'rate-limiter-flexible, BurstyRateLimiter',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'rate-limiter-flexible', 'ioredis'],
  setting: 'two RateLimiterRedis, each of points 10, duration 4',
  documentation: [
    'https://github.com/animir/node-rate-limiter-flexible',
    'https://github.com/animir/node-rate-limiter-flexible/wiki/BurstyRateLimiter',
  ],
  says: 'Increments are atomic in a distributed environment, without race conditions. Nothing about failovers or regions.',
  covers: ['three-instances', 'hot-user'],
};

/** Its README: the first counter's limit, and the second one's beyond it. Their windows start at different times. */
export function promise(policy) {
  const { limit, durationSeconds } = flexibleWindow(policy);
  return `fixed-window:${limit}/${durationSeconds}s`;
}

/** Half of the points in each of the two. */
export const createLimiter = (options) =>
  createFlexible(options, ({ points, keyPrefix, ...store }) => {
    const burst = Math.floor(points / 2);
    return new BurstyRateLimiter(
      new RateLimiterRedis({ ...store, points: points - burst, keyPrefix }),
      new RateLimiterRedis({ ...store, points: burst, keyPrefix: `${keyPrefix}:burst` }),
    );
  });
