import { OpenclawError, quoted } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { bucketKey } from './key.ts';
import type { Limiter } from './limiter.ts';
import { costOf, type PoliciesOf } from './policies.ts';
import type { RedisPort } from './redis-port.ts';
import { loadScript } from './script.ts';
import { readTakeOptions } from './take-options.ts';

/** The published guide's script as printed, for comparison: it takes one token at a time on the caller's clock. */
export function createArticle({
  redis,
  policy,
  policiesOf,
  prefix,
  nowMs = Date.now,
}: {
  redis: RedisPort;
  policy: Policy;
  policiesOf: PoliciesOf;
  prefix: string;
  /** The service's clock; the script sees its whole seconds. */
  nowMs?: () => number;
}): Limiter {
  const script = loadScript('article');
  const resetScript = loadScript('reset');

  return {
    strategy: 'article',
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      const [named] = policiesOf(subject);
      if (named === undefined || costOf(cost, named) !== 1) {
        throw new OpenclawError(
          'INVALID_COST',
          `the article's script takes exactly one token; found cost ${quoted(cost)}`,
        );
      }
      if (decisionId !== undefined) throw unable('remember decisions');
      const nowSeconds = Math.floor(nowMs() / 1_000);
      const { capacityTokens, refill } = named.policy;
      const args = [capacityTokens, (refill.tokens * 1_000_000) / refill.perUs, nowSeconds].map(String);
      const { values, node } = await redis.run(script, [bucketKey(prefix, subject)], args);
      return { allowed: values[0] === 1, evidence: { strategy: 'article', node, source: 'redis' } };
    },
    async peek() {
      throw unable('be asked for a level');
    },
    async refund() {
      throw unable('give tokens back');
    },
    async reset(subject) {
      await redis.run(resetScript, [bucketKey(prefix, subject)], []);
    },
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}

function unable(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `the article's script cannot ${what}`, {
    hint: 'use strategy central',
  });
}
