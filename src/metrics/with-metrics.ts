import type { Attributes, Meter } from '@opentelemetry/api';
import type { Decision } from '../core/decision.ts';
import { chargeOf, type ErrorCode, invalidOption, isInvalidRequest, OpenclawError } from '../core/errors.ts';
import { checkKnown, checkTypes, type Known } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import { homeOf, placeOf } from '../limiter/homes/away.ts';
import type { Home, Limiter } from '../limiter/limiter.ts';
import type { LeaseLimiter } from '../limiter/strategies/lease/lease.ts';
import { withMethods } from '../limiter/wrappers/unheld.ts';
import { BOUNDARIES_S, DURATION } from './duration.ts';

export interface MetricsOptions {
  readonly meter: Meter;
  /** Attributes of every measurement, to tell limiters apart. Each value adds a time series. Default none. */
  readonly attributes?: Attributes;
}

/**
 * Wraps `limiter` and records every `take`, `reserve` and `extend`, and every `tryTake` that decides, in the histogram
 * `openclaw_rl.limiter.decision.duration`: the seconds until the result. Attributes:
 *
 * - `openclaw_rl.outcome`: `allowed`, `denied`, `shadow` (allowed only by shadow mode), `unavailable` (not decided),
 *   `invalid` (an invalid request);
 * - `openclaw_rl.source`, where it was decided: `redis`, `local`, `lease`, `fallback`;
 * - `openclaw_rl.home`, of a bucket with a home: `here` or `away`, whether a node of its home decided;
 * - `error.type`, the error code, and `openclaw_rl.charge`, `none` or `possible`, if there was an error, also if a failure
 *   policy decided then.
 *
 * No attribute contains users or endpoints. Throws INVALID_OPTION for wrong options.
 */
export function withMetrics<L extends Limiter>(limiter: L, options: MetricsOptions): L {
  checkOptions(limiter, options);
  const { meter, attributes = {} } = options;
  const duration = meter.createHistogram(DURATION, {
    description: 'Duration of takes, reservations and extensions, by outcome',
    unit: 's',
    advice: { explicitBucketBoundaries: [...BOUNDARIES_S] },
  });
  const record = (startedMs: number, answer: Attributes) =>
    duration.record((performance.now() - startedMs) / 1_000, { ...attributes, ...answer });

  const lease: Partial<LeaseLimiter> = limiter;
  const attributesOf = (home: Home | undefined, decision: Decision): Attributes => {
    const place = placeOf(home, decision.evidence);
    return { ...makeAttributes(decision), ...(place && { 'openclaw_rl.home': place }) };
  };
  async function measured<T>(
    home: Home | undefined,
    decide: () => Promise<T>,
    decisionOf: (result: T) => Decision,
  ): Promise<T> {
    const startedMs = performance.now();
    try {
      const result = await decide();
      record(startedMs, attributesOf(home, decisionOf(result)));
      return result;
    } catch (error) {
      record(startedMs, attributesOfError(error));
      throw error;
    }
  }
  const itself = (decision: Decision) => decision;

  return {
    ...limiter,
    take: (subject, options) =>
      measured(homeOf(limiter, subject), () => limiter.take(subject, options), itself),
    async reserve(subject, options) {
      const home = homeOf(limiter, subject);
      const reserve = () => limiter.reserve(subject, options);
      const reservation = await measured(home, reserve, ({ decision }) => decision);
      const { extend } = reservation;
      return withMethods(reservation, {
        extend: (cost) => measured(homeOf(limiter, subject), () => extend(cost), itself),
      });
    },
    ...(lease.tryTake && {
      tryTake(...args: Parameters<LeaseLimiter['tryTake']>) {
        const startedMs = performance.now();
        try {
          const decision = lease.tryTake?.(...args);
          if (decision !== undefined) record(startedMs, attributesOf(homeOf(limiter, args[0]), decision)); // otherwise `take` decides
          return decision;
        } catch (error) {
          record(startedMs, attributesOfError(error));
          throw error;
        }
      },
    }),
  };
}

const OF = 'withMetrics';
const KNOWN: Known<MetricsOptions> = { meter: true, attributes: true };

function checkOptions(limiter: Limiter, options: MetricsOptions): void {
  const hint = "use withMetrics(limiter, { meter: metrics.getMeter('my-service') })";
  if (typeof limiter?.take !== 'function')
    throw invalidOption(`the limiter of ${OF} must have a function take; found ${shown(limiter)}`, hint);
  checkKnown(options, { of: OF, isFunction: true, known: KNOWN, hint });
  if (typeof options.meter?.createHistogram !== 'function')
    throw invalidOption(`option meter of ${OF} must be a Meter; found ${shown(options.meter)}`, hint);
  checkTypes(options, { of: OF, types: { attributes: 'object' } });
}

function makeAttributes({ allowed, shadow, undecided, evidence: { source } }: Decision): Attributes {
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
  const { code, charge } = error;
  const outcome = isInvalidRequest(code) ? 'invalid' : 'unavailable';
  return { 'openclaw_rl.outcome': outcome, 'error.type': code, 'openclaw_rl.charge': charge };
}

function errorOf(code: ErrorCode): Attributes {
  return { 'error.type': code, 'openclaw_rl.charge': chargeOf(code) };
}
