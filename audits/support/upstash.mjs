import { Ratelimit } from '@upstash/ratelimit';
import { Redis } from '@upstash/redis';
import { connect } from './connect.mjs';
import { serveRest } from './upstash-rest.mjs';

/** What `serveRest` replaces. */
export const SHIM =
  'Its REST calls are answered in the process of the service, over ioredis; a flag of scripts that only Upstash knows is left out.';

/** What the algorithms of @upstash/ratelimit have in common. */
export const ABOUT = {
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', '@upstash/ratelimit', '@upstash/redis'],
  documentation: [
    'https://upstash.com/docs/redis/sdks/ratelimit-ts/algorithms',
    'https://upstash.com/docs/redis/sdks/ratelimit-ts/features',
  ],
  says: 'For serverless functions, whose many processes share Redis. A request is allowed if Redis has not answered within timeout. Of several regions it says that MultiRegionRatelimit replicates between databases; nothing about failovers.',
  covers: ['three-instances', 'hot-user'],
  shim: SHIM,
};

/** A client of @upstash/redis over the Redis of the region, and the URL that it calls. */
export async function connectUpstash(redis, ioredis) {
  const behind = await connect(redis, ioredis);
  const rest = await serveRest(behind);
  return {
    url: rest.url,
    client: new Redis({ url: rest.url, token: 'none', enableTelemetry: false }),
    close() {
      rest.close();
      behind.disconnect();
    },
  };
}

/** An algorithm of @upstash/ratelimit as a plug-in; `options` are more of its constructor's. */
export async function createUpstash({ prefix, redis, ioredis }, limiter, options = {}) {
  const { client, close } = await connectUpstash(redis, ioredis);
  const ratelimit = new Ratelimit({ redis: client, limiter, prefix, ...options });
  return {
    async take(user, { cost }) {
      // In braces, so that the keys of a user are in one slot of a cluster.
      const { success, remaining, reset } = await ratelimit.limit(`{${user}}`, { rate: cost });
      const resetMs = Math.max(0, reset - Date.now());
      return { allowed: success, remaining, resetMs };
    },
    close,
  };
}
