// express-rate-limit with rate-limit-memcached: counters in memcached.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/express.mjs';

export const { skip, createLimiter } = notRun('it needs memcached, and a run starts and breaks only Redis');

export const about = {
  name: 'express-rate-limit, rate-limit-memcached',
  language: 'JavaScript',
  version: ['echo', 'express-rate-limit 8.7.5, rate-limit-memcached 1.0.1'],
  setting: 'limit 20, windowMs 4000, MemcachedStore',
  documentation: ['https://github.com/express-rate-limit/rate-limit-memcached'],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions.',
  covers: [],
  skip,
};
