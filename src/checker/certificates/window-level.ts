import { type Attempt, type Demands, type Gain, START, startOf } from './demands.ts';
import type { Level, Miss } from './ideal.ts';

/** When costs count in a window. Times in microseconds of the deciding clock. */
export interface WindowShape {
  /** The most tokens that count at once. */
  readonly limit: number;
  /** When a cost taken at this moment no longer counts. It rises with the moment. */
  returnUs(us: number): number;
  /** The earliest moment whose costs still count at this one. */
  countsFromUs(us: number): number;
}

/** Windows of one length from the epoch on: a cost counts to the end of its window. */
export function epochShape(limit: number, windowUs: number): WindowShape {
  const countsFromUs = (us: number) => us - (us % windowUs);
  return { limit, countsFromUs, returnUs: (us) => countsFromUs(us) + windowUs };
}

/** The exact log: a cost counts for exactly one length. */
export function logShape(limit: number, windowUs: number): WindowShape {
  return { limit, countsFromUs: (us) => us - windowUs + 1, returnUs: (us) => us + windowUs };
}

/** A denial that found room at this moment, at which more would have to count. */
export interface WindowMiss extends Miss {
  /** Tokens. */
  needed: number;
  readonly atUs: number;
  readonly level: WindowLevel;
}

/** The room of an ideal window, in tokens. */
export class WindowLevel implements Level<WindowMiss> {
  readonly #shape: WindowShape;
  readonly #demands: Demands;
  readonly #startUs: number;
  nowUs: number;
  quanta: number;
  /** All takes: their rows, costs and moments. The first `#returned` no longer count. */
  readonly #rows: number[] = [];
  readonly #costs: number[] = [];
  readonly #takenUs: number[] = [];
  #returned = 0;

  constructor(shape: WindowShape, demands: Demands, { startQuanta }: Attempt) {
    this.#shape = shape;
    this.#demands = demands;
    this.#startUs = startOf(demands);
    this.nowUs = this.#startUs;
    this.quanta = shape.limit;
    if (startQuanta < shape.limit) this.#add(START, shape.limit - startQuanta);
  }

  missOf(): WindowMiss {
    return { needed: 0, atUs: this.nowUs, level: this };
  }

  has(row: number): boolean {
    return this.quanta >= this.#demands.quantaOf(row);
  }

  levelAt(us: number): number {
    let level = this.quanta;
    for (let at = this.#returned; at < this.#rows.length; at++) {
      if (this.#shape.returnUs(this.#takenUs[at] as number) > us) break;
      level += this.#costs[at] as number;
    }
    return level;
  }

  availableUs(row: number): number {
    let lacking = this.#demands.quantaOf(row) - this.quanta;
    if (lacking <= 0) return this.nowUs;
    for (let at = this.#returned; at < this.#rows.length; at++) {
      lacking -= this.#costs[at] as number;
      if (lacking <= 0) return this.#shape.returnUs(this.#takenUs[at] as number);
    }
    return Number.POSITIVE_INFINITY;
  }

  refill(us: number): void {
    if (us <= this.nowUs) return;
    for (; this.#returned < this.#rows.length; this.#returned++) {
      if (this.#shape.returnUs(this.#takenUs[this.#returned] as number) > us) break;
      this.quanta += this.#costs[this.#returned] as number;
    }
    this.nowUs = us;
  }

  take(row: number): void {
    this.#add(row, this.#demands.quantaOf(row));
  }

  #add(row: number, quanta: number): void {
    this.#rows.push(row);
    this.#costs.push(quanta);
    this.#takenUs.push(this.nowUs);
    this.quanta -= quanta;
  }

  /** The latest costs are given back first; within one window it makes no difference. */
  gain({ quanta }: Gain): void {
    for (let [at, left] = [this.#rows.length - 1, quanta]; at >= this.#returned && left > 0; at--) {
      const back = Math.min(left, this.#costs[at] as number);
      this.#costs[at] = (this.#costs[at] as number) - back;
      this.quanta += back;
      left -= back;
    }
  }

  needed(row: number): number {
    return this.quanta - this.#demands.quantaOf(row) + 1;
  }

  mayExplain(): boolean {
    return true;
  }

  explainingMoment(): undefined {
    return undefined;
  }

  /**
   * Takes that could still count at a moment, if they were held back until `countsFromUs` of it: the latest first, of so
   * many tokens. `lacking`: the tokens for which there is none.
   */
  spare(atUs: number, tokens: number): { readonly rows: number[]; readonly lacking: number } {
    const fromUs = this.#shape.countsFromUs(atUs);
    const rows: number[] = [];
    let lacking = tokens;
    let scans = MOST_SCANS;
    for (let at = this.#countBefore(fromUs) - 1; at >= 0 && lacking > 0 && scans > 0; at--, scans--) {
      const row = this.#rows[at] as number;
      if (row === START || this.#demands.untilUs(row) < fromUs) continue;
      rows.push(row);
      lacking -= this.#costs[at] as number;
    }
    return { rows, lacking: Math.max(0, lacking) };
  }

  /** Whether a cost of the first moment still counts. */
  isFirst(us: number): boolean {
    return this.#shape.returnUs(this.#startUs) > us;
  }

  /** How many takes were before a moment. */
  #countBefore(us: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#takenUs[middle] as number) < us) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const MOST_SCANS = 1_000;
