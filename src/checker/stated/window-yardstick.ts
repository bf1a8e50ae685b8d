import type { WindowPromise } from '../../core/promise.ts';
import { withGains } from '../clocks/bounds.ts';
import { NO_LAG } from '../proofs/lag.ts';
import { type LowestLevel, windowLevel } from '../proofs/lowest-level.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import type { WindowClock } from '../windows/clock.ts';
import { mostOnRecorder } from '../windows/spans.ts';
import { describesWindows, type StatedPolicy } from './describes-policy.ts';
import type { HighestLevel } from './highest-level.ts';
import { highestRoom, SlidingRoom, windowsAt } from './highest-room.ts';
import { type Denied, TOLERANCE_S, type Yardstick } from './yardstick.ts';

const UNKNOWN: LowestLevel = {
  spender: { levelAt: () => 0, spend: () => 0 },
  quantaPerToken: 1,
  lag: NO_LAG,
};

/**
 * Of windows, in tokens. A wait is a time of the limiter's own clock, as the length W of a window is. It is
 *   too short  in a window of known place: if it ends in the window of the denial, by what that clock shows at the reply at
 *              most; in a sliding one: if by then too few of the admissions that had ended before the denial can have left
 *              it. What was taken at i leaves an exact log W - (1 + rho)(t - i) - epsilon after a decision at t, or later;
 *              so it is there for the wait T, if t - i + T is less than W - epsilon and, on a fast clock, than
 *              W / (1 + rho) - epsilon;
 *   too long   if it ends a second or more after the latest end of that window, by what the clock shows at the request at
 *              least, or of any: a window later, with a sliding counter two, and as much more as the clock can go back. A
 *              window that lasts longer on the recorder's clock, since the limiter's is slow, makes no wait too long.
 * Where it is not known when windows begin, or how a counter forgets, nothing else is judged.
 */
export class WindowYardstick implements Yardstick {
  readonly quantaPerToken = 1;
  readonly capacityQuanta: number;
  readonly low: LowestLevel;
  readonly high: HighestLevel;
  readonly mostS: number;
  readonly #promise: WindowPromise;
  readonly #clock: WindowClock;
  readonly #isPlaced: boolean;

  constructor(
    bucket: BucketRows,
    {
      promise,
      clock,
      areDenialsJudged,
      known,
    }: { promise: WindowPromise; clock: WindowClock; areDenialsJudged: boolean; known: Known },
  ) {
    this.#promise = promise;
    this.#clock = clock;
    this.capacityQuanta = promise.limit;
    this.low = areDenialsJudged ? windowLevel({ promise, clock }, known) : UNKNOWN;
    this.high = highestRoom(bucket, promise, withGains(clock));
    this.#isPlaced =
      promise.type === 'fixed-window' && promise.alignment === 'epoch' && clock.offset !== undefined;
    const windows = promise.type === 'sliding-counter' ? 2 : 1;
    this.mostS = mostOnRecorder(windows * promise.windowUs, clock) / 1_000_000 + TOLERANCE_S;
  }

  describes(stated: StatedPolicy): boolean {
    return describesWindows(stated, this.#promise);
  }

  isTooShort(denied: Denied, waitS: number): boolean {
    if (denied.highest >= denied.costQuanta) return false; // after a refund
    if (!(this.high instanceof SlidingRoom)) return waitS < this.shortestS(denied) - TOLERANCE_S;
    const untilUs = denied.lastUs + Math.ceil(1_000_000 * waitS);
    return this.high.roomAt(untilUs, denied.invokedUs) < denied.costQuanta;
  }

  shortestS({ invokedUs, lastUs }: Denied): number {
    if (this.high instanceof SlidingRoom) return Number.NaN;
    if (!this.#isPlaced) return 0;
    const next = windowsAt(invokedUs, this.#promise, this.#clock).first + 1;
    const { highestUs } = this.#clock.offset ?? { highestUs: 0 };
    const startUs = Math.floor(next * this.#promise.windowUs - highestUs - this.#clock.wanderUs);
    return Math.max(0, startUs - lastUs) / 1_000_000;
  }

  longestS({ invokedUs, lastUs }: Denied): number {
    if (!this.#isPlaced) return this.mostS;
    const next = windowsAt(lastUs, this.#promise, this.#clock).last + 1;
    const { lowestUs } = this.#clock.offset ?? { lowestUs: 0 };
    const endUs = Math.ceil(next * this.#promise.windowUs - lowestUs + this.#clock.wanderUs);
    return Math.min(this.mostS, (endUs - invokedUs) / 1_000_000 + TOLERANCE_S);
  }

  longestOfAllS(denied: Denied): number {
    return this.longestS(denied);
  }

  refillIn(): number {
    return 0;
  }
}
