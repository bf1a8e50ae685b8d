import type { Decision } from '../../core/decision.ts';
import { type ErrorCode, OpenclawError } from '../../core/errors.ts';
import type { Surroundings } from '../../core/time.ts';
import type { Cost, Limiter, Reservation, Settlement } from '../limiter.ts';
import { atMostHeld } from '../options/reserve-options.ts';
import { askedOf, unheld, withMethods, withMore } from './unheld.ts';

/**
 * Wraps `limiter` and allows every take, reservation and extension. One that `limiter` denied or could not decide has the
 * reason in `shadow`, and nothing is charged for it. Its tokens count as held, so that the program goes on as if they were;
 * a settlement above what Redis holds is made at what Redis holds. Reservations with an invalid cost, and extensions with
 * one or after the settlement, are refused: no tokens can be held for them.
 */
export function shadow(limiter: Limiter, surroundings: Surroundings): Limiter {
  const allowing = async (
    decide: () => Promise<Decision>,
    refused: readonly ErrorCode[] = [],
  ): Promise<Decision> => {
    try {
      const decision = await decide();
      return decision.allowed ? decision : { ...decision, allowed: true, shadow: 'denied' };
    } catch (error) {
      if (!(error instanceof OpenclawError) || refused.includes(error.code)) throw error;
      return undecided(limiter.strategy, error);
    }
  };

  /** A reservation that counts refused extensions as held. */
  function goingOn(inner: Reservation): Reservation {
    let refused: Reservation['held'] = Object.fromEntries(Object.keys(inner.held).map((name) => [name, 0]));
    const held = () => withMore(inner.held, refused);

    async function extend(cost: Cost): Promise<Decision> {
      let isHeld = false;
      const decide = async () => {
        const decision = await inner.extend(cost);
        isHeld = decision.allowed;
        return decision;
      };
      const decision = await allowing(decide, ['INVALID_COST', 'RESERVATION_SETTLED']);
      if (!isHeld) refused = withMore(refused, cost);
      return decision;
    }

    async function settle(actual: Cost): Promise<Settlement> {
      try {
        return await inner.settle(actual);
      } catch (error) {
        if (!(error instanceof OpenclawError) || error.code !== 'ACTUAL_ABOVE_HELD') throw error;
        return inner.settle(atMostHeld(actual, inner));
      }
    }

    return withMethods(inner, { extend, settle, held });
  }

  return {
    ...limiter,
    async take(subject, options) {
      return allowing(() => limiter.take(subject, options));
    },
    async reserve(subject, { cost = 1, decisionId: id = surroundings.randomId(), ...options } = {}) {
      let made: Reservation | undefined;
      const decide = async () => {
        made = await limiter.reserve(subject, { cost, decisionId: id, ...options });
        return made.decision;
      };
      const decision = await allowing(decide, ['INVALID_COST', 'INVALID_SUBJECT']);
      if (made?.allowed === true) return goingOn(made);
      const asked = askedOf(limiter, subject, cost);
      const policies = () => limiter.policiesOf(subject);
      return goingOn(unheld({ id, decision, asked, policies, extend: () => decision }));
    },
  };
}

function undecided(strategy: string, { code, charge }: OpenclawError): Decision {
  return { allowed: true, shadow: code, evidence: { strategy, node: 'none', source: 'fallback', charge } };
}
