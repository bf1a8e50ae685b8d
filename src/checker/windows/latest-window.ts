import type { WindowPromise } from '../../core/promise.ts';
import { backwardBy } from '../clocks/bounds.ts';
import type { Known } from '../rows/coverage.ts';
import type { WindowClock } from './clock.ts';
import { mostOnRecorder } from './spans.ts';

/**
 * A lower bound of a window's room, in tokens: its limit minus everything that may have been admitted in the window that
 * counts at `us`. Operations finished before the earliest possible start of this window are not in it.
 *
 * Sliding (the exact log): admissions after t - W count at t, on the limiter's clock, which may have lost time. Fixed,
 * aligned to the epoch: at t the limiter's clock shows at least t + o - d, with o its least possible offset and d its
 * wander. So the window has the number floor((t + o - d) / W) or a later one. It starts no earlier than that number * W
 * on its clock, which is that number * W - o' - d on the recorder's, with o' the largest offset.
 */
export class LatestWindow {
  readonly #limit: number;
  readonly #startAt: (us: number) => number;
  readonly #knownFromUs: number;
  readonly #timesUs: number[] = [];
  readonly #costs: number[] = [];
  #first = 0;
  #tokens = 0;

  constructor(promise: WindowPromise, clock: WindowClock, { initial, knownFromUs }: Known) {
    this.#limit = promise.limit;
    this.#startAt = computeStarts(promise, clock);
    this.#knownFromUs = initial === 'full' ? Number.NEGATIVE_INFINITY : knownFromUs;
  }

  /** The room at `us`, in tokens. Times must not decrease. 0 while operations missing from the history may count. */
  levelAt(us: number): number {
    const startUs = this.#startAt(us);
    while (this.#first < this.#timesUs.length && (this.#timesUs[this.#first] as number) < startUs)
      this.#tokens -= this.#costs[this.#first++] as number;
    while (this.#first > 0 && (this.#timesUs[this.#first - 1] as number) >= startUs)
      this.#tokens += this.#costs[--this.#first] as number; // the clock stepped back
    return startUs <= this.#knownFromUs ? 0 : this.#limit - this.#tokens;
  }

  /** Adds an admission at `us` at the latest. Returns the room after it. */
  spend(us: number, tokens: number): number {
    this.#timesUs.push(us);
    this.#costs.push(tokens);
    this.#tokens += tokens;
    return this.#limit - this.#tokens;
  }
}

function computeStarts(promise: WindowPromise, clock: WindowClock): (us: number) => number {
  const { windowUs } = promise;
  const { offset, wanderUs } = clock;
  if (promise.type === 'sliding-window') {
    const lengthUs = mostOnRecorder(windowUs, { ...clock, backwardUs: 0 });
    return (us) => us - lengthUs - backwardBy(clock, us);
  }
  const { lowestUs, highestUs } = offset ?? { lowestUs: 0, highestUs: 0 };
  return (us) => Math.floor((us + lowestUs - wanderUs) / windowUs) * windowUs - highestUs - wanderUs;
}
