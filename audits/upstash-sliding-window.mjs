// @upstash/ratelimit, slidingWindow: counters in Redis of this window of the clock and of the one before, which counts
// in part.
import { Ratelimit } from '@upstash/ratelimit';
import { createUpstash } from './support/upstash.mjs';
import { limitText, windowOf } from './support/window.mjs';

export const about = {
  name: '@upstash/ratelimit, slidingWindow',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', '@upstash/ratelimit', '@upstash/redis'],
  setting: 'slidingWindow(20, "4000 ms"), ephemeralCache and timeout as by default',
  documentation: [
    'https://upstash.com/docs/redis/sdks/ratelimit-ts/algorithms',
    'https://upstash.com/docs/redis/sdks/ratelimit-ts/features',
  ],
  says: 'For serverless functions, whose many processes share Redis. A request is allowed if Redis has not answered within timeout. Of several regions it says that MultiRegionRatelimit replicates between databases; nothing about failovers.',
  covers: ['three-instances', 'hot-user'],
  shim: 'Its REST calls are answered in the process of the service, over ioredis; a flag of scripts that only Upstash knows is left out.',
};

/** Its documentation: the count of the window before is weighted with the part of it that is within the last window. */
export const promise = (policy) => `sliding-counter:${limitText(policy)}`;

export function createLimiter(options) {
  const { limit, windowMs } = windowOf(options.policy);
  return createUpstash(options, Ratelimit.slidingWindow(limit, `${Math.round(windowMs)} ms`));
}
