// @fastify/rate-limit with Redis: a counter for each user that expires with its window, behind a route of Fastify.
import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import { connect } from './support/connect.mjs';
import { statedIn } from './support/headers.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: '@fastify/rate-limit, Redis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', '@fastify/rate-limit', 'fastify', 'ioredis'],
  setting: 'max 20, timeWindow 4000; connectTimeout 500 and maxRetriesPerRequest 1, as its example',
  documentation: ['https://github.com/fastify/fastify-rate-limit'],
  says: 'An application on several servers needs an external store, which Redis is. Nothing about failovers or regions; skipOnError, off by default, lets requests pass without the store.',
  covers: ['three-instances', 'hot-user'],
};

/** Its README: at most `max` requests of a client in a window. The window starts with the first of them. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

const HEADERS = { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' };

/** What its README recommends for a client of Redis, as in its example. */
const RECOMMENDED = { connectTimeout: 500, maxRetriesPerRequest: 1 };

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const redisOptions = { ...ioredis.redisOptions, ...RECOMMENDED };
  const client = await connect(redis, { ...ioredis, redisOptions });
  const { limit, windowMs } = windowOf(policy);
  const fastify = Fastify();
  await fastify.register(rateLimit, {
    max: limit,
    timeWindow: Math.round(windowMs),
    redis: client,
    nameSpace: `${prefix}:`,
    keyGenerator: ({ headers }) => headers['x-user'],
  });
  fastify.get('/', async () => 'ok');
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const { statusCode, headers, body } = await fastify.inject({ url: '/', headers: { 'x-user': user } });
      if (statusCode !== 200 && statusCode !== 429) throw new Error(`${statusCode} ${body}`);
      return { allowed: statusCode === 200, ...statedIn((name) => headers[name.toLowerCase()], HEADERS) };
    },
    async close() {
      await fastify.close();
      client.disconnect();
    },
  };
}
