// rate-limiter-flexible, RateLimiterRedis with RateLimiterMemory as its insuranceLimiter: where Redis gives an error,
// the memory of the process decides.
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { createFlexible } from './support/flexible.mjs';

export { promise } from './support/flexible.mjs';

/** One Rating service in each region of the default topology. Its wiki shares the points out among the processes. */
const PROCESSES = 3;

export const createLimiter = (options) =>
  createFlexible(
    options,
    ({ points, duration }) => new RateLimiterMemory({ points: Math.floor(points / PROCESSES), duration }),
  );
