// rate-limiter-flexible, as https://github.com/animir/node-rate-limiter-flexible/wiki/Redis sets it up: a client of
// ioredis with `enableOfflineQueue: false` and an error handler; all else is ioredis' own. No time limit of commands.
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { windowOf } from '../../audits/support/window.mjs';
import { answered, whenReady } from './ready.mjs';

export function promise(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `fixed-window:${limit}/${Math.round(windowMs / 1_000)}s:first`;
}

export const createLimiter = (options) => createFlexible(options, {});

/** `more` are options of RateLimiterRedis. */
export async function createFlexible({ policy, prefix, ioredis: { nodes, redisOptions } }, more) {
  const storeClient = new Redis({ ...nodes[0], ...redisOptions, enableOfflineQueue: false });
  storeClient.on('error', () => {});
  await whenReady(storeClient);
  const { limit: points, windowMs } = windowOf(policy);
  const duration = Math.round(windowMs / 1_000);
  const own = typeof more === 'function' ? more({ points, duration }) : more;
  const limiter = new RateLimiterRedis({ storeClient, keyPrefix: prefix, points, duration, ...own });
  return {
    async take(user, { cost }) {
      try {
        await limiter.consume(user, cost);
        return { allowed: true };
      } catch (rejected) {
        if (rejected instanceof RateLimiterRes) return { allowed: false }; // that is how it denies
        throw answered(rejected);
      }
    },
    close: () => storeClient.disconnect(),
  };
}
