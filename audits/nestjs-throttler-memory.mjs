// @nestjs/throttler with its own storage, in the memory of the process.
import { ThrottlerStorageService } from '@nestjs/throttler';
import { createThrottler } from './support/nest.mjs';
import { limitText } from './support/window.mjs';

export const about = {
  name: '@nestjs/throttler, storage in memory',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', '@nestjs/throttler'],
  setting: 'limit 20, ttl 4000, blockDuration 0; ThrottlerStorageService, its default',
  documentation: ['https://github.com/nestjs/throttler'],
  says: 'The storage is a cache in memory, of one process; for several servers another storage is to be used.',
  covers: [],
  topology: 'none',
};

/** Its README: each request lasts `ttl` in storage, at most `limit` are in it, and without a block the oldest makes room. */
export const promise = (policy) => `sliding-window:${limitText(policy)}`;

export async function createLimiter(options) {
  const storage = new ThrottlerStorageService();
  const throttler = await createThrottler(options, storage, { blockDuration: 0 });
  return { ...throttler, close: () => storage.onApplicationShutdown() };
}
