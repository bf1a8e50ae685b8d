// express-rate-limit with rate-limit-mongo: counters in MongoDB.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/express.mjs';

export const { skip, createLimiter } = notRun('it needs MongoDB, and a run starts and breaks only Redis');

export const about = {
  name: 'express-rate-limit, rate-limit-mongo',
  language: 'JavaScript',
  version: ['echo', 'express-rate-limit 8.7.5, rate-limit-mongo 2.3.2'],
  setting: 'limit 20, windowMs 4000, MongoStore',
  documentation: ['https://github.com/2do2go/rate-limit-mongo'],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions.',
  covers: [],
  skip,
};
