// The token bucket of the Redis documentation's page on rate limiters in Node.js, reimplemented from its description:
// tokens come in whole intervals, counted by the clock of the service that asks.
import { connectWithScript } from './support/script.mjs';
import { limitText, refuseCost } from './support/window.mjs';

export const about = {
  name: 'Redis documentation, token bucket in Node.js',
  language: 'JavaScript',
  version: ['echo', 'reimplemented from the page of April 2026'],
  setting: 'capacity 20, refillRate 5, refillInterval 1',
  documentation: ['https://redis.io/docs/latest/develop/use-cases/rate-limiter/nodejs/'],
  says: 'A distributed limiter: the script is atomic, so that application servers share one limit. Nothing about failovers or regions.',
  covers: ['three-instances', 'hot-user'],
};

/**
 * The page: a token bucket of a capacity, with refillRate tokens every refillInterval seconds. A moment may have an
 * interval's tokens more than a bucket that fills evenly. Whatever such a bucket admits fits windows of its capacity.
 */
export const promise = (policy) => `fixed-window:${limitText(policy)}`;

/**
 * KEYS[1] bucket   a hash of tokens and of the time of the last refill, in seconds; it does not expire
 * ARGV[1] capacity tokens
 * ARGV[2] rate     tokens of each interval
 * ARGV[3] interval seconds
 * ARGV[4] now      seconds since 1970, of the caller
 * REPLY   {allowed 0|1, tokens left}
 */
const LUA = `
local capacity, rate, interval, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local stored = redis.call('HMGET', KEYS[1], 'tokens', 'last_refill')
local tokens, last = tonumber(stored[1]) or capacity, tonumber(stored[2]) or now
local intervals = math.max(0, math.floor((now - last) / interval))
tokens = math.min(capacity, tokens + intervals * rate)
last = last + intervals * interval
local allowed = 0
if tokens >= 1 then
  allowed = 1
  tokens = tokens - 1
end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'last_refill', last)
return {allowed, tokens}
`;

export async function createLimiter(options) {
  const { client, run } = await connectWithScript(options, { lua: LUA, keys: 1 });
  const { capacityTokens, refill } = options.policy;
  const bucket = [capacityTokens, refill.tokens, refill.perUs / 1_000_000];
  return {
    async take(user, { cost }) {
      refuseCost(cost);
      const nowSeconds = options.nowMs() / 1_000;
      const [allowed, remaining] = await run([`${options.prefix}:${user}`], [...bucket, nowSeconds]);
      return { allowed: allowed === 1, remaining };
    },
    close: () => client.disconnect(),
  };
}
