import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { connect } from './connect.mjs';
import { windowOf } from './window.mjs';

/** Its README: a fixed window that starts with the first request of a user. It takes whole seconds. */
export function promise(policy) {
  const { limit, durationSeconds } = flexibleWindow(policy);
  return `fixed-window:${limit}/${durationSeconds}s:first`;
}

/** The window of a policy in whole seconds. Throws if it has others. */
export function flexibleWindow(policy) {
  const { limit, windowMs } = windowOf(policy);
  const durationSeconds = windowMs / 1_000;
  if (Number.isInteger(durationSeconds)) return { limit, durationSeconds };
  throw new Error(
    `rate-limiter-flexible takes windows of whole seconds; this policy needs ${durationSeconds} s`,
  );
}

/** A limiter over Redis as a plug-in: `make` gives it from the options of a RateLimiterRedis. */
export async function createFlexible(
  { policy, prefix, redis, ioredis },
  make = (store) => new RateLimiterRedis(store),
) {
  const client = await connect(redis, ioredis);
  const { limit: points, durationSeconds: duration } = flexibleWindow(policy);
  const limiter = make({ storeClient: client, keyPrefix: prefix, points, duration });
  return {
    async take(user, { cost }) {
      try {
        return { allowed: true, ...tell(await limiter.consume(user, cost)) };
      } catch (rejected) {
        if (rejected instanceof RateLimiterRes) return { allowed: false, ...tell(rejected) }; // that is how it denies
        throw rejected;
      }
    },
    close: () => client.disconnect(),
  };
}

/** Its README makes Retry-After and X-RateLimit-Reset of the same number. */
function tell({ remainingPoints, msBeforeNext }) {
  const waitMs = Math.max(0, msBeforeNext);
  return { remaining: remainingPoints, retryAfterMs: waitMs, resetMs: waitMs };
}
