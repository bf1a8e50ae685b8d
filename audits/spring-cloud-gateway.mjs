// The token bucket of Spring Cloud Gateway's RedisRateLimiter, reimplemented from its description: the request is
// allowed where Redis gives an error, since the gateway is not to depend on it.
import { bucketOf, connectWithScript } from './support/script.mjs';

export const about = {
  name: 'Spring Cloud Gateway, RedisRateLimiter',
  language: 'Java',
  version: ['echo', 'reimplemented from the webflux server of Spring Cloud Gateway 5.0'],
  setting: 'replenishRate 5, burstCapacity 20, requestedTokens 1',
  documentation: [
    'https://docs.spring.io/spring-cloud-gateway/reference/spring-cloud-gateway/gatewayfilter-factories/requestratelimiter-factory.html',
  ],
  says: 'A token bucket in Redis. Nothing about several gateways, failovers or regions; the code lets a request pass where Redis gives an error.',
  covers: [],
  shim: 'Its script and its answer to errors, reimplemented in JavaScript over ioredis.',
};

/** Its reference: a token bucket of burstCapacity, refilled with replenishRate tokens a second. */
export const promise = 'token-bucket';

/**
 * KEYS[1] tokens   what the bucket held after the last request
 * KEYS[2] at       when that was, seconds since 1970 with microseconds
 * ARGV[1] rate     tokens a second
 * ARGV[2] capacity tokens
 * ARGV[3] cost     tokens
 * REPLY   {allowed 0|1, tokens left, rounded down}
 *
 * Two keys expire after twice the time to full, in whole seconds; where that is no second nothing is kept. Every
 * request, a denied one too, writes what it found at the time that it read.
 */
const LUA = `
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, capacity, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local level = tonumber(redis.call('GET', KEYS[1]) or capacity)
local elapsed = math.max(0, now - tonumber(redis.call('GET', KEYS[2]) or 0))
level = math.min(capacity, level + elapsed * rate)
local allowed = 0
if level >= cost then
  allowed = 1
  level = level - cost
end
local keep = math.floor(2 * capacity / rate)
if keep > 0 then
  redis.call('SET', KEYS[1], level, 'EX', keep)
  redis.call('SET', KEYS[2], now, 'EX', keep)
end
return {allowed, level}
`;

export async function createLimiter(options) {
  const { client, run } = await connectWithScript(options, { lua: LUA, keys: 2 });
  const { capacity, perSecond } = bucketOf(options.policy);
  return {
    async take(user, { cost }) {
      const key = `${options.prefix}:{${user}}`;
      const reply = await run([`${key}:tokens`, `${key}:at`], [perSecond, capacity, cost]).catch(
        () => undefined,
      );
      if (reply === undefined) return { allowed: true };
      const [allowed, remaining] = reply;
      return { allowed: allowed === 1, remaining };
    },
    close: () => client.disconnect(),
  };
}
