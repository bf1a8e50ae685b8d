import { timeToFullUs, timeToNextTokenUs } from '../../core/bucket.ts';
import type { Decision } from '../../core/decision.ts';
import { OpenclawError } from '../../core/errors.ts';
import type { Policy } from '../../core/policy.ts';
import type { Limiter, NamedPolicy, Subject, TakeOptions } from '../limiter.ts';
import { checkCostNames, costOf, type PoliciesOf } from '../policies.ts';
import { readTakeOptions } from '../take-options.ts';
import type { Borrower } from './borrower.ts';
import type { HomeLink } from './home-link.ts';
import type { LeaseTerms } from './protocol.ts';

/** A limiter that also decides at once. */
export interface LeaseLimiter extends Limiter {
  /**
   * Decides without waiting: undefined where that takes an answer of home. Home is then asked, but for the quarter of a
   * window (a sixteenth of a lease) after a request that failed; `take` waits for the answer, or rejects with NO_LEASE in
   * that time. What may be asked is what `take` may be asked; throws where `take` rejects for it.
   */
  tryTake(subject: Subject, options?: TakeOptions): Decision | undefined;
}

/** What such a limiter is made of. */
export interface LeaseParts {
  readonly strategy: string;
  readonly home: HomeLink;
  readonly borrower: Borrower;
  readonly policy: Policy;
  readonly policiesOf: PoliciesOf;
  readonly termsOf: (policy: Policy) => LeaseTerms;
}

/**
 * Borrows tokens of each bucket from its home in Redis, in batches, and decides in memory while they last. What all
 * processes admit together is what one bucket would (protocol.ts); a process denies also while tokens are at others.
 */
export function createLeaseOver(parts: LeaseParts): LeaseLimiter {
  const { strategy, home, borrower, policy, policiesOf, termsOf } = parts;

  function tryTake(subject: Subject, options?: TakeOptions): Decision | undefined {
    const named = onlyOf(policiesOf(subject));
    return borrower.tryTake(subject, named.policy, costTokensOf(options, named));
  }

  return {
    strategy,
    policy,
    policiesOf,
    tryTake,
    async take(subject, options) {
      const named = onlyOf(policiesOf(subject));
      const costTokens = costTokensOf(options, named);
      return (
        borrower.tryTake(subject, named.policy, costTokens) ?? (await borrower.wait(subject, costTokens))
      );
    },
    async peek(subject) {
      const named = onlyOf(policiesOf(subject));
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
    async refund() {
      throw unable('give tokens back: what was used is told to home, and is not taken back');
    },
    async reset() {
      throw unable('fill a bucket: what is lent of it is at its holders');
    },
    ready: () => home.ready(),
    async close() {
      await borrower.close();
      await home.close();
    },
  };
}

/** Most takes are of one token, and every policy holds one. */
function costTokensOf(options: TakeOptions | undefined, named: NamedPolicy): number {
  if (options === undefined) return 1;
  const { cost, decisionId } = readTakeOptions(options);
  if (decisionId !== undefined) throw unable('remember decisions: another process would not know of them');
  checkCostNames(cost, [named]);
  return costOf(cost, named);
}

function onlyOf([named]: readonly NamedPolicy[]): NamedPolicy {
  if (named === undefined) throw new Error('a limiter without a policy'); // readPolicies refuses it
  return named;
}

function unable(what: string): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `a limiter that borrows cannot ${what}`, {
    hint: 'use strategy central',
  });
}
