import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { Admissions } from '../../core/bound.ts';
import { boundOf } from '../../limiter/strategies/bounds.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const MS = 1_000;

/** 20:5/s: an empty bucket fills in 4 s. */
function admissionsOf(parts: readonly OperationPart[]): Admissions | undefined {
  let found: Admissions | undefined;
  checkHistory(historyOf(parts), {
    busiest: [],
    boundOf(_, __, admissions) {
      found = admissions();
      return undefined;
    },
  });
  return found;
}

const at = (atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: (atS - 0.1) * S,
  completedUs: atS * S,
  decision: { strategy: 'article', source: 'redis', node: 'a' },
  ...part,
});

describe('what was admitted of a bucket', () => {
  it.each<{ title: string; parts: OperationPart[]; want: Admissions }>(
    [
      { title: 'took as long as its longest', parts: [at(1), at(2, { invokedUs: 1.7 * S })], want: [0.3, 0] },
      { title: 'took no time of what was denied', parts: [at(1), denied(9, 3)], want: [0.1, 0] },
      { title: 'rested as long as it takes to fill', parts: [at(1), at(4.95)], want: [0.1, 1] },
      { title: 'did not rest for less', parts: [at(1), at(4.8)], want: [0.1, 0] },
      { title: 'rested twice within twice the time', parts: [at(1), at(8.9)], want: [0.1, 2] },
      { title: 'rested while it was denied', parts: [at(1), denied(3, 2), at(4.95)], want: [0.1, 1] },
      { title: 'rested since a request without a reply', parts: [lost(0.9), at(5)], want: [0.1, 1] },
      { title: 'is the most of any bucket', parts: [at(1), at(5), at(6, { bucket: 'c' })], want: [0.1, 1] },
    ].map(({ want: [longestS = 0, rests = 0], ...more }) => ({
      ...more,
      want: { longestUs: longestS * S, rests },
    })),
  )('$title', ({ parts, want }) => {
    const found = admissionsOf(parts);
    expect([Math.round(found?.longestUs ?? 0), found?.rests]).toEqual([
      Math.round(want.longestUs),
      want.rests,
    ]);
  });
});

function denied(atS: number, fromS: number): OperationPart {
  return at(atS, { outcome: 'denied', invokedUs: fromS * S });
}

function lost(fromS: number): OperationPart {
  return at(fromS, { outcome: 'info', invokedUs: fromS * S, completedUs: null });
}

interface Request {
  readonly afterMs: number;
  /** From the reading of the clock to the script. */
  readonly ageMs: number;
  readonly stepMs: number;
}

interface Burst {
  readonly pauseMs: number;
  readonly stepMs: number;
  readonly ageMs: number;
  readonly old: number;
  readonly fresh: number;
}

/** Some requests whose clock was read a while ago, and others. */
function requestsOf({ pauseMs, stepMs, ageMs, old, fresh }: Burst): Request[] {
  return Array.from({ length: old + fresh }, (_, number) => ({
    ...(number === 0 ? { afterMs: pauseMs, stepMs } : { afterMs: 1, stepMs: 0 }),
    ageMs: number < old ? ageMs : 0,
  }));
}

/** The script of the article with 20:5/s, on one bucket: whole seconds of the caller's clock, a key that expires. */
function article(requests: readonly Request[]): { parts: OperationPart[]; stepsUs: number[] } {
  let [tokens, timestamp, expiresMs] = [20, 0, 0];
  let [nowMs, stepMs] = [10_000, 0];
  const stepsUs: number[] = [];
  const parts = requests.map((request): OperationPart => {
    nowMs += request.afterMs;
    stepMs += request.stepMs;
    if (request.stepMs > 0) stepsUs.push(request.stepMs * MS);
    const now = Math.floor((nowMs - request.ageMs) / 1_000);
    if (nowMs + stepMs >= expiresMs) [tokens, timestamp] = [20, now];
    const refill = (now - timestamp) * 5;
    if (refill > 0) [tokens, timestamp] = [Math.min(20, tokens + refill), now];
    const isAllowed = tokens > 0;
    if (isAllowed) [tokens, expiresMs] = [tokens - 1, nowMs + stepMs + 4_000];
    return {
      ...{ invokedUs: (nowMs - request.ageMs) * MS, completedUs: nowMs * MS },
      outcome: isAllowed ? 'allowed' : 'denied',
      decision: { strategy: 'article', source: 'redis', node: 'a' },
    };
  });
  return { parts, stepsUs };
}

describe('the script of the article', () => {
  it('never exceeds its bound, whatever the requests, their ages and the steps of the clock', () => {
    const pauseMs = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      { weight: 3, arbitrary: fc.integer({ min: 900, max: 1_100 }) },
      fc.integer({ min: 3_900, max: 4_300 }),
    );
    const burst = fc.record({
      pauseMs,
      ageMs: fc.integer({ min: 0, max: 300 }),
      stepMs: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 2_800, max: 3_000 })),
      old: fc.integer({ min: 1, max: 3 }),
      fresh: fc.integer({ min: 15, max: 30 }),
    });
    let most = 0;
    fc.assert(
      fc.property(fc.array(burst, { minLength: 3, maxLength: 8 }), (bursts) => {
        const { parts, stepsUs } = article(bursts.flatMap(requestsOf));
        const [shard] = checkHistory(historyOf(parts), {
          busiest: [],
          boundOf: (policy, episodes, admissions) =>
            boundOf('article', policy, { ...episodes, clockStepsUs: stepsUs }, 'closed', admissions),
        }).shards;
        const [excess = 0, bound = 0] = [shard?.worstWindow.tokens, shard?.bound?.worstWindow ?? 0];
        expect(excess).toBeLessThanOrEqual(bound);
        const steps = stepsUs.reduce((sum, stepUs) => sum + Math.min(20, (5 * stepUs) / S), 0);
        most = Math.max(most, excess - 5 - steps);
      }),
      { seed: 1, numRuns: 500 },
    );
    expect(most).toBeGreaterThan(1); // one second of refill, and the steps, are not enough
  });
});
