import type { Decision } from '../../../core/decision.ts';
import type { Cost, Limiter, NamedPolicy, Subject, TakeOptions } from '../../limiter.ts';
import type { Buckets } from '../../options/buckets.ts';
import { memoryKey } from '../../options/key.ts';
import { checkCostNames, costOf } from '../../options/policies.ts';
import { readTakeOptions } from '../../options/take-options.ts';
import type { RunWrites } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import { describeTake, describeTakeAll } from './describe.ts';
import type { TakeOne } from './single-takes.ts';

export interface TakingOptions extends Pick<Buckets, 'policiesOf' | 'keyOf'> {
  readonly run: RunWrites;
  /** Takes of one policy without a decision id. */
  readonly takeOne: TakeOne;
  readonly decisionMemoryMs: number;
  readonly strategy: string;
}

/** Makes `take` of a limiter whose scripts charge one bucket. */
export function taking({
  policiesOf,
  keyOf,
  run,
  takeOne,
  decisionMemoryMs,
  strategy,
}: TakingOptions): Limiter['take'] {
  const script = loadScript('take-all');

  /** Throws what `take` rejects with. It is not async: each take would allocate the frame of such a function. */
  function begin(subject: Subject, options: TakeOptions | undefined): Promise<Decision> {
    const { cost, decisionId } = readTakeOptions(options);
    const key = keyOf(subject); // an invalid subject never reaches the overrides
    const policies = policiesOf(subject);
    checkCostNames(cost, policies);
    const [only, second] = policies;
    if (only === undefined || second !== undefined || decisionId !== undefined)
      return takeAll(
        decisionId === undefined ? [key] : [key, memoryKey(key, 'take', decisionId)],
        cost,
        policies,
      );
    const costQuanta = costOf(cost, only) * only.policy.quantaPerToken;
    return takeOne(key, only.policy, costQuanta).then((reply) => describeTake(reply, only.policy, strategy));
  }

  async function takeAll(
    keys: readonly string[],
    cost: Cost,
    policies: readonly NamedPolicy[],
  ): Promise<Decision> {
    const { values, node, acked } = await run(script, keys, [
      String(decisionMemoryMs),
      ...charges(cost, policies),
    ]);
    if (values[0] === 1 && acked !== undefined) await acked();
    return describeTakeAll({ values, node }, policies, strategy);
  }

  return (subject, options) => {
    try {
      return begin(subject, options);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** Capacity, refill, unit and cost of each policy, as script arguments. */
export function charges(cost: Cost, policies: readonly NamedPolicy[]): string[] {
  return policies.flatMap((named) => [
    ...policyArgs(named.policy),
    String(costOf(cost, named) * named.policy.quantaPerToken),
  ]);
}
