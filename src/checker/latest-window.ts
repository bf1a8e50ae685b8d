import type { Known } from './known.ts';
import type { WindowPromise } from './promise.ts';
import type { WindowClock } from './window-clock.ts';
import { mostOnRecorder } from './window-spans.ts';

/**
 * The room that a window has for certain, in tokens: its limit, less all that may have been admitted in the window that
 * counts at `us`. What was finished before the earliest start that this window can have is not in it.
 *
 * Sliding (the exact log): what counts at t was admitted after t - W, on the limiter's clock, which may have lost.
 * Fixed, aligned to the epoch: at t the limiter's clock shows at least t + o - d, with o the least offset that it can
 * have and d its wander. So the window has the number floor((t + o - d) / W) or a later one, and it starts no earlier
 * than that number * W on its clock, which is that number * W - o' - d on the recorder's, with o' the largest offset.
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
    this.#startAt = startsOf(promise, clock);
    this.#knownFromUs = initial === 'full' ? Number.NEGATIVE_INFINITY : knownFromUs;
  }

  /** Tokens at `us`, no earlier than any time before. None while what is not in the history may count. */
  levelAt(us: number): number {
    const startUs = this.#startAt(us);
    while (this.#first < this.#timesUs.length && (this.#timesUs[this.#first] as number) < startUs)
      this.#tokens -= this.#costs[this.#first++] as number;
    return startUs <= this.#knownFromUs ? 0 : this.#limit - this.#tokens;
  }

  /** Counts what was admitted at `us` at the latest. Gives the room after. */
  spend(us: number, tokens: number): number {
    this.#timesUs.push(us);
    this.#costs.push(tokens);
    this.#tokens += tokens;
    return this.#limit - this.#tokens;
  }
}

function startsOf(promise: WindowPromise, clock: WindowClock): (us: number) => number {
  const { windowUs } = promise;
  const { offset, wanderUs } = clock;
  if (promise.type === 'sliding-window') {
    const lengthUs = mostOnRecorder(windowUs, clock);
    return (us) => us - lengthUs;
  }
  const { lowestUs, highestUs } = offset ?? { lowestUs: 0, highestUs: 0 };
  return (us) => Math.floor((us + lowestUs - wanderUs) / windowUs) * windowUs - highestUs - wanderUs;
}
