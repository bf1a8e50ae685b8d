// async-ratelimiter before version 1.5: a transaction keeps the times of a user's requests, of denied ones too.
import RateLimiter from 'async-ratelimiter-1.3';
import { createAsyncRatelimiter } from './support/async-ratelimiter.mjs';

export const about = {
  name: 'async-ratelimiter 1.3, before its script',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'async-ratelimiter-1.3', 'ioredis'],
  setting: 'max 20, duration 4000',
  documentation: ['https://github.com/microlinkhq/async-ratelimiter'],
  says: 'At most max requests within the duration, in Redis. Nothing about denied requests, which count, too: its maintainer calls that a limitation by design. Nothing about several processes, failovers or regions.',
  covers: [],
};

export { promise } from './support/async-ratelimiter.mjs';

export const createLimiter = (options) => createAsyncRatelimiter(options, RateLimiter);
