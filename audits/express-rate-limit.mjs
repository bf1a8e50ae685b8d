// express-rate-limit with rate-limit-redis as its store: a counter in Redis for each user that expires with its window.
import { rateLimit } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import { connect } from './support/connect.mjs';
import { refuseCost, windowOf } from './support/window.mjs';

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
    legacyHeaders: false,
    keyGenerator: ({ user }) => user,
    handler: (_request, _response, next) => next(denied),
    store: new RedisStore({ prefix: `${prefix}:`, sendCommandCluster: (details) => send(client, details) }),
  });
  return {
    /** Calls the middleware as Express does, and reads from what it calls next with what it has decided. */
    async take(user, { cost }) {
      refuseCost(cost);
      const request = { user };
      const outcome = await new Promise((resolve) => middleware(request, { headersSent: false }, resolve));
      if (outcome !== undefined && outcome !== denied) throw outcome;
      const { remaining, resetTime } = request.rateLimit;
      return {
        allowed: outcome !== denied,
        remaining,
        retryAfterMs: Math.max(0, resetTime.getTime() - Date.now()),
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
