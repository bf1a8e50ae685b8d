// hono-rate-limiter with its RedisStore over @upstash/redis: a counter for each user that expires with its window.
import { Hono } from 'hono';
import { RedisStore, rateLimiter } from 'hono-rate-limiter';
import { statedIn } from './support/headers.mjs';
import { connectUpstash, SHIM } from './support/upstash.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'hono-rate-limiter, RedisStore',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'hono-rate-limiter', 'hono', '@upstash/redis'],
  setting: 'limit 20, windowMs 4000; RedisStore over @upstash/redis',
  documentation: [
    'https://honohub.dev/docs/rate-limiter/stores/redis',
    'https://honohub.dev/docs/rate-limiter/configuration',
  ],
  says: 'The store gives consistent limits across several servers and processes. Nothing about failovers or regions.',
  covers: ['three-instances', 'hot-user'],
  shim: SHIM,
};

/** Its documentation: at most `limit` requests in a window. The store starts it with the first request of a user. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

const HEADERS = { remaining: 'RateLimit-Remaining', reset: 'RateLimit-Reset' };

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const { client, close } = await connectUpstash(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const app = new Hono();
  app.use(
    rateLimiter({
      windowMs: Math.round(windowMs),
      limit,
      keyGenerator: (context) => context.req.header('x-user'),
      store: new RedisStore({ client, prefix: `${prefix}:` }),
    }),
  );
  app.onError(({ message }, context) => context.text(message, 500));
  app.get('/', (context) => context.text('ok'));
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const reply = await app.request('/', { headers: { 'x-user': user } });
      const { status, headers } = reply;
      if (status !== 200 && status !== 429) throw new Error(`${status} ${await reply.text()}`);
      return { allowed: status === 200, ...statedIn((name) => headers.get(name) ?? undefined, HEADERS) };
    },
    close,
  };
}
