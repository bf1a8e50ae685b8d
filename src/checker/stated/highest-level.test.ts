import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePolicy } from '../../core/policy.ts';
import { HighestBucketLevel } from './highest-level.ts';

interface Spend {
  readonly fromUs: number;
  readonly lengthUs: number;
  readonly tokens: number;
}

/** The inequality itself: the least over all starts s, of the capacity, the refill since and what was spent wholly since. */
function highestAt(
  spends: readonly Spend[],
  us: number,
  { capacity, speed }: { capacity: number; speed: number },
) {
  const over = spends.filter(({ fromUs, lengthUs }) => fromUs + lengthUs <= us);
  return over.reduce((least, { fromUs: start }) => {
    const spent = over.filter(({ fromUs }) => fromUs >= start).reduce((sum, { tokens }) => sum + tokens, 0);
    return Math.min(least, capacity + (us - start) * speed - spent);
  }, capacity);
}

const spend = fc.record({ fromUs: fc.nat(60), lengthUs: fc.nat(25), tokens: fc.integer({ min: 1, max: 4 }) });

describe('the highest level', () => {
  it('is that of the inequality, whatever the order in which admissions end', () => {
    const policy = makePolicy(12, { tokens: 1, perUs: 3 });
    const amounts = { capacity: policy.capacityQuanta, speed: policy.quantaPerUs };
    fc.assert(
      fc.property(fc.array(spend, { maxLength: 14 }), fc.nat(30), (all, later) => {
        const spends = all.map((one) => ({ ...one, tokens: one.tokens * policy.quantaPerToken }));
        const high = new HighestBucketLevel(policy, { epsilonUs: 0, rhoPpm: 0 });
        const moments = spends
          .flatMap((one) => [
            { us: one.fromUs, one, isEnd: false },
            { us: one.fromUs + one.lengthUs, one, isEnd: true },
          ])
          .sort((a, b) => a.us - b.us || Number(a.isEnd) - Number(b.isEnd));
        const places = new Map<Spend, number>();
        let wasNegative = false;
        for (const { us, one, isEnd } of moments) {
          if (isEnd) high.finish(places.get(one) ?? 0, { row: 0, lastUs: us, quanta: one.tokens });
          else places.set(one, high.begin(us));
          const expected = highestAt(spends, us, amounts);
          wasNegative ||= expected < 0;
          if (moments.some((other) => other.isEnd && other.us === us && other.one !== one)) continue;
          if (!wasNegative && isEnd) expect(high.at(us)).toBe(expected);
        }
        const us = (moments.at(-1)?.us ?? 0) + later;
        if (!wasNegative) expect(high.at(us)).toBe(highestAt(spends, us, amounts));
        else expect(high.at(us)).toBeGreaterThanOrEqual(highestAt(spends, us, amounts));
      }),
      { numRuns: 3_000, seed: 22 },
    );
  });

  it('adds the clock grant once, and never passes the capacity', () => {
    const policy = makePolicy(10, '1/s');
    const high = new HighestBucketLevel(policy, { epsilonUs: 500_000, rhoPpm: 0 });
    expect(high.at(0)).toBe(policy.capacityQuanta);
    const place = high.begin(0);
    high.finish(place, { row: 0, lastUs: 0, quanta: 10 * policy.quantaPerToken });
    expect(high.at(0) / policy.quantaPerToken).toBe(0.5);
    expect(high.at(1_000_000) / policy.quantaPerToken).toBe(1.5);
    expect(high.at(20_000_000)).toBe(policy.capacityQuanta);
  });
});
