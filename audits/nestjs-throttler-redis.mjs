// @nestjs/throttler with the storage @nest-lab/throttler-storage-redis: one script in Redis counts a user's requests,
// and blocks the user who exceeds the limit.
import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import { connect } from './support/connect.mjs';
import { createThrottler } from './support/nest.mjs';
import { limitText } from './support/window.mjs';

export const about = {
  name: '@nestjs/throttler, storage in Redis',
  language: 'JavaScript',
  version: [
    'node',
    'support/version.mjs',
    '@nestjs/throttler',
    '@nest-lab/throttler-storage-redis',
    'ioredis',
  ],
  setting: 'limit 20, ttl 4000, blockDuration as ttl; ThrottlerStorageRedisService over ioredis',
  documentation: [
    'https://github.com/nestjs/throttler',
    'https://github.com/jmcdo29/nest-lab/tree/main/packages/throttler-storage-redis',
  ],
  says: 'A storage in Redis is for applications of several servers. Nothing about failovers or regions, nor about a Redis that does not answer.',
  covers: ['three-instances', 'hot-user'],
};

/** The storage's script: a counter that expires with its window, which the first request of a user starts. */
export const promise = (policy) => `fixed-window:${limitText(policy)}:first`;

export async function createLimiter(options) {
  const client = await connect(options.redis, options.ioredis);
  const throttler = await createThrottler(options, new ThrottlerStorageRedisService(client));
  return { ...throttler, close: () => client.disconnect() };
}
