// @upstash/ratelimit, fixedWindow: a counter in Redis for each user and window of the clock.
import { Ratelimit } from '@upstash/ratelimit';
import { ABOUT, createUpstash } from './support/upstash.mjs';
import { limitText, windowOf } from './support/window.mjs';

export const about = {
  ...ABOUT,
  name: '@upstash/ratelimit, fixedWindow',
  setting: 'fixedWindow(20, "4000 ms"), ephemeralCache and timeout as by default',
};

/** Its documentation: time is divided into windows, and their start does not depend on the requests. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:epoch`;

export function createLimiter(options) {
  const { limit, windowMs } = windowOf(options.policy);
  return createUpstash(options, Ratelimit.fixedWindow(limit, `${Math.round(windowMs)} ms`));
}
