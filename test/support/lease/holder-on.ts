import { onTestFinished } from 'vitest';
import type { LeaseLimiter } from '../../../src/limiter/lease/lease.ts';
import { createLease, type LeaseOptions } from '../../../src/limiter/lease/open.ts';

/** One process of a limiter that borrows, which ends with the test. */
export function holderOn(
  redisUrl: string,
  policy: string,
  {
    commandTimeoutMs = 2_000,
    ...more
  }: Partial<Pick<LeaseOptions, 'lease' | 'replicas' | 'overrides'>> & { commandTimeoutMs?: number } = {},
): LeaseLimiter {
  const redis = { urls: [redisUrl], commandTimeoutMs };
  const limiter = createLease({ replicas: 0, ...more, policy, redis });
  onTestFinished(() => limiter.close());
  return limiter;
}

/** Takes one token again and again until it is denied; gives how many were admitted. */
export async function drain(limiters: readonly LeaseLimiter[], user: string): Promise<number> {
  let admitted = 0;
  for (let denials = 0; denials < 50; ) {
    const round = await Promise.all(limiters.map((limiter) => limiter.take({ user, endpoint: 'ratings' })));
    const allowed = round.filter((decision) => decision.allowed).length;
    admitted += allowed;
    denials = allowed === 0 ? denials + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return admitted;
}
