import { OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import type { Limiter } from '../limiter.ts';
import type { Buckets } from '../options/buckets.ts';
import { costOf, onlyPolicyOf } from '../options/policies.ts';
import { readTakeOptions } from '../options/take-options.ts';
import type { RedisPort } from '../redis/port.ts';
import { loadScript } from '../redis/script.ts';
import { inabilityOf } from './unable.ts';

const { unable, rejecting } = inabilityOf("the article's script");

/** The published guide's script as printed, for comparison: each take costs one token, on the caller's clock. */
export function createArticle({
  redis,
  policy,
  policiesOf,
  keyOf,
  nowMs,
}: Buckets & {
  redis: RedisPort;
  /** The service's clock; the script sees its whole seconds. */
  nowMs: () => number;
}): Limiter {
  const script = loadScript('article');
  const resetScript = loadScript('reset');

  return {
    strategy: 'article',
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      const named = onlyPolicyOf({ policiesOf }, subject);
      if (costOf(cost, named) !== 1) {
        throw new OpenclawError(
          'INVALID_COST',
          `the article's script takes exactly one token; found cost ${quoted(cost)}`,
        );
      }
      if (decisionId !== undefined) throw unable('remember decision ids');
      const nowSeconds = Math.floor(nowMs() / 1_000);
      const { capacityTokens, refill } = named.policy;
      const args = [capacityTokens, (refill.tokens * 1_000_000) / refill.perUs, nowSeconds].map(String);
      const { values, node } = await redis.run(script, [keyOf(subject)], args);
      return { allowed: values[0] === 1, evidence: { strategy: 'article', node, source: 'redis' } };
    },
    peek: rejecting('read a level'),
    reserve: rejecting('reserve'),
    rehome: rejecting('move a bucket'),
    refund: rejecting('refund'),
    async reset(subject) {
      await redis.run(resetScript, [keyOf(subject)], []);
    },
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}
