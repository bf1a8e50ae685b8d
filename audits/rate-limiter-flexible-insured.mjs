// rate-limiter-flexible, RateLimiterRedis with RateLimiterMemory as its insuranceLimiter: where Redis gives an error,
// the memory of the process decides.
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { createFlexible } from './support/flexible.mjs';

export const about = {
  name: 'rate-limiter-flexible, insured by memory',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'rate-limiter-flexible', 'ioredis'],
  setting:
    'points 20, duration 4; insuranceLimiter RateLimiterMemory with 6 points, a third for each of three processes',
  documentation: [
    'https://github.com/animir/node-rate-limiter-flexible',
    'https://github.com/animir/node-rate-limiter-flexible/wiki/Insurance-Strategy',
  ],
  says: 'Increments are atomic in a distributed environment, without race conditions. The insurance is an emergency solution if the store is down; its data is not copied to the store.',
  covers: ['three-instances', 'hot-user'],
};

export { promise } from './support/flexible.mjs';

/** One Rating service in each region of the default topology. Its wiki shares the points out among the processes. */
const PROCESSES = 3;

export const createLimiter = (options) =>
  createFlexible(options, (store) => {
    const { points, duration } = store;
    const insuranceLimiter = new RateLimiterMemory({ points: Math.floor(points / PROCESSES), duration });
    return new RateLimiterRedis({ ...store, insuranceLimiter });
  });
