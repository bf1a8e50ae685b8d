import { onTestFinished } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';

/** A limiter of one policy, or of several by name, that ends with the test. */
export function limiterOn(
  redisUrl: string,
  policies: string | Readonly<Record<string, string>>,
  more: Partial<LimiterOptions> = {},
): Limiter {
  const written = typeof policies === 'string' ? { policy: policies } : { policies };
  const redis = { urls: [redisUrl], commandTimeoutMs: 5_000 };
  const limiter = createLimiter({ ...more, ...written, redis } as LimiterOptions);
  onTestFinished(() => limiter.close());
  return limiter;
}
