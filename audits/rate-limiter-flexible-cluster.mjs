// rate-limiter-flexible, RateLimiterCluster: counters in the memory of the primary of workers of Node.js or PM2.
import { notRun } from './support/not-run.mjs';

export { promise } from './support/flexible.mjs';

export const { skip, createLimiter } = notRun(
  'its services must be workers of one process; those of a run are processes of their own',
);

export const about = {
  name: 'rate-limiter-flexible, RateLimiterCluster',
  language: 'JavaScript',
  version: ['echo', 'rate-limiter-flexible 11.4.0'],
  setting: 'points 20, duration 4; RateLimiterClusterMaster or RateLimiterClusterMasterPM2',
  documentation: ['https://github.com/animir/node-rate-limiter-flexible/wiki/Cluster'],
  says: 'The workers of one primary process share the counts, which are in its memory. It is for one machine.',
  covers: [],
  topology: 'none',
  skip,
};
