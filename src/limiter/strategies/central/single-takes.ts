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
  return (key, policy, costQuanta) =>
    run(script, [key], [...policyArgs(policy), String(costQuanta)]).then(readTake);
}

/** Without an async function of its own: there is one call of it for each take. */
function readTake({ values, node, acked }: Awaited<ReturnType<RunWrites>>): TakeReply | Promise<TakeReply> {
  const atUs = values[3] ?? 0;
  const reply = {
    allowed: values[0] === 1,
    levelQuanta: values[1] ?? 0,
    retryAfterUs: values[2] ?? 0,
    atUs,
    bucketUs: atUs + (values[4] ?? 0),
    node,
  };
  return reply.allowed && acked !== undefined ? acked().then(() => reply) : reply; // a denial writes nothing
}
