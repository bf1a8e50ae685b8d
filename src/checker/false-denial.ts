import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import type { Known } from './known.ts';
import { LatestSpender } from './latest-spender.ts';
import { LatestWindow } from './latest-window.ts';
import type { WindowPromise } from './promise.ts';
import type { WindowClock } from './window-clock.ts';

/**
 * False denials of one bucket.
 *
 * The lowest level that any placement of the operations allows at time t: what is finished was spent as late as
 * it can have been, at its completion, since what is spent earlier leaves more room for refill; what is in
 * flight at t was spent just now. So with B the level of a bucket that is charged at completions,
 *   lowest(t) = B(t) - the costs in flight at t.
 * `info` counts like an admission that stays in flight until its last moment, for ever where that is unknown.
 * No bucket is below zero when a spend is over, so B is not either. Refunds are left out: it can have been full.
 *
 * Between invocations lowest(t) only rises. A denial seen during [a, b] is false when at a, and at every
 * invocation within [a, b], it is at least the cost. With `initial: unknown` B is 0 until `knownFromUs`, the first
 * completion recorded: whatever is not in the history was spent by then.
 */
export interface FalseDenial {
  readonly row: number;
  /** The lowest level during its interval, clock lag taken off. Quanta. */
  readonly lowestQuanta: number;
  /** The moment of its interval at which the level was lowest. */
  readonly lowestAtUs: number;
}

/** Judges the denials of one bucket. O(n log n). */
export function findFalseDenials(
  bucket: BucketRows,
  policy: Policy,
  lag: ClockLag,
  known: Known,
): FalseDenial[] {
  if (bucket.denials === 0) return [];
  bucket.loadByLast();
  const level = {
    spender: new LatestSpender(policy, lag.slowPpm, known),
    quantaPerToken: policy.quantaPerToken,
    lagQuanta: policy.quantaPerUs * (lag.epsilonUs + lag.backwardUs + lag.spreadUs),
  };
  return new Sweep(bucket, level, known).run();
}

/** The same of a window, whose room is its level: it only rises, too, while nothing is invoked. Amounts are tokens. */
export function findWindowDenials(
  bucket: BucketRows,
  windows: { readonly promise: WindowPromise; readonly clock: WindowClock },
  known: Known,
): FalseDenial[] {
  if (bucket.denials === 0) return [];
  bucket.loadByLast();
  const spender = new LatestWindow(windows.promise, windows.clock, known);
  return new Sweep(bucket, { spender, quantaPerToken: 1, lagQuanta: 0 }, known).run();
}

/** The lowest level of what is charged as late as it can be. */
interface LowestLevel {
  readonly spender: Pick<LatestSpender, 'levelAt' | 'spend'>;
  readonly quantaPerToken: number;
  readonly lagQuanta: number;
}

/** Lowest levels since, kept as long as no later one is lower: values rise from the first to the last. */
class LowestSince {
  #times = new Float64Array(256);
  #levels = new Float64Array(256);
  #size = 0;

  clear(): void {
    this.#size = 0;
  }

  add(timeUs: number, level: number): void {
    while (this.#size > 0 && (this.#levels[this.#size - 1] as number) >= level) this.#size--;
    if (this.#size === this.#times.length) this.#grow();
    this.#times[this.#size] = timeUs;
    this.#levels[this.#size++] = level;
  }

  /** The lowest level added at `timeUs` or later, and when that was. */
  since(timeUs: number): { level: number; atUs: number } {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) >= timeUs) high = middle;
      else low = middle + 1;
    }
    return { level: this.#levels[low] as number, atUs: this.#times[low] as number };
  }

  #grow(): void {
    const [times, levels] = [this.#times, this.#levels];
    this.#times = new Float64Array(2 * this.#size);
    this.#levels = new Float64Array(2 * this.#size);
    this.#times.set(times);
    this.#levels.set(levels);
  }
}

const lowest = new LowestSince();

class Sweep {
  readonly #bucket: BucketRows;
  readonly #known: Known;
  readonly #quantaPerToken: number;
  readonly #lagQuanta: number;
  readonly #spender: LowestLevel['spender'];

  constructor(bucket: BucketRows, { spender, quantaPerToken, lagQuanta }: LowestLevel, known: Known) {
    this.#bucket = bucket;
    this.#known = known;
    this.#quantaPerToken = quantaPerToken;
    this.#lagQuanta = lagQuanta;
    this.#spender = spender;
  }

  /** Walks all moments in order; at equal times invocations come first, since intervals are closed. */
  run(): FalseDenial[] {
    const { table, byInvoked, byLast, count, lastCount } = this.#bucket;
    const { invokedUs, kinds, costTokens } = table;
    const found: FalseDenial[] = [];
    let flightTokens = 0; // quanta could pass 2^53, and what is rounded would stay when they are taken off
    let openDenials = 0;
    let invoked = 0;
    lowest.clear();
    for (let last = 0; last < lastCount; last++) {
      const row = byLast[last] as number;
      const nowUs = table.lastUs(row);
      for (; invoked < count; invoked++) {
        const next = byInvoked[invoked] as number;
        const us = invokedUs[next] as number;
        if (us > nowUs) break;
        if (((kinds[next] as number) & KIND.outcome) === KIND.denied) openDenials++;
        else flightTokens += costTokens[next] as number;
        if (openDenials > 0) lowest.add(us, this.#spender.levelAt(us) - flightTokens * this.#quantaPerToken);
      }
      if (((kinds[row] as number) & KIND.outcome) === KIND.denied) {
        this.#judge(row, nowUs, found);
        if (--openDenials === 0) lowest.clear();
      } else {
        flightTokens -= costTokens[row] as number;
        this.#spender.spend(nowUs, (costTokens[row] as number) * this.#quantaPerToken);
      }
    }
    return found;
  }

  #judge(row: number, nowUs: number, found: FalseDenial[]): void {
    const { invokedUs, costTokens } = this.#bucket.table;
    if (nowUs > this.#known.judgedUntilUs) return;
    const { level, atUs: lowestAtUs } = lowest.since(invokedUs[row] as number);
    const lowestQuanta = level - this.#lagQuanta;
    if (lowestQuanta >= (costTokens[row] as number) * this.#quantaPerToken)
      found.push({ row, lowestQuanta, lowestAtUs });
  }
}
