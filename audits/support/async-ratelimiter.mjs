import { connect } from './connect.mjs';
import { limitText, refuseCost, windowOf } from './window.mjs';

/** Its README: `max` is the maximum number of requests within `duration`. */
export const promise = (policy) => `sliding-window:${limitText(policy)}`;

/** The limiter of one version as a plug-in, as its README uses it. */
export async function createAsyncRatelimiter({ policy, prefix, redis, ioredis }, RateLimiter) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const limiter = new RateLimiter({
    db: client,
    max: limit,
    duration: Math.round(windowMs),
    namespace: prefix,
  });
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const { remaining, reset } = await limiter.get({ id: user });
      return {
        allowed: remaining > 0,
        remaining: Math.max(0, remaining - 1),
        resetMs: Math.max(0, reset * 1_000 - Date.now()),
      };
    },
    close: () => client.disconnect(),
  };
}
