import { OpenclawError } from '../core/errors.ts';
import type { Policy } from '../core/policy.ts';
import { bucketKey } from './key.ts';
import type { Limiter } from './limiter.ts';
import { costOf, type PoliciesOf } from './policies.ts';
import type { RedisPort } from './redis-port.ts';
import { loadScript } from './script.ts';
import { policyArgs } from './script-args.ts';
import { readTakeOptions } from './take-options.ts';

/**
 * "Any replica can serve the request", for comparison: decides by what a replica says, and charges the primary
 * afterwards, without waiting for it. Until the charge has come to the replica, every request finds the same tokens.
 */
export function createReplicaReads({
  primaries,
  replicas,
  policy,
  policiesOf,
  prefix,
}: {
  primaries: RedisPort;
  /** Runs scripts that only read, on replicas. */
  replicas: RedisPort;
  policy: Policy;
  policiesOf: PoliciesOf;
  prefix: string;
}): Limiter {
  const [peekScript, takeScript, resetScript] = ['peek', 'take', 'reset'].map(loadScript);
  if (peekScript === undefined || takeScript === undefined || resetScript === undefined)
    throw new Error('three scripts were named');

  return {
    strategy: 'replica-reads',
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      if (decisionId !== undefined) throw unable('remember decisions');
      const [named] = policiesOf(subject);
      if (named === undefined) throw new Error('a limiter without a policy'); // readPolicies refuses it
      const costQuanta = costOf(cost, named) * named.policy.quantaPerToken;
      const key = bucketKey(prefix, subject);
      const { values, node } = await replicas.run(peekScript, [key], policyArgs(named.policy));
      const [atUs = 0, , levelQuanta = 0] = values;
      const allowed = levelQuanta >= costQuanta;
      if (allowed)
        primaries.run(takeScript, [key], [...policyArgs(named.policy), String(costQuanta)]).catch(() => {});
      return {
        allowed,
        remainingTokens: Math.floor((levelQuanta - (allowed ? costQuanta : 0)) / named.policy.quantaPerToken),
        retryAfterUs: allowed ? 0 : Math.ceil((costQuanta - levelQuanta) / named.policy.quantaPerUs),
        evidence: { strategy: 'replica-reads', node, source: 'redis', atUs },
      };
    },
    async peek() {
      throw unable('be asked for a level');
    },
    async refund() {
      throw unable('give tokens back');
    },
    async reset(subject) {
      await primaries.run(resetScript, [bucketKey(prefix, subject)], []);
    },
    async ready() {
      await Promise.all([primaries.ready(), replicas.ready()]);
    },
    async close() {
      await Promise.all([primaries.close(), replicas.close()]);
    },
  };
}

function unable(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `a limiter that reads replicas cannot ${what}`, {
    hint: 'use strategy central',
  });
}
