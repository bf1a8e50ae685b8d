import type { Decision } from '../../core/decision.ts';
import { OpenclawError } from '../../core/errors.ts';
import type { Limiter } from '../limiter.ts';

/**
 * Wraps `limiter` and allows every take. A take that `limiter` denied or could not decide has the reason in `shadow`.
 * Only takes that `limiter` allowed are charged.
 */
export function shadow(limiter: Limiter): Limiter {
  return {
    ...limiter,
    async take(subject, options) {
      try {
        const decision = await limiter.take(subject, options);
        return decision.allowed ? decision : { ...decision, allowed: true, shadow: 'denied' };
      } catch (error) {
        if (error instanceof OpenclawError) return undecided(limiter.strategy, error);
        throw error;
      }
    },
  };
}

function undecided(strategy: string, { code, charge }: OpenclawError): Decision {
  return { allowed: true, shadow: code, evidence: { strategy, node: 'none', source: 'fallback', charge } };
}
