// express-rate-limit with rate-limit-redis, as the latter's README sets it up with node-redis: `createClient()` without
// options but the address, `sendCommand: (...args) => client.sendCommand(args)`, standard headers, no legacy ones.
import { rateLimit } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import { createClient } from 'redis';
import { windowOf } from '../../audits/support/window.mjs';
import { answered } from './ready.mjs';

export function promise(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `fixed-window:${limit}/${Math.round(windowMs)}ms:first`;
}

export const createLimiter = (options) => createExpress(options, {});

/** `more` are options of express-rate-limit. */
export async function createExpress({ policy, prefix, redis, ioredis: { nodes } }, more) {
  const client = createClient({ socket: { ...nodes[0], localAddress: redis.localAddress } });
  client.on('error', () => {}); // without a handler the process would end
  await client.connect();
  const { limit, windowMs } = windowOf(policy);
  const denied = Symbol('denied');
  const middleware = rateLimit({
    windowMs: Math.round(windowMs),
    limit,
    standardHeaders: true,
    legacyHeaders: false,
    keyGenerator: ({ user }) => user,
    handler: (_request, _response, next) => next(denied),
    store: new RedisStore({
      prefix: `${prefix}:`,
      sendCommand: (...args) => client.sendCommand(args),
    }),
    ...more,
  });
  return {
    /** Calls the middleware as Express does; Express answers 500 to an error that is handed on. */
    async take(user) {
      const response = { headersSent: false, setHeader: () => {} };
      const outcome = await new Promise((resolve) => middleware({ user }, response, resolve));
      if (outcome !== undefined && outcome !== denied) throw answered(outcome);
      return { allowed: outcome !== denied };
    },
    close: () => client.destroy(),
  };
}
