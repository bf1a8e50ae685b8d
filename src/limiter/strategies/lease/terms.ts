import type { Policy } from '../../../core/policy.ts';
import type { LeaseTerms } from './protocol.ts';

export const DEFAULT_LEASE_MS = 4_000;
export const DEFAULT_MARGIN_MS = 500;

/** How much slower than home's clock a process's clock may run. Parts per million; crystals are within 200. */
const HOLDER_SLOW_PPM = 1_000;

/** The margin minus a process's clock drift in a lease: the largest allowed step of home's clock. Microseconds. */
export function clockMarginUs({ leaseUs, marginUs }: Omit<LeaseTerms, 'policy'>): number {
  return marginUs - Math.ceil((leaseUs * HOLDER_SLOW_PPM) / 1e6);
}

/** The largest step of home's clock that the default margin covers. */
export const DEFAULT_CLOCK_MARGIN_US = clockMarginUs({
  leaseUs: DEFAULT_LEASE_MS * 1_000,
  marginUs: DEFAULT_MARGIN_MS * 1_000,
});

/** Returns the terms of a policy; cached by policy. */
export function termsByPolicy(times: Omit<LeaseTerms, 'policy'>): (policy: Policy) => LeaseTerms {
  const known = new WeakMap<Policy, LeaseTerms>();
  return (policy) => {
    const terms = known.get(policy) ?? { policy, ...times };
    known.set(policy, terms);
    return terms;
  };
}
