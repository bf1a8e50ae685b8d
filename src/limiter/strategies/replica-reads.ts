import { timeToLevelUs } from '../../core/retry-after.ts';
import type { Limiter } from '../limiter.ts';
import type { Buckets } from '../options/buckets.ts';
import { costOf, onlyPolicyOf } from '../options/policies.ts';
import { readTakeOptions } from '../options/take-options.ts';
import type { RedisPort } from '../redis/port.ts';
import { loadScript, policyArgs } from '../redis/script.ts';
import { inabilityOf } from './unable.ts';

const { unable, rejecting } = inabilityOf('a replica-reads limiter');

/**
 * "Any replica can serve the request", for comparison: it decides on a replica's copy, then charges the primary without
 * waiting. Until the replica has the charge, every request finds the same tokens.
 */
export function createReplicaReads({
  primaries,
  replicas,
  policy,
  policiesOf,
  keyOf,
}: Buckets & {
  primaries: RedisPort;
  /** Runs scripts that only read, on replicas. */
  replicas: RedisPort;
}): Limiter {
  const peekScript = loadScript('peek');
  const takeScript = loadScript('take');
  const resetScript = loadScript('reset');

  return {
    strategy: 'replica-reads',
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      if (decisionId !== undefined) throw unable('remember decision ids');
      const named = onlyPolicyOf({ policiesOf }, subject);
      const costQuanta = costOf(cost, named) * named.policy.quantaPerToken;
      const key = keyOf(subject);
      const { values, node } = await replicas.run(peekScript, [key], policyArgs(named.policy));
      const [atUs = 0, , levelQuanta = 0] = values;
      const allowed = levelQuanta >= costQuanta;
      if (allowed)
        primaries.run(takeScript, [key], [...policyArgs(named.policy), String(costQuanta)]).catch(() => {});
      return {
        allowed,
        remainingTokens: Math.floor((levelQuanta - (allowed ? costQuanta : 0)) / named.policy.quantaPerToken),
        retryAfterUs: timeToLevelUs(levelQuanta, costQuanta, named.policy),
        evidence: { strategy: 'replica-reads', node, source: 'redis', atUs },
      };
    },
    peek: rejecting('read a level'),
    reserve: rejecting('reserve'),
    rehome: rejecting('move a bucket'),
    refund: rejecting('refund'),
    async reset(subject) {
      await primaries.run(resetScript, [keyOf(subject)], []);
    },
    async ready() {
      await Promise.all([primaries.ready(), replicas.ready()]);
    },
    async close() {
      await Promise.all([primaries.close(), replicas.close()]);
    },
  };
}
