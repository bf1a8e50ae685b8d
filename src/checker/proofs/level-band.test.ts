import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { parsePolicy } from '../../core/policy.ts';
import { makeRandom } from '../../core/prng.ts';
import type { ClockBounds } from '../clocks/bounds.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { EdfTimeline } from './edf-timeline.ts';
import { judgeDenials } from './false-denial.ts';
import { doesLagFade } from './lag.ts';
import { type LevelOperation, levelBand } from './level-band.ts';
import { bucketLevel } from './lowest-level.ts';
import { findOverAdmission } from './over-admission.ts';
import { findWorstWindow } from './worst-window.ts';

const S = 1_000_000;
const EXACT: ClockBounds = { epsilonUs: 0, rhoPpm: 0, slowPpm: 0, backwardUs: 0, spreadUs: 0, steps: [] };
const KNOWN = {
  ...({ initial: 'full', knownFromUs: 0 } as const),
  ...{ judgedFromUs: Number.NEGATIVE_INFINITY, judgedUntilUs: Number.POSITIVE_INFINITY },
};
const policy = parsePolicy('3:1/s');
const RULES = { policy, clock: EXACT, known: KNOWN, refunds: [], fades: true };

const operation = (
  fromS: number,
  toS: number,
  outcome: LevelOperation['outcome'] = 'allowed',
): LevelOperation => ({
  invokedUs: fromS * S,
  lastUs: toS * S,
  costTokens: 1,
  outcome,
});

/** The levels right after everything that happens at this second. */
function levelsAt(operations: readonly LevelOperation[], atS: number) {
  const band = levelBand(operations, RULES, atS * S);
  return { lowest: band.lowest.at(-1), highest: band.highest.at(-1) };
}

describe('the levels that are possible', () => {
  it('are one where intervals are points', () => {
    const spends = [operation(1, 1), operation(1, 1), operation(2, 2)];
    expect(levelsAt(spends, 1)).toEqual({ lowest: 1, highest: 1 });
    expect(levelsAt(spends, 2)).toEqual({ lowest: 1, highest: 1 });
    expect(levelsAt(spends, 3)).toEqual({ lowest: 2, highest: 2 });
    expect(levelsAt(spends, 9)).toEqual({ lowest: 3, highest: 3 });
  });

  it('are apart by what is in flight', () => {
    expect(levelsAt([operation(1, 4)], 2)).toEqual({ lowest: 2, highest: 3 });
  });

  it('are apart afterwards by the refill that an early spend leaves room for', () => {
    expect(levelsAt([operation(1, 4)], 4)).toEqual({ lowest: 2, highest: 3 });
    expect(levelsAt([operation(3.5, 4)], 4)).toEqual({ lowest: 2, highest: 2.5 });
  });

  it('count what has no reply as never spent, and as spent', () => {
    const lost = operation(1, Number.POSITIVE_INFINITY, 'info');
    expect(levelsAt([lost], 9)).toEqual({ lowest: 2, highest: 3 });
  });

  it('are untouched by denials and failures', () => {
    expect(levelsAt([operation(1, 2, 'denied'), operation(1, 2, 'failed')], 2)).toEqual({
      lowest: 3,
      highest: 3,
    });
  });

  it('are below zero by as much as the worst window has too much', () => {
    const five = Array.from({ length: 5 }, () => operation(1, 2));
    expect(levelsAt(five, 2).highest).toBe(-1); // 5 within 1 s, of 3 + 1
  });

  it('take what was refunded into account', () => {
    const five = Array.from({ length: 5 }, () => operation(1, 2));
    const options = { ...RULES, refunds: [{ fromUs: S, lastUs: S, quanta: policy.quantaPerToken }] };
    expect(levelBand(five, options, 2 * S).highest.at(-1)).toBe(0);
  });

  it('lose to a clock that lags what it may lack, until it must have caught up', () => {
    const options = { ...RULES, clock: { ...EXACT, spreadUs: S / 2 } };
    const lowestAt = (atS: number, fades = true) =>
      levelBand([operation(1, 1), operation(8, 9)], { ...options, fades }, atS * S).lowest.at(-1);
    expect([1, 2, 2.25, 2.5, 7, 8, 9, 10, 11].map((atS) => lowestAt(atS))).toEqual([
      1.5, 2.5, 2.75, 3, 3, 1.5, 1.5, 2.5, 3,
    ]);
    expect(lowestAt(7, false)).toBe(2.5);
    const { timesUs, lowest } = levelBand([operation(1, 1)], options, 9 * S);
    expect(lowest[timesUs.indexOf(2.5 * S)]).toBe(3);
  });

  it('have a corner where a bucket is full again', () => {
    const band = levelBand([operation(1, 1)], RULES, 9 * S);
    expect(band.timesUs).toContain(2 * S);
    expect(band.highest[band.timesUs.indexOf(2 * S)]).toBe(3);
  });
});

