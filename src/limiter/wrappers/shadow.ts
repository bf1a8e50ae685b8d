import type { Decision } from '../../core/decision.ts';
import { OpenclawError } from '../../core/errors.ts';
import type { Limiter, Reservation } from '../limiter.ts';
import { atMostHeld } from '../options/reserve-options.ts';
import { askedOf, unheld, withMethods } from './unheld.ts';

/**
 * Wraps `limiter` and allows every take, reservation and extension. One that `limiter` denied or could not decide has the
 * reason in `shadow`, and nothing is charged or held for it. A settlement above what is held is made at what is held.
 */
export function shadow(limiter: Limiter): Limiter {
  const allowing = async (decide: () => Promise<Decision>): Promise<Decision> => {
    try {
      const decision = await decide();
      return decision.allowed ? decision : { ...decision, allowed: true, shadow: 'denied' };
    } catch (error) {
      if (error instanceof OpenclawError) return undecided(limiter.strategy, error);
      throw error;
    }
  };

  return {
    ...limiter,
    async take(subject, options) {
      return allowing(() => limiter.take(subject, options));
    },
    async reserve(subject, { cost = 1, decisionId: id = crypto.randomUUID(), ...options } = {}) {
      let held: Reservation | undefined;
      const decision = await allowing(async () => {
        held = await limiter.reserve(subject, { cost, decisionId: id, ...options });
        return held.decision;
      });
      if (held?.allowed !== true) {
        const asked = askedOf(limiter, subject, cost);
        return unheld({ id, decision, asked, extend: async () => decision });
      }
      const reservation = held;
      const { extend, settle } = reservation;
      return withMethods(held, {
        extend: (cost) => allowing(() => extend(cost)),
        settle: (actual) =>
          settle(actual).catch((error: unknown) => {
            if (error instanceof OpenclawError && error.code === 'ACTUAL_ABOVE_HELD')
              return settle(atMostHeld(actual, reservation));
            throw error;
          }),
      });
    },
  };
}

function undecided(strategy: string, { code, charge }: OpenclawError): Decision {
  return { allowed: true, shadow: code, evidence: { strategy, node: 'none', source: 'fallback', charge } };
}
