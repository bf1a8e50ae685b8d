// @nestjs/throttler in memory with a block of 5 s: what that over Redis is compared with.
import { ThrottlerStorageService } from '@nestjs/throttler';
import { createThrottler } from '../support/nest.mjs';
import { BLOCK } from '../support/nest-blocked.mjs';

export { promise } from '../support/nest-blocked.mjs';

export async function createLimiter(options) {
  const storage = new ThrottlerStorageService();
  const throttler = await createThrottler(options, storage, BLOCK);
  return { ...throttler, close: () => storage.onApplicationShutdown() };
}
