// nestjs-throttler-storage-redis 0.3 with @nestjs/throttler 4: one script counts a user's requests.
import * as nest from 'nestjs-throttler-4';
import { ThrottlerStorageRedisService } from 'nestjs-throttler-storage-redis-0.3';
import { connect } from './support/connect.mjs';
import { createThrottlerBefore5 } from './support/nest.mjs';
import { limitText } from './support/window.mjs';

export const about = {
  name: '@nestjs/throttler 4, storage-redis 0.3',
  language: 'JavaScript',
  version: [
    'node',
    'support/version.mjs',
    'nestjs-throttler-4',
    'nestjs-throttler-storage-redis-0.3',
    'ioredis',
  ],
  setting: 'limit 20, ttl 4; ThrottlerStorageRedisService over ioredis',
  documentation: ['https://github.com/kkoomen/nestjs-throttler-storage-redis'],
  says: 'Throttler that is backed by Redis. Nothing about failovers or regions.',
  covers: ['three-instances', 'hot-user'],
  topology: 'single',
};

/** Of both versions that are audited, the weaker promise: that of a window which the first request of a user starts. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

export async function createLimiter(options) {
  const client = await connect(options.redis, options.ioredis);
  const throttler = createThrottlerBefore5(options, nest, new ThrottlerStorageRedisService(client));
  return { ...throttler, close: () => client.disconnect() };
}
