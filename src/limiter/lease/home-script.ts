import { policyArgs } from '../script-args.ts';
import type { LeaseTerms, Reply, Request } from './protocol.ts';

const ACCOUNTS = ['open', 'ended', 'stale'] as const;

/** The arguments of lua/lease.lua for one request. */
export function requestArgs(request: Request, { policy, leaseUs, marginUs }: LeaseTerms): string[] {
  const { holder, lease, seq, used, returned, want, need } = request;
  const numbers = [policy.quantaPerToken, leaseUs + marginUs, holder, lease, seq, used, returned, want, need];
  return [...policyArgs(policy), ...numbers.map(String)];
}

/** The reply of lua/lease.lua to a request. */
export function readReply(values: readonly number[], { holder, lease, seq, sentAtUs }: Request): Reply {
  const [account = 1, granted = 0, levelQuanta = 0, borrowers = 0, atUs = 0] = values;
  const state = ACCOUNTS[account] ?? 'ended';
  return { holder, lease, account: state, seq, granted, sentAtUs, levelQuanta, borrowers, atUs };
}
