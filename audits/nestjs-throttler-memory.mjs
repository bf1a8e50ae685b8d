// @nestjs/throttler with its own storage, in the memory of the process.
import { ThrottlerStorageService } from '@nestjs/throttler';
import { createThrottler } from './support/nest.mjs';
import { limitText } from './support/window.mjs';

export const about = {
  name: '@nestjs/throttler, storage in memory',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', '@nestjs/throttler'],
  setting: 'limit 20, ttl 4000, blockDuration as ttl; ThrottlerStorageService, its default',
  documentation: ['https://github.com/nestjs/throttler'],
  says: 'The storage is a cache in memory, of one process; for several servers another storage is to be used.',
  covers: [],
  topology: 'none',
};

/** Its README: each request lasts `ttl` in storage, and at most `limit` are in it. */
export const promise = (policy) => `sliding-window:${limitText(policy)}`;

export async function createLimiter(options) {
  const storage = new ThrottlerStorageService();
  const throttler = await createThrottler(options, storage);
  return { ...throttler, close: () => storage.onApplicationShutdown() };
}
