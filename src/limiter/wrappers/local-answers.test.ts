import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bucket, fullBucket, take } from '../../core/bucket.ts';
import { parsePolicy } from '../../core/policy.ts';
import type { Limiter } from '../limiter.ts';
import { answerLocally, localAnswerBound } from './local-answers.ts';

const policy = parsePolicy('20:5/s');
const ada = { user: 'ada', endpoint: 'e' };
const { driftPpm } = localAnswerBound();

/** An exact bucket whose clock runs `ppm` faster than the limiter's, asked through local answers. */
function setUp(ppm: number) {
  const clock = { ms: 0 };
  let bucket: Bucket = fullBucket(policy, 0);
  const serverUs = () => Math.floor(clock.ms * 1_000 * (1 + ppm / 1e6));
  const decide = (costTokens: number) => take(bucket, policy, { costTokens, nowUs: serverUs() });
  let held: Promise<void> | undefined;
  /** Takes are decided and not replied to, refunds not made, until what it gives is called. */
  function hold(): () => void {
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      held = undefined;
      release();
    };
  }
  const exact = {
    strategy: 'central',
    policy,
    policiesOf: () => [{ name: 'default', policy }],
    async take(_: unknown, { cost = 1 }: { cost?: number }) {
      const { bucket: after, result } = decide(cost);
      bucket = after;
      await held;
      const { allowed, levelQuanta, retryAfterUs } = result;
      return {
        allowed,
        retryAfterUs,
        evidence: { strategy: 'central', node: 'n', source: 'redis', levelQuanta },
      };
    },
    async refund() {
      await held;
      bucket = { ...bucket, levelQuanta: bucket.levelQuanta + policy.quantaPerToken };
    },
    async reset() {
      await held;
      bucket = fullBucket(policy, serverUs());
    },
  } as unknown as Limiter;
  return {
    clock,
    decide,
    hold,
    limiter: answerLocally(exact, { forMs: 60_000 }, { nowUs: () => clock.ms * 1_000 }),
  };
}

describe('a local answer', () => {
  it(`denies nothing that Redis would allow while its clock gains no more than ${driftPpm} ppm`, async () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 20 })), {
      minLength: 20,
      maxLength: 60,
    });
    let locals = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: -500, max: driftPpm - 1 }), async (walk, ppm) => {
        const { clock, decide, limiter } = setUp(ppm);
        for (const [waitMs, cost] of walk) {
          clock.ms += waitMs;
          const { allowed: wouldAllow } = decide(cost).result;
          const { allowed, evidence } = await limiter.take(ada, { cost });
          if (evidence.source === 'local') locals++;
          expect(allowed).toBe(wouldAllow && evidence.source !== 'local');
          if (evidence.source === 'local') expect(wouldAllow).toBe(false);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(locals).toBeGreaterThan(1_000);
  });

  it('never reports a longer wait than Redis', async () => {
    const { clock, decide, limiter } = setUp(0);
    await limiter.take(ada, { cost: 20 });
    await limiter.take(ada, { cost: 5 });
    clock.ms += 100;
    const { evidence, retryAfterUs } = await limiter.take(ada, { cost: 5 });
    expect(evidence.source).toBe('local');
    expect(retryAfterUs).toBeLessThanOrEqual(decide(5).result.retryAfterUs);
    expect(retryAfterUs).toBeGreaterThan(decide(5).result.retryAfterUs - 1_000);
  });

  it.each(['refund', 'reset'] as const)(
    'is not given from the reply to a take that was in flight when a %s was sent',
    async (raise) => {
      const { limiter, clock, hold } = setUp(0);
      await limiter.take(ada, { cost: 20 });
      const release = hold(); // Redis has denied it; the reply is on its way
      const before = limiter.take(ada);
      clock.ms += 1;
      const raised = limiter[raise](ada);
      clock.ms += 1;
      const during = limiter.take(ada, { cost: 20 });
      clock.ms += 1;
      release();
      await raised;
      expect([(await before).allowed, (await during).allowed]).toEqual([false, false]);
      expect((await limiter.take(ada)).evidence.source).toBe('redis');
      clock.ms += 1;
      await limiter.take(ada, { cost: 20 });
      expect((await limiter.take(ada, { cost: 20 })).evidence.source).toBe('local'); // of later ones it is
    },
  );

  it('is not given where so many subjects were raised since that theirs is no longer known', async () => {
    const { limiter, clock, hold } = setUp(0);
    await limiter.take(ada, { cost: 20 });
    const release = hold();
    const before = limiter.take(ada, { cost: 20 });
    hold()(); // what comes now is not held
    clock.ms += 1;
    const users = ['ada', ...Array.from({ length: 10_001 }, (_, i) => `u${i}`)];
    await Promise.all(users.map((user) => limiter.reset({ user, endpoint: 'e' })));
    release();
    await before;
    expect((await limiter.take(ada, { cost: 20 })).evidence.source).toBe('redis');
  });

  it.each([0, 60_001, 1.5, Number.NaN])('is refused for %s milliseconds', (forMs) =>
    expect(() => answerLocally({} as Limiter, { forMs }, { nowUs: () => 0 })).toThrow(
      /1 to 60000 whole milliseconds/,
    ),
  );
});
