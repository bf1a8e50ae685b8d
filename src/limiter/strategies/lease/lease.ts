import type { Decision } from '../../../core/decision.ts';
import type { Policy } from '../../../core/policy.ts';
import { timeToFullUs, timeToNextTokenUs } from '../../../core/retry-after.ts';
import type { Time } from '../../../core/time.ts';
import type { Limiter, NamedPolicy, Subject, TakeOptions } from '../../limiter.ts';
import type { Buckets } from '../../options/buckets.ts';
import { checkCostNames, costOf, onlyPolicyOf } from '../../options/policies.ts';
import { readTakeOptions } from '../../options/take-options.ts';
import type { RunWrites } from '../../redis/port.ts';
import { rehoming } from '../../rehome/rehome.ts';
import { inabilityOf } from '../unable.ts';
import type { Borrower } from './borrower.ts';
import type { HomeClient } from './home-client.ts';
import type { LeaseTerms } from './protocol.ts';

const { unable, rejecting } = inabilityOf('a lease limiter');

/** A limiter that can also decide synchronously. */
export interface LeaseLimiter extends Limiter {
  /**
   * Decides synchronously, or returns undefined if only Redis can decide; `take` then waits for the reply of Redis. For a
   * sixteenth of `leaseMs` after a failed request no new request is sent, and `take` rejects with NO_LEASE; the next take
   * after BUCKET_MOVING or BUCKET_MOVED asks at once. Throws the errors that `take` rejects with for wrong
   * arguments or a closed limiter.
   */
  tryTake(subject: Subject, options?: TakeOptions): Decision | undefined;
}

/** The parts of a lease limiter. */
export interface LeaseParts extends Omit<Buckets, 'keyOf'> {
  readonly strategy: string;
  readonly home: HomeClient;
  readonly borrower: Borrower;
  readonly termsOf: (policy: Policy) => LeaseTerms;
  /** Runs other scripts at home; with acked grants, they can wait for the replicas. */
  readonly run: RunWrites;
  readonly time: Time;
}

/**
 * Borrows tokens of each bucket from its home in Redis, in batches, and decides in memory while they last. All processes
 * together admit no more than one bucket would (protocol.ts). A process may deny while others hold lent tokens.
 */
export function createLeaseOver(parts: LeaseParts): LeaseLimiter {
  const { strategy, home, borrower, policy, policiesOf, termsOf, run, time, homes } = parts;

  function tryTake(subject: Subject, options?: TakeOptions): Decision | undefined {
    const named = onlyPolicyOf(parts, subject);
    return borrower.tryTake(subject, named.policy, costTokensOf(options, named));
  }

  return {
    strategy,
    policy,
    policiesOf,
    tryTake,
    async take(subject, options) {
      const named = onlyPolicyOf(parts, subject);
      return borrower.take(subject, named.policy, costTokensOf(options, named));
    },
    async peek(subject) {
      const named = onlyPolicyOf(parts, subject);
      const { node, atUs, ...seen } = await home.look(subject, termsOf(named.policy));
      const { quantaPerToken, capacityQuanta } = named.policy;
      const levelQuanta = Math.min(
        capacityQuanta,
        seen.levelQuanta + borrower.leftOf(subject) * quantaPerToken,
      );
      return {
        levelQuanta,
        remainingTokens: Math.floor(levelQuanta / quantaPerToken),
        timeToNextTokenUs: timeToNextTokenUs(levelQuanta, named.policy),
        timeToFullUs: timeToFullUs(levelQuanta, named.policy),
        node,
        atUs,
      };
    },
    reserve: rejecting('reserve: the bucket in Redis counts as spent what a process has used'),
    refund: rejecting('refund: the bucket in Redis counts as spent what a process has used'),
    reset: rejecting('reset a bucket: other processes hold lent tokens'),
    rehome: rehoming({ time, run, lends: true, policiesOf, ...(homes && { homes }) }),
    ...(homes && { homeOf: homes.homeOf }),
    ready: () => home.ready(),
    async close() {
      await borrower.close();
      await home.close();
    },
  };
}

/** The cost in tokens. Most takes cost one token, which every policy holds, so it is not checked. */
function costTokensOf(options: TakeOptions | undefined, named: NamedPolicy): number {
  if (options === undefined) return 1;
  const { cost, decisionId } = readTakeOptions(options);
  if (decisionId !== undefined) throw unable('remember decision ids: other processes would not know them');
  checkCostNames(cost, [named]);
  return costOf(cost, named);
}
