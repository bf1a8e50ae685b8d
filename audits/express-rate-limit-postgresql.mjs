// express-rate-limit with @acpr/rate-limit-postgresql: counters in PostgreSQL.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/express.mjs';

export const { skip, createLimiter } = notRun('it needs PostgreSQL, and a run starts and breaks only Redis');

export const about = {
  name: 'express-rate-limit, @acpr/rate-limit-postgresql',
  language: 'JavaScript',
  version: ['echo', 'express-rate-limit 8.7.5, @acpr/rate-limit-postgresql 1.4.1'],
  setting: 'limit 20, windowMs 4000, PostgresStore',
  documentation: ['https://github.com/express-rate-limit/rate-limit-postgresql'],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions.',
  covers: [],
  skip,
};
