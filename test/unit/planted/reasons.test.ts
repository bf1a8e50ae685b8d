import { describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/checker/findings/reasons/reasons.ts';
import { BROKEN } from './broken.ts';
import { REASONED } from './reasoned.ts';
import { accuse, isConvicted, reasonsOf } from './verdict.ts';

const SEEDS = Array.from({ length: 8 }, (_, at) => at + 1);
const OPERATIONS = 2_000;

describe('the reason of a history that shows it, and never another, is named:', () => {
  const all = { named: 0, convicted: 0 };

  it.each(REASONED)('$name', (specimen) => {
    const convicted = SEEDS.flatMap((seed) => {
      const accusation = accuse(specimen, seed, OPERATIONS);
      return isConvicted(accusation) ? [{ seed, reasons: reasonsOf(accusation) }] : [];
    });
    const named = convicted.filter(({ reasons }) => reasons.length > 0);
    expect(named).toEqual(named.map(({ seed }) => ({ seed, reasons: [specimen.reason] })));
    expect(named.length).toBeGreaterThanOrEqual(0.7 * SEEDS.length);
    all.named += named.length;
    all.convicted += convicted.length;
  });

  it('nine of ten of them', () => {
    expect(all.convicted).toBeGreaterThan(90);
    expect(all.named / all.convicted).toBeGreaterThanOrEqual(0.9);
  });

  it('there is a bug for each reason that follows from the decisions', () => {
    const ofEvents = ['misread', 'lost-decisions', 'empty-restart', 'clock-step'];
    // of several policies: partial-charges.test.ts; of a load with the time of day: web-reasons.test.ts
    const elsewhere = [...ofEvents, 'partial-charges', 'epoch-resets'];
    const planted = [...REASONED, ...BROKEN].flatMap(({ reason = '' }) =>
      elsewhere.includes(reason) ? [] : reason,
    );
    expect(new Set(planted.filter((reason) => reason !== ''))).toEqual(
      new Set(Object.keys(REASONS).filter((reason) => !elsewhere.includes(reason))),
    );
  });
});

describe('no wrong reason is given, and the right one under circumstances that show it:', () => {
  const all = { named: 0, shown: 0 };

  it.each(BROKEN)('$name', (specimen) => {
    const wrong = SEEDS.flatMap((seed) => {
      const accusation = accuse(specimen, seed, OPERATIONS);
      const reasons = reasonsOf(accusation);
      if (specimen.reason !== undefined && accusation.isShown === true && isConvicted(accusation)) {
        all.shown++;
        if (reasons.length > 0) all.named++;
      }
      const others = reasons.filter((one) => one !== specimen.reason);
      return others.length > 0 ? [{ seed, reasons }] : [];
    });
    expect(wrong).toEqual([]);
  });

  it('eight of ten of them', () => {
    expect(all.shown).toBeGreaterThan(50);
    expect(all.named / all.shown).toBeGreaterThanOrEqual(0.8);
  });
});
