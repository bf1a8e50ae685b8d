import { describe, expect, it } from 'vitest';
import { CORRECT } from './correct.ts';
import { DISHONEST } from './dishonest.ts';
import { accuseHonest, accuseOfLies } from './stated-verdict.ts';

const OPERATIONS = 1_000;
const SEEDS = [1, 2, 3, 4, 5];
const MOST_SEEDS = Array.from({ length: 12 }, (_, at) => at + 1);

describe('a correct limiter with honest values gets no finding, with any seed:', () => {
  it.each(CORRECT)('$name', (specimen) => {
    let stated = 0;
    for (const seed of SEEDS) {
      const { reasons, report } = accuseHonest(specimen, seed, OPERATIONS);
      expect({ seed, reasons, of: report.dishonest.findings[0]?.inequality }).toEqual({ seed, reasons: [] });
      stated += report.whole.stated;
    }
    expect(stated).toBeGreaterThan(2_500);
  });
});

describe('a dishonest limiter is convicted, for the right reason:', () => {
  it('there are at least 12', () =>
    expect(new Set(DISHONEST.map(({ name }) => name)).size).toBeGreaterThanOrEqual(12));

  it.each(DISHONEST)('$name: $reason', (specimen) => {
    const accused = MOST_SEEDS.map((seed) => accuseOfLies(specimen, seed, OPERATIONS));
    const reasons = new Set(accused.flatMap((one) => one.reasons));
    expect(reasons).toContain(specimen.reason);
    expect(
      [...reasons].filter((reason) => reason !== specimen.reason && !specimen.others?.includes(reason)),
    ).toEqual([]);
  });
});
