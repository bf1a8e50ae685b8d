import { KIND } from '../../history/columns/table.ts';
import { Sums } from '../proofs/sums.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { judgesDenials } from '../windows/clock.ts';
import { leastOnRecorder } from '../windows/spans.ts';
import { tokensBeforeDenials } from './contested.ts';
import type { Sides } from './sides.ts';
import { asSliding, type LookedAt } from './spent-levels.ts';

/**
 * Which sides may each count alone, with a limit that is smaller than the promised one. Where no denial is judged, joins do
 * not exclude it: such a side denies what the promised limit would have admitted.
 *
 * A side that counts alone with a limit m admits at most 2 m in a span of one window, which meets two windows at most. It
 * denies a cost c only if more than m - c of its own can lie in the window. So m is at least half of the most that the side
 * certainly admitted in such a span, and below the least that it can have counted at a denial, plus c. If no m is both, the
 * side counts more than its own.
 */
export class OwnLimits {
  readonly #sides: Sides;
  /** The least and the greatest limit of each side that explains what it admitted, and what it denied. */
  readonly #least: Float64Array;
  readonly #greatest: Float64Array;
  #isAsked = false;

  constructor(sides: Sides) {
    this.#sides = sides;
    this.#least = new Float64Array(sides.names.length);
    this.#greatest = new Float64Array(sides.names.length).fill(Number.POSITIVE_INFINITY);
  }

  /** Looks at the loaded bucket. */
  look(rows: BucketRows, { context: { windows, movesOf } }: LookedAt): void {
    if (windows === undefined || judgesDenials(windows)) return;
    this.#isAsked = true;
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

  /** The sides of which a smaller limit of their own explains all that they admitted and denied; none if denials are judged. */
  possible(): ReadonlySet<number> {
    const isPossible = (side: number) => (this.#least[side] as number) <= (this.#greatest[side] as number);
    return new Set(this.#isAsked ? [...this.#sides.names.keys()].filter(isPossible) : []);
  }

  #raiseLeast(side: number, limit: number): void {
    this.#least[side] = Math.max(this.#least[side] as number, limit);
  }

  #lowerGreatest(side: number, limit: number): void {
    this.#greatest[side] = Math.min(this.#greatest[side] as number, limit);
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
