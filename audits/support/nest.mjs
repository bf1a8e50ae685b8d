import 'reflect-metadata';
import { Reflector } from '@nestjs/core';
import { ThrottlerException, ThrottlerGuard } from '@nestjs/throttler';
import { connect } from './connect.mjs';
import { statedIn } from './headers.mjs';
import { limitText, refuseCost, windowOf } from './window.mjs';

const HEADERS = { remaining: 'X-RateLimit-Remaining', reset: 'X-RateLimit-Reset' };

class Ratings {
  list() {}
}

/** The guard as Nest makes and calls it, with this storage; `more` are options of its throttler. `take` of a plug-in. */
export async function createThrottler({ policy, prefix }, storage, more = {}) {
  const { limit, windowMs } = windowOf(policy);
  const options = {
    throttlers: [{ limit, ttl: Math.round(windowMs), ...more }],
    getTracker: ({ ip }) => ip,
    generateKey: (_context, tracker) => `${prefix}:${tracker}`,
  };
  const guard = new ThrottlerGuard(options, storage, new Reflector());
  await guard.onModuleInit();
  return throttlerOf(guard, ThrottlerException, (user) => user);
}

/** Of the versions before 5, the weaker promise: that of a window which the first request of a user starts. */
export const promiseBefore5 = (policy) => `fixed-window:${limitText(policy)}:first`;

/** The limiter of a version before 5 over Redis: its guard has one limit, in seconds, and makes keys of an address. */
export async function createLimiterBefore5({ policy, prefix, redis, ioredis }, nest, Storage) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  const options = { limit, ttl: Math.ceil(windowMs / 1_000) };
  const guard = new nest.ThrottlerGuard(options, new Storage(client), new Reflector());
  const throttler = throttlerOf(guard, nest.ThrottlerException, (user) => `${prefix}:${user}`);
  return { ...throttler, close: () => client.disconnect() };
}

function throttlerOf(guard, Denial, ipOf) {
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const headers = new Map();
      const context = contextOf({ ip: ipOf(user) }, { header: (name, value) => headers.set(name, value) });
      const allowed = await guard.canActivate(context).catch((error) => {
        if (error instanceof Denial) return false; // that is how it denies
        throw error;
      });
      return { allowed, ...statedIn((name) => headers.get(name), HEADERS) };
    },
  };
}

/** The part of an ExecutionContext that the guard reads. */
function contextOf(request, response) {
  return {
    getClass: () => Ratings,
    getHandler: () => Ratings.prototype.list,
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => response }),
  };
}
