import { onTestFinished } from 'vitest';
import type { LeaseLimiter } from '../../../src/limiter/strategies/lease/lease.ts';
import { createLease, type LeaseOptions } from '../../../src/limiter/strategies/lease/open.ts';

/** One process of a limiter that borrows, which ends with the test. */
export function holderOn(
  redisUrl: string,
  policy: string,
  {
    commandTimeoutMs = 5_000,
    ...more
  }: Partial<Pick<LeaseOptions, 'lease' | 'replicas' | 'overrides'>> & { commandTimeoutMs?: number } = {},
): LeaseLimiter {
  const redis = { urls: [redisUrl], commandTimeoutMs };
  const limiter = createLease({ replicas: 0, ...more, policy, redis });
  onTestFinished(() => limiter.close());
  return limiter;
}

/** Takes one token again and again until all deny for a while; gives how many were admitted. */
export async function drain(limiters: readonly LeaseLimiter[], user: string): Promise<number> {
  let admitted = 0;
  for (let lastMs = performance.now(); performance.now() - lastMs < DENIED_MS; ) {
    const round = await Promise.all(limiters.map((limiter) => limiter.take({ user, endpoint: 'ratings' })));
    const allowed = round.filter((decision) => decision.allowed).length;
    admitted += allowed;
    if (allowed > 0) lastMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return admitted;
}

/** A machine that does much else answers a request as late as this. */
const DENIED_MS = 2_000;
