// rate-limiter-flexible, RateLimiterRedis: a counter in Redis for each user that expires with its window.
import { createFlexible } from './support/flexible.mjs';

export { promise } from './support/flexible.mjs';

export const createLimiter = (options) => createFlexible(options);
