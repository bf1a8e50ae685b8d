// The third pattern for rate limiters of the Redis documentation's page on INCR: a list for each user, whose length counts.
import { connect } from './support/connect.mjs';
import { limitText, refuseCost, windowOf } from './support/window.mjs';

export const about = {
  name: 'Redis documentation, list with EXPIRE',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'ioredis'],
  setting: '20 in 4 s from the first; LLEN, EXISTS, then RPUSHX, or RPUSH and EXPIRE in MULTI',
  documentation: ['https://redis.io/docs/latest/commands/incr/'],
  says: 'At most so many calls in a window. It has a race by which a call may be missed under rare conditions, so that limiting still works.',
  covers: ['three-instances', 'hot-user'],
};

/** The page: at most a number of calls in a window, which starts with the first of them. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { limit, windowMs } = windowOf(policy);
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const key = `${prefix}:${user}`;
      if ((await client.llen(key)) > limit) return { allowed: false };
      if ((await client.exists(key)) === 1) await client.rpushx(key, user);
      else await allAtOnce(client.multi().rpush(key, user).pexpire(key, Math.round(windowMs)));
      return { allowed: true };
    },
    close: () => client.disconnect(),
  };
}

async function allAtOnce(transaction) {
  for (const [error] of await transaction.exec()) if (error) throw error;
}
