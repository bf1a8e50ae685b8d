import type { Policy } from '../../../core/policy.ts';
import type { RunWrites } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';

/** The reply of `lua/take.lua` for one take. */
export interface TakeReply {
  readonly allowed: boolean;
  readonly levelQuanta: number;
  readonly retryAfterUs: number;
  readonly atUs: number;
  readonly bucketUs: number;
  readonly node: string;
}

export type TakeOne = (key: string, policy: Policy, costQuanta: number) => Promise<TakeReply>;

/** Sends each take as one call of `lua/take.lua`. */
export function singleTakes(run: RunWrites): TakeOne {
  const script = loadScript('take');
  return async (key, policy, costQuanta) => {
    const { values, node, acked } = await run(script, [key], [...policyArgs(policy), String(costQuanta)]);
    const [allowed, levelQuanta = 0, retryAfterUs = 0, atUs = 0, aheadUs = 0] = values;
    if (allowed === 1 && acked !== undefined) await acked(); // a denial writes nothing
    return { allowed: allowed === 1, levelQuanta, retryAfterUs, atUs, bucketUs: atUs + aheadUs, node };
  };
}
