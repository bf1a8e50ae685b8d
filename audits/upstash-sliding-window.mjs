// @upstash/ratelimit, slidingWindow: counters in Redis of this window of the clock and of the one before, which counts
// in part.
import { Ratelimit } from '@upstash/ratelimit';
import { ABOUT, createUpstash } from './support/upstash.mjs';
import { limitText, windowOf } from './support/window.mjs';

export const about = {
  ...ABOUT,
  name: '@upstash/ratelimit, slidingWindow',
  setting: 'slidingWindow(20, "4000 ms"), ephemeralCache and timeout as by default',
};

/** Its documentation: the count of the window before is weighted with the part of it that is within the last window. */
export const promise = (policy) => `sliding-counter:${limitText(policy)}`;

export function createLimiter(options) {
  const { limit, windowMs } = windowOf(options.policy);
  return createUpstash(options, Ratelimit.slidingWindow(limit, `${Math.round(windowMs)} ms`));
}
