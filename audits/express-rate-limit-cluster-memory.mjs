// express-rate-limit with its store for workers of the cluster module of Node.js: counters in the memory of the primary.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/express.mjs';

export const { skip, createLimiter } = notRun(
  'its services must be workers of one process; those of a run are processes of their own',
);

export const about = {
  name: 'express-rate-limit, cluster-memory-store',
  language: 'JavaScript',
  version: ['echo', 'express-rate-limit 8.7.5, @express-rate-limit/cluster-memory-store 0.3.1'],
  setting: 'limit 20, windowMs 4000, ClusterMemoryStoreWorker',
  documentation: ['https://github.com/express-rate-limit/cluster-memory-store'],
  says: 'The workers of one primary process share the counts, which are in its memory. It is for one machine.',
  covers: [],
  topology: 'none',
  skip,
};
