// @upstash/ratelimit, tokenBucket: tokens in Redis for each user, which come in whole intervals of one second, by the
// clock of the service.
import { Ratelimit } from '@upstash/ratelimit';
import { bucketOf } from './support/script.mjs';
import { ABOUT, createUpstash } from './support/upstash.mjs';

export const about = {
  ...ABOUT,
  name: '@upstash/ratelimit, tokenBucket',
  setting: 'tokenBucket(5, "1 s", 20), ephemeralCache and timeout as by default',
};

/** Its documentation: a bucket of maxTokens that is refilled constantly, refillRate tokens every interval. */
export const promise = 'token-bucket';

export function createLimiter(options) {
  const { capacity, perSecond } = bucketOf(options.policy);
  return createUpstash(options, Ratelimit.tokenBucket(...rate(perSecond), capacity));
}

/** The refill rate and the interval as its documentation gives them: tokens of a second, or one in several seconds. */
function rate(perSecond) {
  return perSecond >= 1 ? [perSecond, '1 s'] : [1, `${Math.round(1_000 / perSecond)} ms`];
}
