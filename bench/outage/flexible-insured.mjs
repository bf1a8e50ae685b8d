// The same with an insuranceLimiter in memory, as its wiki sets it up (Insurance-Strategy): the memory of each process
// decides where Redis gives an error. The wiki shares the points out among the processes; here is one.
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { createFlexible } from './flexible.mjs';

export { promise } from './flexible.mjs';

export const createLimiter = (options) =>
  createFlexible(options, (window) => ({ insuranceLimiter: new RateLimiterMemory(window) }));
