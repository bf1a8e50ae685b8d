// async-ratelimiter: one script keeps the times of a user's requests in a sorted set, by the clock of the service.
import RateLimiter from 'async-ratelimiter';
import { createAsyncRatelimiter } from './support/async-ratelimiter.mjs';

export const about = {
  name: 'async-ratelimiter',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'async-ratelimiter', 'ioredis'],
  setting: 'max 20, duration 4000',
  documentation: ['https://github.com/microlinkhq/async-ratelimiter'],
  says: 'At most max requests within the duration, in Redis. Nothing about several processes, failovers or regions.',
  covers: [],
};

export { promise } from './support/async-ratelimiter.mjs';

export const createLimiter = (options) => createAsyncRatelimiter(options, RateLimiter);
