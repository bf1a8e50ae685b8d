import type { Surroundings } from '../../../core/time.ts';
import type { Limiter } from '../../limiter.ts';
import type { Buckets } from '../../options/buckets.ts';
import { memoryKey } from '../../options/key.ts';
import { checkCostNames } from '../../options/policies.ts';
import { readTakeOptions } from '../../options/take-options.ts';
import type { AckedPort, RedisPort, RunWrites } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import { rehoming } from '../../rehome/rehome.ts';
import { batchTakes } from './batch.ts';
import { describeLevels } from './describe.ts';
import { reserving } from './reservations.ts';
import { singleTakes } from './single-takes.ts';
import { charges, taking } from './taking.ts';

export interface CentralOptions extends Buckets {
  readonly surroundings: Surroundings;
  readonly redis: RedisPort;
  /** Replaces `run` of `redis` if writes must wait for the replicas. */
  readonly acked?: AckedPort['runAcked'];
  /** How long decision ids are stored. */
  readonly decisionMemoryMs: number;
  /** How long records of unsettled reservations are stored. */
  readonly reservationMemoryMs: number;
  /** Whether the takes of one turn of the event loop share a call, and in a cluster only those of one slot. */
  readonly batch?: { readonly bySlot: boolean };
}

/**
 * One bucket on the slot's primary, decided by the exact scripts on the server's own clock. With `acked` it is strategy
 * `acked`: admissions, also repeated ones, refunds and resets wait until the replicas have them.
 */
export function createCentral({
  surroundings,
  redis,
  acked,
  policy,
  policiesOf,
  keyOf,
  homes,
  decisionMemoryMs,
  reservationMemoryMs,
  batch,
}: CentralOptions): Limiter {
  const { time } = surroundings;
  const peekScript = loadScript('peek');
  const refundScript = loadScript('refund');
  const resetScript = loadScript('reset');
  const run: RunWrites = acked ?? redis.run;
  const takeOne = batch === undefined ? singleTakes(run) : batchTakes(run, { ...batch, time });
  const strategy = acked === undefined ? 'central' : 'acked';

  return {
    strategy,
    policy,
    policiesOf,
    take: taking({ policiesOf, keyOf, run, takeOne, decisionMemoryMs, strategy }),
    async peek(subject) {
      const key = keyOf(subject);
      const policies = policiesOf(subject);
      const args = policies.flatMap(({ policy }) => policyArgs(policy));
      const { values, node } = await redis.run(peekScript, [key], args);
      return describeLevels(values, node, policies);
    },
    async refund(subject, options) {
      const { cost, decisionId } = readTakeOptions(options);
      const key = keyOf(subject);
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
    reserve: reserving({
      ...{ surroundings, run, strategy, policiesOf, keyOf },
      ...{ decisionMemoryMs, reservationMemoryMs },
    }),
    async reset(subject) {
      const { acked } = await run(resetScript, [keyOf(subject)], []);
      await acked?.();
    },
    rehome: rehoming({ time, run, lends: false, policiesOf, ...(homes && { homes }) }),
    ...(homes && { homeOf: homes.homeOf }),
    ready: () => redis.ready(),
    close: () => redis.close(),
  };
}
