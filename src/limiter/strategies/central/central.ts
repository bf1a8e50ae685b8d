import type { Decision, PolicyDecision } from '../../../core/decision.ts';
import type { Policy } from '../../../core/policy.ts';
import { timeToFullUs, timeToNextTokenUs } from '../../../core/retry-after.ts';
import type { Cost, Level, Limiter, NamedPolicy, PolicyLevel } from '../../limiter.ts';
import { bucketKey, memoryKey } from '../../options/key.ts';
import { type Buckets, checkCostNames, costOf } from '../../options/policies.ts';
import { readTakeOptions } from '../../options/take-options.ts';
import type { AckedPort, RedisPort, RunWrites, ScriptReply } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import { batchTakes } from './batch.ts';
import { singleTakes, type TakeReply } from './single-takes.ts';

export interface CentralOptions extends Buckets {
  readonly redis: RedisPort;
  /** Replaces `run` of `redis` if writes must wait for the replicas. */
  readonly acked?: AckedPort['runAcked'];
  /** How long decision ids are stored. */
  readonly decisionMemoryMs: number;
  /** Whether the takes of one turn of the event loop share a call, and in a cluster only those of one slot. */
  readonly batch?: { readonly bySlot: boolean };
}

/**
 * One bucket on the slot's primary, decided by the exact scripts on the server's own clock. With `acked` it is strategy
 * `acked`: admissions, also repeated ones, refunds and resets wait until the replicas have them.
 */
export function createCentral({
  redis,
  acked,
  policy,
  policiesOf,
  prefix,
  decisionMemoryMs,
  batch,
}: CentralOptions): Limiter {
  const takeAllScript = loadScript('take-all');
  const peekScript = loadScript('peek');
  const refundScript = loadScript('refund');
  const resetScript = loadScript('reset');
  const run: RunWrites = acked ?? redis.run;
  const takeOne = batch === undefined ? singleTakes(run) : batchTakes(run, batch);
  const strategy = acked === undefined ? 'central' : 'acked';

  return {
    strategy,
    policy,
    policiesOf,
    async take(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      const key = bucketKey(prefix, subject); // an invalid subject never reaches the overrides
      const policies = policiesOf(subject);
      checkCostNames(cost, policies);
      const [only, second] = policies;
      if (only !== undefined && second === undefined && decisionId === undefined) {
        const costQuanta = costOf(cost, only) * only.policy.quantaPerToken;
        return describeTake(await takeOne(key, only.policy, costQuanta), only.policy, strategy);
      }
      const keys = decisionId === undefined ? [key] : [key, memoryKey(key, 'take', decisionId)];
      const { values, node, acked } = await run(takeAllScript, keys, [
        String(decisionMemoryMs),
        ...charges(cost, policies),
      ]);
      if (values[0] === 1 && acked !== undefined) await acked();
      return describeTakeAll({ values, node }, policies, strategy);
    },
    async peek(subject) {
      const key = bucketKey(prefix, subject);
      const policies = policiesOf(subject);
      const args = policies.flatMap(({ policy }) => policyArgs(policy));
      const { values, node } = await redis.run(peekScript, [key], args);
      return describeLevels(values, node, policies);
    },
    async refund(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      const key = bucketKey(prefix, subject);
      const policies = policiesOf(subject);
      checkCostNames(cost, policies);
      const keys = decisionId === undefined ? [key] : [key, memoryKey(key, 'refund', decisionId)];
      const { values, node, acked } = await run(refundScript, keys, [
        String(decisionMemoryMs),
        ...charges(cost, policies),
      ]);
      await acked?.();
      return describeLevels(values, node, policies);
    },
    async reset(subject) {
      const { acked } = await run(resetScript, [bucketKey(prefix, subject)], []);
      await acked?.();
    },
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}

/** Capacity, refill, unit and cost of each policy, as script arguments. */
function charges(cost: Cost, policies: readonly NamedPolicy[]): string[] {
  return policies.flatMap((named) => [
    ...policyArgs(named.policy),
    String(costOf(cost, named) * named.policy.quantaPerToken),
  ]);
}

function describeTake(reply: TakeReply, { quantaPerToken }: Policy, strategy: string): Decision {
  const { allowed, levelQuanta, retryAfterUs, atUs, bucketUs, node } = reply;
  return {
    allowed,
    remainingTokens: Math.floor(levelQuanta / quantaPerToken),
    retryAfterUs,
    evidence: { strategy, node, source: 'redis', atUs, bucketUs, levelQuanta },
  };
}

function describeTakeAll(
  { values, node }: ScriptReply,
  policies: readonly NamedPolicy[],
  strategy: string,
): Decision {
  const [allowed, isRemembered, atUs = 0, bucketUs = 0, ...levels] = values;
  const parts = policies.map(
    ({ name, policy }, i): PolicyDecision => ({
      policy: name,
      remainingTokens: Math.floor((levels[2 * i] ?? 0) / policy.quantaPerToken),
      levelQuanta: levels[2 * i] ?? 0,
      retryAfterUs: levels[2 * i + 1] ?? 0,
    }),
  );
  const [only, second] = parts;
  const evidence = { strategy, node, source: 'redis', atUs, bucketUs } as const;
  return {
    allowed: allowed === 1,
    remainingTokens: Math.min(...parts.map(({ remainingTokens }) => remainingTokens)),
    retryAfterUs: Math.max(...parts.map(({ retryAfterUs }) => retryAfterUs)),
    evidence: second === undefined && only ? { ...evidence, levelQuanta: only.levelQuanta } : evidence,
    ...(second !== undefined && { policies: parts }),
    ...(isRemembered === 1 && { isRemembered: true }),
  };
}

function describeLevels(values: readonly number[], node: string, policies: readonly NamedPolicy[]): Level {
  const [atUs = 0, bucketUs = 0, ...levels] = values;
  const behindUs = bucketUs - atUs;
  const parts = policies.map(({ name, policy }, i): PolicyLevel => {
    const levelQuanta = levels[i] ?? 0;
    const untilFullUs = timeToFullUs(levelQuanta, policy);
    return {
      policy: name,
      levelQuanta,
      remainingTokens: Math.floor(levelQuanta / policy.quantaPerToken),
      timeToNextTokenUs: untilFullUs === 0 ? 0 : timeToNextTokenUs(levelQuanta, policy) + behindUs,
      timeToFullUs: untilFullUs === 0 ? 0 : untilFullUs + behindUs,
    };
  });
  const { policy: _, ...fewest } = parts.reduce((least, part) =>
    part.remainingTokens < least.remainingTokens ? part : least,
  );
  return { ...fewest, node, atUs, ...(parts.length > 1 && { policies: parts }) };
}
