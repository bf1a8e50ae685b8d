// rate-limiter-flexible, RateLimiterRedis: a counter in Redis for each user that expires with its window.
import { createFlexible } from './support/flexible.mjs';

export const about = {
  name: 'rate-limiter-flexible, RateLimiterRedis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'rate-limiter-flexible', 'ioredis'],
  setting: 'points 20, duration 4',
  documentation: [
    'https://github.com/animir/node-rate-limiter-flexible',
    'https://github.com/animir/node-rate-limiter-flexible/wiki/Redis',
  ],
  says: 'Increments are atomic in a distributed environment, without race conditions. Nothing about failovers or regions.',
  covers: ['three-instances', 'hot-user'],
};

export { promise } from './support/flexible.mjs';

export const createLimiter = (options) => createFlexible(options);
