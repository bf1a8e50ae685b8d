// nestjs-throttler-storage-redis 0.1 with @nestjs/throttler 3: it reads how many records a user has, then adds one.
import * as nest from 'nestjs-throttler-3';
import { ThrottlerStorageRedisService } from 'nestjs-throttler-storage-redis-0.1';
import { createLimiterBefore5 } from './support/nest.mjs';

export const about = {
  name: '@nestjs/throttler 3, storage-redis 0.1',
  language: 'JavaScript',
  version: [
    'node',
    'support/version.mjs',
    'nestjs-throttler-3',
    'nestjs-throttler-storage-redis-0.1',
    'ioredis',
  ],
  setting: 'limit 20, ttl 4; ThrottlerStorageRedisService over ioredis',
  documentation: ['https://github.com/kkoomen/nestjs-throttler-storage-redis'],
  says: 'Throttler that is backed by Redis. Nothing about failovers or regions. That requests at the same time pass its limit is nestjs/throttler#1303, mended in version 4.',
  covers: ['three-instances', 'hot-user'],
  topology: 'single',
};

export { promiseBefore5 as promise } from './support/nest.mjs';

export const createLimiter = (options) => createLimiterBefore5(options, nest, ThrottlerStorageRedisService);
