// express-rate-limit with rate-limit-redis as its store: a counter in Redis for each user that expires with its window.
import { rateLimit } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import { connect } from './support/connect.mjs';
import { refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'express-rate-limit, rate-limit-redis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'express-rate-limit', 'rate-limit-redis', 'ioredis'],
  setting: 'limit 20, windowMs 4000, RedisStore with sendCommandCluster',
  documentation: [
    'https://express-rate-limit.mintlify.app/reference/stores',
    'https://github.com/express-rate-limit/rate-limit-redis',
  ],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions; passOnStoreError, off by default, lets requests pass without the store.',
  covers: ['three-instances', 'hot-user'],
};

/** Their READMEs: at most `limit` requests in a window, which the store starts with the first request of a user. */
export function promise(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `fixed-window:${limit}/${Math.round(windowMs)}ms:first`;
}

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const denied = Symbol('denied');
  const middleware = rateLimit({
    windowMs: Math.round(windowMs),
    limit,
    standardHeaders: 'draft-6',
    legacyHeaders: false,
    keyGenerator: ({ user }) => user,
    handler: (_request, _response, next) => next(denied),
    store: new RedisStore({ prefix: `${prefix}:`, sendCommandCluster: (details) => send(client, details) }),
  });
  return {
    /** Calls the middleware as Express does: what it calls next with is its decision, and its headers say the rest. */
    async take(user, { cost }) {
      refuseCost(cost);
      const headers = new Map();
      const response = { headersSent: false, setHeader: (name, value) => headers.set(name, Number(value)) };
      const outcome = await new Promise((resolve) => middleware({ user }, response, resolve));
      if (outcome !== undefined && outcome !== denied) throw outcome;
      const wait = headers.get('Retry-After'); // of denials alone
      return {
        allowed: outcome !== denied,
        remaining: headers.get('RateLimit-Remaining'),
        resetMs: headers.get('RateLimit-Reset') * 1_000,
        ...(wait !== undefined && { retryAfterMs: wait * 1_000 }),
      };
    },
    close: () => client.disconnect(),
  };
}

/**
 * A script is loaded into every primary: ioredis sends a command without a key to any node, and the store asks for its
 * script by the key's.
 */
async function send(client, { command: [name, ...args] }) {
  if (name !== 'SCRIPT' || !client.isCluster) return client.call(name, ...args);
  const shas = await Promise.all(client.nodes('master').map((node) => node.call(name, ...args)));
  return shas[0];
}
