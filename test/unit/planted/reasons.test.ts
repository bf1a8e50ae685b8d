import { describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/checker/findings/reasons/reasons.ts';
import { BROKEN } from './broken.ts';
import { REASONED } from './reasoned.ts';
import { accuse, isConvicted, reasonsOf } from './verdict.ts';

const SEEDS = Array.from({ length: 8 }, (_, at) => at + 1);
const OPERATIONS = 2_000;

describe('the reason is named in nine of ten runs that show it, and never another:', () => {
  it.each(REASONED)('$name', (specimen) => {
    const named = SEEDS.flatMap((seed) => {
      const accusation = accuse(specimen, seed, OPERATIONS);
      return isConvicted(accusation) ? [{ seed, reasons: reasonsOf(accusation) }] : [];
    });
    const right = named.filter(({ reasons }) => reasons.length > 0);
    for (const { seed, reasons } of right)
      expect({ seed, reasons }).toEqual({ seed, reasons: [specimen.reason] });
    expect(named.length).toBeGreaterThanOrEqual(6);
    expect(right.length).toBeGreaterThanOrEqual(0.9 * named.length - 1); // of so few runs, one may show too little
  });

  it('there is a bug for each reason that follows from the decisions', () => {
    const ofEvents = ['misread', 'lost-decisions', 'empty-restart', 'clock-step'];
    expect(new Set(REASONED.map(({ reason }) => reason))).toEqual(
      new Set(REASONS.filter((reason) => !ofEvents.includes(reason))),
    );
  });
});

describe('no wrong reason is given, under any circumstances:', () => {
  it.each(BROKEN)('$name', (specimen) => {
    const wrong = SEEDS.flatMap((seed) => {
      const reasons = reasonsOf(accuse(specimen, seed, OPERATIONS)).filter((one) => one !== specimen.reason);
      return reasons.length > 0 ? [{ seed, reasons }] : [];
    });
    expect(wrong).toEqual([]);
  });
});
