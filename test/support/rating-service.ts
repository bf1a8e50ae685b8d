import { onTestFinished } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { createRatingService } from '../../src/rating/service.ts';

/** So slow that Redis still holds what the last take left. */
export const POLICY = parsePolicy('2:1/h');

export interface ServiceOptions {
  readonly redisUrl?: string;
  /** Default: one on `redisUrl`. */
  readonly limiter?: Limiter;
  readonly evidence?: boolean;
  readonly decisionIds?: boolean;
}

/** Starts a Rating service that ends with the test; gives its address. */
export async function startService({ redisUrl = '', ...options }: ServiceOptions): Promise<string> {
  const limiter = options.limiter ?? newLimiter(redisUrl);
  const { evidence = false, decisionIds = false } = options;
  const app = createRatingService({ limiter, region: 'r0', evidence, decisionIds });
  onTestFinished(async () => {
    await app.close();
    await limiter.close();
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

export function newLimiter(redisUrl: string, commandTimeoutMs = 10_000): Limiter {
  return createLimiter({ policy: POLICY, redis: { urls: [redisUrl], commandTimeoutMs } });
}

/** The body of a rating, valid or not. */
export function rating(item: unknown, score: unknown): string {
  return JSON.stringify({ item, score });
}

export function postRating(
  baseUrl: string,
  user = 'ada',
  body = rating('paper-1', 5),
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-openclaw-user': user, ...more };
  return fetch(`${baseUrl}/v1/ratings`, { method: 'POST', headers, body });
}
