// @upstash/ratelimit, fixedWindow without its cache in memory, which denies a user who was denied until the window ends.
import { Ratelimit } from '@upstash/ratelimit';
import { createUpstash } from '../support/upstash.mjs';
import { limitText, windowOf } from '../support/window.mjs';

export const promise = (policy) => `fixed-window:${limitText(policy)}:epoch`;

export function createLimiter(options) {
  const { limit, windowMs } = windowOf(options.policy);
  const limiter = Ratelimit.fixedWindow(limit, `${Math.round(windowMs)} ms`);
  return createUpstash(options, limiter, { ephemeralCache: false });
}
