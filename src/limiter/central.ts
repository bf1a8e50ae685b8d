import { checkCost, timeToFullUs, timeToNextTokenUs } from '../core/bucket.ts';
import type { Policy } from '../core/policy.ts';
import { bucketKey } from './key.ts';
import type { Limiter } from './limiter.ts';
import type { RedisPort } from './redis-port.ts';
import { loadScript } from './script.ts';

/** One bucket on the slot's primary, decided by the exact script on the server's own clock. */
export function createCentral({
  redis,
  policy,
  prefix,
}: {
  redis: RedisPort;
  policy: Policy;
  prefix: string;
}): Limiter {
  const takeScript = loadScript('take');
  const peekScript = loadScript('peek');
  const { capacityQuanta, quantaPerUs, quantaPerToken } = policy;

  return {
    strategy: 'central',
    policy,
    async take(subject, { cost = 1 } = {}) {
      checkCost(cost, policy);
      const key = bucketKey(prefix, subject);
      const { values, node } = await redis.run(takeScript, key, [
        capacityQuanta,
        quantaPerUs,
        cost * quantaPerToken,
      ]);
      const [allowed, levelQuanta = 0, retryAfterUs = 0, atUs = 0, bucketUs = 0] = values;
      return {
        allowed: allowed === 1,
        remainingTokens: Math.floor(levelQuanta / quantaPerToken),
        retryAfterUs,
        evidence: { strategy: 'central', node, source: 'redis', atUs, bucketUs, levelQuanta },
      };
    },
    async peek(subject) {
      const { values, node } = await redis.run(peekScript, bucketKey(prefix, subject), [
        capacityQuanta,
        quantaPerUs,
      ]);
      const [levelQuanta = 0, atUs = 0, bucketUs = 0] = values;
      const behindUs = bucketUs - atUs;
      const untilFullUs = timeToFullUs(levelQuanta, policy);
      return {
        levelQuanta,
        remainingTokens: Math.floor(levelQuanta / quantaPerToken),
        timeToNextTokenUs: untilFullUs === 0 ? 0 : timeToNextTokenUs(levelQuanta, policy) + behindUs,
        timeToFullUs: untilFullUs === 0 ? 0 : untilFullUs + behindUs,
        node,
        atUs,
      };
    },
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}
