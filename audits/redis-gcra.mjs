// redis-gcra: GCRA, one time in Redis for each user, by the clock of the service that asks.
import redisGcra from 'redis-gcra';
import { connect } from './support/connect.mjs';

export const about = {
  name: 'redis-gcra',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'redis-gcra', 'ioredis'],
  setting: 'burst 20, rate 5, period 1000',
  documentation: ['https://github.com/Losant/redis-gcra'],
  says: 'A limit whose state is in Redis. Nothing about several processes, failovers or regions.',
  covers: [],
};

/** Its README: burst tokens at most, rate of them every period, continuously. */
export const promise = 'token-bucket';

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const { capacityTokens, refill } = policy;
  const gcra = redisGcra({
    redis: client,
    keyPrefix: prefix,
    burst: capacityTokens,
    rate: refill.tokens,
    period: refill.perUs / 1_000,
  });
  return {
    async take(user, { cost }) {
      const { limited, remaining, retryIn, resetIn } = await gcra.limit({ key: user, cost });
      return {
        allowed: !limited,
        remaining: Math.max(0, remaining),
        retryAfterMs: retryIn,
        resetMs: resetIn,
      };
    },
    close: () => client.disconnect(),
  };
}
