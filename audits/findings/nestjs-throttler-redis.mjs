// @nestjs/throttler over Redis with a block of 5 s.
import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import { connect } from '../support/connect.mjs';
import { createThrottler } from '../support/nest.mjs';
import { BLOCK } from '../support/nest-blocked.mjs';

export { promise } from '../support/nest-blocked.mjs';

export async function createLimiter(options) {
  const client = await connect(options.redis, options.ioredis);
  const throttler = await createThrottler(options, new ThrottlerStorageRedisService(client), BLOCK);
  return { ...throttler, close: () => client.disconnect() };
}
