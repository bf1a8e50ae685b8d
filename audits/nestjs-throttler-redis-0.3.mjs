// nestjs-throttler-storage-redis 0.3 with @nestjs/throttler 4: one script counts a user's requests.
import * as nest from 'nestjs-throttler-4';
import { ThrottlerStorageRedisService } from 'nestjs-throttler-storage-redis-0.3';
import { createLimiterBefore5 } from './support/nest.mjs';

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

export { promiseBefore5 as promise } from './support/nest.mjs';

export const createLimiter = (options) => createLimiterBefore5(options, nest, ThrottlerStorageRedisService);
