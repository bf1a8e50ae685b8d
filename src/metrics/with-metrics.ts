import type { Attributes, Meter } from '@opentelemetry/api';
import type { Decision } from '../core/decision.ts';
import { chargeOf, type ErrorCode, isAskersFault, OpenclawError } from '../core/errors.ts';
import type { LeaseLimiter } from '../limiter/lease/lease.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { DURATION } from './duration.ts';

export interface MetricsOptions {
  readonly meter: Meter;
  /** Put on every measurement, to tell limiters apart. Few values: each is a time series more. Default none. */
  readonly attributes?: Attributes;
}

/** Seconds: from a neighbour's Redis to one across an ocean that is about to time out. */
const BOUNDARIES_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5,
];

/**
 * Decides as `limiter` does, and records every `take` in the histogram `openclaw_rl.limiter.decision.duration`: seconds
 * until its answer, and by its count, how many there were. Of a lease every `tryTake` that decides, too. Attributes:
 *
 * - `openclaw_rl.outcome`: `allowed`, `denied`, `shadow` (allowed by shadow mode alone), `unavailable` (not decided),
 *   `invalid` (what was asked can never be decided);
 * - `openclaw_rl.source`, where it was decided: `redis`, `local`, `lease`, `fallback`;
 * - `error.type`, the code, and `openclaw_rl.charge`, `none` or `possible`, where there was an error, also one that a
 *   failure policy answered.
 *
 * Users and endpoints are in no attribute.
 */
export function withMetrics<L extends Limiter>(limiter: L, { meter, attributes = {} }: MetricsOptions): L {
  const duration = meter.createHistogram(DURATION, {
    description: 'How long takes waited for their answer, by what it was',
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDARIES_S },
  });
  const record = (startedMs: number, answer: Attributes) =>
    duration.record((performance.now() - startedMs) / 1_000, { ...attributes, ...answer });

  const lease: Partial<LeaseLimiter> = limiter;
  return {
    ...limiter,
    async take(subject, options) {
      const startedMs = performance.now();
      try {
        const decision = await limiter.take(subject, options);
        record(startedMs, attributesOf(decision));
        return decision;
      } catch (error) {
        record(startedMs, attributesOfError(error));
        throw error;
      }
    },
    ...(lease.tryTake && {
      tryTake(...asked: Parameters<LeaseLimiter['tryTake']>) {
        const startedMs = performance.now();
        try {
          const decision = lease.tryTake?.(...asked);
          if (decision !== undefined) record(startedMs, attributesOf(decision)); // else `take` is what decides
          return decision;
        } catch (error) {
          record(startedMs, attributesOfError(error));
          throw error;
        }
      },
    }),
  };
}

function attributesOf({ allowed, shadow, undecided, evidence: { source } }: Decision): Attributes {
  if (shadow === undefined)
    return {
      'openclaw_rl.outcome': allowed ? 'allowed' : 'denied',
      'openclaw_rl.source': source,
      ...(undecided !== undefined && errorOf(undecided)),
    };
  const why = shadow === 'denied' ? undecided : shadow;
  const error = why === undefined ? undefined : errorOf(why);
  return { 'openclaw_rl.outcome': 'shadow', 'openclaw_rl.source': source, ...error };
}

function attributesOfError(error: unknown): Attributes {
  if (!(error instanceof OpenclawError))
    return {
      'openclaw_rl.outcome': 'unavailable',
      'error.type': '_OTHER',
      'openclaw_rl.charge': 'possible',
    };
  const outcome = isAskersFault(error.code) ? 'invalid' : 'unavailable';
  return { 'openclaw_rl.outcome': outcome, ...errorOf(error.code) };
}

function errorOf(code: ErrorCode): Attributes {
  return { 'error.type': code, 'openclaw_rl.charge': chargeOf(code) };
}
