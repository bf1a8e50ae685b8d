// express-rate-limit with typeorm-rate-limit-store: counters in a database of TypeORM.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/express.mjs';

export const { skip, createLimiter } = notRun(
  'it needs a database of SQL, and a run starts and breaks only Redis',
);

export const about = {
  name: 'express-rate-limit, typeorm-rate-limit-store',
  language: 'JavaScript',
  version: ['echo', 'express-rate-limit 8.7.5, typeorm-rate-limit-store 1.1.1'],
  setting: 'limit 20, windowMs 4000, TypeOrmRateLimitStore',
  documentation: ['https://www.npmjs.com/package/typeorm-rate-limit-store'],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions.',
  covers: [],
  skip,
};
