import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { connect } from './connect.mjs';
import { windowOf } from './window.mjs';

/** Its README: a fixed window that starts with the first request of a user. It takes whole seconds. */
export function promise(policy) {
  const { limit, durationSeconds } = flexibleWindow(policy);
  return `fixed-window:${limit}/${durationSeconds}s:first`;
}

function flexibleWindow(policy) {
  const { limit, windowMs } = windowOf(policy);
  const durationSeconds = windowMs / 1_000;
  if (Number.isInteger(durationSeconds)) return { limit, durationSeconds };
  throw new Error(
    `rate-limiter-flexible takes windows of whole seconds; this policy needs ${durationSeconds} s`,
  );
}

/** RateLimiterRedis as a plug-in. `insure` gives the limiter that decides where Redis fails, if there is one. */
export async function createFlexible({ policy, prefix, redis, ioredis }, insure) {
  const client = await connect(redis, ioredis);
  const { limit: points, durationSeconds: duration } = flexibleWindow(policy);
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: prefix,
    points,
    duration,
    ...(insure && { insuranceLimiter: insure({ points, duration }) }),
  });
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