describe('the picture and the proof', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => ({ seed })))(
    'agree on random operations $seed',
    ({ seed }) => {
      const random = makeRandom(seed, 'level-band');
      const parts: OperationPart[] = Array.from({ length: 60 }, () => {
        const invokedUs = Math.floor(random() * 20 * S);
        const isLong = random() < 0.3;
        const outcome =
          (['allowed', 'allowed', 'denied', 'info'] as const)[Math.floor(random() * 4)] ?? 'allowed';
        const completedUs =
          outcome === 'info' ? null : invokedUs + Math.floor(random() * (isLong ? 4 * S : S / 10));
        const cost = outcome === 'denied' && random() < 0.5 ? 3 : 1; // of a full bucket
        return { invokedUs, completedUs, outcome, cost };
      });
      const { operations: table } = historyOf(parts, { policy: '3:1/s' });
      const rows = new BucketRows(table);
      rows.load(0);
      const clock = seed % 2 === 0 ? EXACT : { ...EXACT, epsilonUs: 20_000, spreadUs: 5_000 };
      const all = Array.from({ length: rows.count }, (_, at): LevelOperation => {
        const row = rows.byInvoked[at] as number;
        return {
          invokedUs: table.invokedUs[row] as number,
          lastUs: table.lastUs(row),
          costTokens: table.costTokens[row] as number,
          outcome: table.outcomeOf(row),
        };
      });
      const band = levelBand(all, { ...RULES, clock }, 30 * S);

      const { drops } = findOverAdmission(rows, policy, clock);
      const worst = findWorstWindow(rows, new EdfTimeline(policy, clock));
      const excess = worst === undefined ? 0 : worst.admittedQuanta - worst.allowanceQuanta;
      const least = Math.min(0, ...band.highest);
      expect(least < 0).toBe(drops.length > 0);
      expect(-least).toBeCloseTo(excess / policy.quantaPerToken, 5);

      const fades = doesLagFade(rows, policy, []);
      const levelOf = () => bucketLevel(policy, { clock, known: KNOWN, fades });
      const judged = judgeDenials(rows, KNOWN, { levelOf, mostQuanta: policy.capacityQuanta });
      const denied = [...judged.denials].map(({ row }) => table.invokedUs[row]);
      const falseByBand = all
        .filter(({ outcome, invokedUs, lastUs, costTokens }) => {
          if (outcome !== 'denied') return false;
          const during = band.lowest.filter((_, at) => {
            const us = band.timesUs[at] as number;
            return us >= invokedUs && us <= lastUs;
          });
          return [levelBefore(band, invokedUs), ...during].every((level) => level >= costTokens - 1e-9);
        })
        .map(({ invokedUs }) => invokedUs);
      expect(falseByBand.sort((a, b) => a - b)).toEqual(denied.map(Number).sort((a, b) => a - b));
    },
  );
});

/** The lowest level at a time between two points of the picture. */
function levelBefore({ timesUs, lowest }: ReturnType<typeof levelBand>, us: number): number {
  const next = timesUs.findIndex((at) => at > us);
  if (next <= 0) return next === 0 ? 3 : (lowest.at(-1) ?? 0);
  const [fromUs, toUs] = [timesUs[next - 1] as number, timesUs[next] as number];
  const [from, to] = [lowest[next - 1] as number, lowest[next] as number];
  return from + ((to - from) * (us - fromUs)) / (toUs - fromUs);
}
