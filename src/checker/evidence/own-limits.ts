import { KIND } from '../../history/columns/table.ts';
import { Sums } from '../proofs/sums.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { judgesDenials } from '../windows/clock.ts';
import { leastOnRecorder } from '../windows/spans.ts';
import { tokensBeforeDenials } from './contested.ts';
import type { Sides } from './sides.ts';
import { asSliding, type LookedAt } from './spent-levels.ts';

/**
 * Which sides may each count alone, with limits that are smaller than the promised one and together above it. Where no
 * denial is judged, joins do not exclude that: such a side denies what the promised limit would have admitted.
 *
 * A side that counts alone with a limit m admits at most 2 m in a span of one window, which meets two windows at most. It
 * denies a cost c only if more than m - c of its own can lie in the window. So m is at least half of the most that the side
 * certainly admitted in such a span, and below the least that it can have counted at a denial, plus c. If no m is both, the
 * side counts more than its own. If the greatest limits of all others are together at most the promised one, they keep it.
 */
export class OwnLimits {
  readonly #sides: Sides;
  /** The least and the greatest limit of each side that explains what it admitted, and what it denied. */
  readonly #least: Float64Array;
  readonly #greatest: Float64Array;
  /** The promised limit; undefined while no bucket asked for this. */
  #promised: number | undefined;

  constructor(sides: Sides) {
    this.#sides = sides;
    this.#least = new Float64Array(sides.names.length);
    this.#greatest = new Float64Array(sides.names.length).fill(Number.POSITIVE_INFINITY);
  }

  /** Looks at the loaded bucket. */
  look(rows: BucketRows, { context: { windows, movesOf } }: LookedAt): void {
    if (windows === undefined || judgesDenials(windows)) return;
    this.#promised = windows.promise.limit;
    if (rows.denials === 0 || rows.refunds.length > 0 || movesOf(rows.bucket).length > 0) return;
    const { promise, clock } = windows;
    const spanUs = leastOnRecorder(promise.windowUs, clock);
    for (const side of this.#sides.names.keys()) {
      const own = rows.where((row) => this.#sides.of(row) === side);
      this.#raiseLeast(side, Math.ceil(mostAdmitted(own, spanUs) / 2));
      const counted = rows.where((row) => this.#sides.of(row) === side || this.#sides.of(row) < 0);
      tokensBeforeDenials(counted, asSliding(promise), clock, (row, tokens) => {
        const cost = rows.table.costTokens[row] as number;
        if (this.#sides.of(row) === side) this.#lowerGreatest(side, tokens + cost - 1);
      });
    }
  }

  /** Those that may together admit more than the promised limit; none where denials are judged. */
  possible(): ReadonlySet<number> {
    const sides = [...this.#sides.names.keys()].filter(
      (side) => this.#leastOf(side) <= this.#greatestOf(side),
    );
    const together = sides.reduce((sum, side) => sum + this.#greatestOf(side), 0);
    return new Set(this.#promised !== undefined && together > this.#promised ? sides : []);
  }

  #leastOf(side: number): number {
    return this.#least[side] as number;
  }

  #greatestOf(side: number): number {
    return this.#greatest[side] as number;
  }

  #raiseLeast(side: number, limit: number): void {
    this.#least[side] = Math.max(this.#leastOf(side), limit);
  }

  #lowerGreatest(side: number, limit: number): void {
    this.#greatest[side] = Math.min(this.#greatestOf(side), limit);
  }
}

/** The most tokens that were certainly admitted in a span of such a length. */
function mostAdmitted(rows: BucketRows, spanUs: number): number {
  const { table } = rows;
  const isAdmitted = (row: number) => ((table.kinds[row] as number) & KIND.outcome) === KIND.allowed;
  const admitted = rows.where(isAdmitted);
  admitted.loadByLast();
  const byLast = admitted.byLast.subarray(0, admitted.lastCount);
  const sums = new Sums(admitted, byLast);
  let most = 0;
  for (const row of byLast) {
    sums.add(row, table.costTokens[row] as number);
    most = Math.max(most, sums.since(table.lastUs(row) - spanUs + 1));
  }
  return most;
}
