import { describe, expect, it } from 'vitest';
import { BROKEN } from './broken.ts';
import { CORRECT } from './correct.ts';
import { accuse, isConvicted } from './verdict.ts';

const OPERATIONS = 1_000;
const SEEDS = 20;
/** Some bugs show only where seeds draw what they need. */
const MOST_SEEDS = 50;

describe('a correct limiter gets no finding, with any seed:', () => {
  it.each(CORRECT)('$name', (specimen) => {
    const seen = { operations: 0, denied: 0, info: 0, contested: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { report, isShown: _, ...accusation } = accuse(specimen, seed, OPERATIONS);
      expect({ seed, ...accusation }).toEqual({
        seed,
        overAdmission: false,
        falseDenial: false,
        replay: false,
      });
      expect(report.reasons).toBeUndefined();
      seen.operations += report.sent;
      seen.denied += report.outcomes.denied;
      seen.info += report.outcomes.info;
      seen.contested += report.contested.buckets;
    }
    expect(seen.operations).toBeGreaterThan(18_000);
    expect(Math.min(seen.denied, 5_000)).toBe(5_000); // they were really drained,
    expect(Math.min(seen.info, 100)).toBe(100); // replies were lost,
    expect(Math.min(seen.contested, 25)).toBe(25); // and buckets contested
  });
});

describe('a planted bug is convicted:', () => {
  it('there are at least 20', () =>
    expect(new Set(BROKEN.map(({ name }) => name)).size).toBeGreaterThanOrEqual(20));

  it.each(BROKEN)('$name', (specimen) => {
    const seeds = Array.from({ length: MOST_SEEDS }, (_, at) => at + 1);
    const convicting = seeds.find((seed) => isConvicted(accuse(specimen, seed, OPERATIONS)));
    expect(convicting, `a seed that convicts ${specimen.name}`).toBeDefined();
  });
});
