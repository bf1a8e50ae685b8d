// limiter, RateLimiter: a count of each interval and a token bucket for each user, in the memory of the process.
import { RateLimiter } from 'limiter';
import { limitText, windowOf } from './support/window.mjs';

export const about = {
  name: 'limiter, RateLimiter',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'limiter'],
  setting: 'tokensPerInterval 20, interval 4000, tryRemoveTokens',
  documentation: ['https://github.com/jhurliman/node-rate-limiter'],
  says: 'A limiter in the memory of a process. Nothing about several processes.',
  covers: [],
  topology: 'none',
};

/** Its README: a maximum token count per interval. */
export const promise = (policy) => `fixed-window:${limitText(policy)}`;

export function createLimiter({ policy }) {
  const { limit: tokensPerInterval, windowMs: interval } = windowOf(policy);
  const limiters = new Map();
  return {
    async take(user, { cost }) {
      const limiter = limiters.get(user) ?? new RateLimiter({ tokensPerInterval, interval });
      limiters.set(user, limiter);
      if (limiter.tryRemoveTokens(cost)) return { allowed: true };
      return { allowed: false, retryAfterMs: limiter.getWaitTime(cost) };
    },
  };
}
