// koa-ratelimit, driver redis: the times of a user's requests in a sorted set, by the clock of the service that asks.
import ratelimit from 'koa-ratelimit';
import { connect } from './support/connect.mjs';
import { statedIn } from './support/headers.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'koa-ratelimit, driver redis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'koa-ratelimit', 'async-ratelimiter', 'ioredis'],
  setting: 'max 20, duration 4000, driver redis',
  documentation: ['https://github.com/koajs/ratelimit'],
  says: 'At most max requests within the duration, in Redis. Nothing about several processes, failovers or regions.',
  covers: [],
};

/** Its README: at most `max` requests within `duration`. */
export const promise = (policy) => `sliding-window:${limitText(policy)}`;

const HEADERS = { remaining: 'X-RateLimit-Remaining', reset: 'X-RateLimit-Reset', resetIs: 'date' };

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const middleware = ratelimit({
    driver: 'redis',
    db: client,
    duration: Math.round(windowMs),
    max: limit,
    id: ({ user }) => user,
    namespace: prefix,
  });
  return {
    /** Calls the middleware as Koa does: a request that it does not pass on is denied. */
    async take(user, { cost }) {
      refuseCost(cost);
      const headers = new Map();
      const set = (names, value) => {
        const entries = typeof names === 'string' ? [[names, value]] : Object.entries(names);
        for (const entry of entries) headers.set(...entry);
      };
      let allowed = false;
      await middleware({ user, state: {}, set }, async () => {
        allowed = true;
      });
      return { allowed, ...statedIn((name) => headers.get(name), HEADERS) };
    },
    close: () => client.disconnect(),
  };
}
