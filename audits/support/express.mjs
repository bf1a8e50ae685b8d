import { rateLimit } from 'express-rate-limit';
import { statedIn } from './headers.mjs';
import { limitText, refuseCost, windowOf } from './window.mjs';

/** Its README: at most `limit` requests in a window, which the stores start with the first request of a user. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

const HEADERS = { remaining: 'RateLimit-Remaining', reset: 'RateLimit-Reset' };

/** The middleware with these options of its own, beside the policy. `take` of a plug-in. */
export function createExpress(policy, options) {
  const { limit, windowMs } = windowOf(policy);
  const denied = Symbol('denied');
  const middleware = rateLimit({
    windowMs: Math.round(windowMs),
    limit,
    standardHeaders: 'draft-6',
    legacyHeaders: false,
    keyGenerator: ({ user }) => user,
    handler: (_request, _response, next) => next(denied),
    ...options,
  });
  return {
    /** Calls the middleware as Express does: what it calls next with is its decision, and its headers say the rest. */
    async take(user, { cost }) {
      refuseCost(cost);
      const headers = new Map();
      const response = { headersSent: false, setHeader: (name, value) => headers.set(name, value) };
      const outcome = await new Promise((resolve) => middleware({ user }, response, resolve));
      if (outcome !== undefined && outcome !== denied) throw outcome;
      return { allowed: outcome !== denied, ...statedIn((name) => headers.get(name), HEADERS) };
    },
  };
}
