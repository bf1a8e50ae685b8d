import { checkCost } from '../core/bucket.ts';
import { OpenclawError } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { bucketKey } from './key.ts';
import type { Limiter } from './limiter.ts';
import type { RedisPort } from './redis-port.ts';
import { loadScript } from './script.ts';

/** The published guide's script as printed, for comparison: it takes one token at a time on the caller's clock. */
export function createArticle({
  redis,
  policy,
  prefix,
  nowMs = Date.now,
}: {
  redis: RedisPort;
  policy: Policy;
  prefix: string;
  /** The service's clock; the script sees its whole seconds. */
  nowMs?: () => number;
}): Limiter {
  const script = loadScript('article');
  const ratePerSecond = (policy.refill.tokens * 1_000_000) / policy.refill.perUs;

  return {
    strategy: 'article',
    policy,
    async take(subject, { cost = 1 } = {}) {
      checkCost(cost, policy);
      if (cost !== 1) {
        throw new OpenclawError(
          'INVALID_COST',
          `the article's script takes exactly one token; found cost ${cost}`,
        );
      }
      const nowSeconds = Math.floor(nowMs() / 1_000);
      const args = [policy.capacityTokens, ratePerSecond, nowSeconds];
      const { values, node } = await redis.run(script, bucketKey(prefix, subject), args);
      return { allowed: values[0] === 1, evidence: { strategy: 'article', node, source: 'redis' } };
    },
    async peek() {
      throw new OpenclawError('INVALID_OPTION', "the article's script cannot be asked for a level", {
        hint: 'use strategy central',
      });
    },
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}
