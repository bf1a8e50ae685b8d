import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import { isJudgedDenial, type JudgedSpan } from './horizon.ts';
import type { Known } from './known.ts';
import { doesLagFade, lagOf } from './lag.ts';
import { LatestSpender } from './latest-spender.ts';
import { LatestWindow } from './latest-window.ts';
import type { WindowPromise } from './promise.ts';
import type { Refund } from './refund.ts';
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
 * What the limiter's clock may lag is taken off it: see `lag.ts`.
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
  { clock, known, refunds }: { clock: ClockLag; known: Known; refunds: readonly Refund[] },
): FalseDenial[] {
  if (bucket.denials === 0) return [];
  bucket.loadByLast();
  const fades = doesLagFade(bucket, policy, refunds);
  return falseBy(bucket, bucketLevel(policy, { clock, known, fades }), known);
}

/** The lowest level of a bucket. Quanta. */
export function bucketLevel(
  policy: Policy,
  { clock, known, fades }: { clock: ClockLag; known: Known; fades: boolean },
): LowestLevel {
  const spender = new LatestSpender(policy, clock.slowPpm, known);
  return {
    spender,
    quantaPerToken: policy.quantaPerToken,
    lagOf: lagOf(spender, policy, { clock, fades }),
  };
}

/** The same of a window, whose room is its level: it only rises, too, while nothing is invoked. Amounts are tokens. */
export function findWindowDenials(
  bucket: BucketRows,
  windows: { readonly promise: WindowPromise; readonly clock: WindowClock },
  known: Known,
): FalseDenial[] {
  if (bucket.denials === 0) return [];
  bucket.loadByLast();
  return falseBy(bucket, windowLevel(windows, known), known);
}

/** The least room of a window. Tokens. */
export function windowLevel(
  { promise, clock }: { readonly promise: WindowPromise; readonly clock: WindowClock },
  known: Known,
): LowestLevel {
  return { spender: new LatestWindow(promise, clock, known), quantaPerToken: 1, lagOf: () => 0 };
}

function falseBy(bucket: BucketRows, level: LowestLevel, known: Known): FalseDenial[] {
  const { costTokens } = bucket.table;
  const found: FalseDenial[] = [];
  new Sweep(bucket, { level, known }).run((row, lowestQuanta, lowestAtUs) => {
    if (lowestQuanta >= (costTokens[row] as number) * level.quantaPerToken)
      found.push({ row, lowestQuanta, lowestAtUs });
    return 0;
  });
  return found;
}

/**
 * How many denials could have been found false at all: had the bucket been as full as it can be, or is the cost above
 * `mostQuanta`. The grant for clocks, what was in flight or what came before the history excuses the others. A decision
 * over several buckets counts as that of its first. `levelOf` makes a level of which nothing is spent yet.
 */
export function refutableDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  { levelOf, mostQuanta }: { levelOf: () => LowestLevel; mostQuanta: number },
): number {
  bucket.loadByLast();
  const [level, { spender: full }] = [levelOf(), levelOf()];
  const levelAt = (us: number) => Math.max(level.spender.levelAt(us), full.levelAt(us)); // the first fades the lag
  const spend: LowestLevel['spender']['spend'] = (us, quanta) => level.spender.spend(us, quanta);
  let count = 0;
  new Sweep(bucket, { level: { ...level, spender: { levelAt, spend } }, known }).run((row, lowestQuanta) => {
    const quanta = (bucket.table.costTokens[row] as number) * level.quantaPerToken;
    const isRefutable = lowestQuanta >= quanta || quanta > mostQuanta;
    if (isRefutable && isJudgedDenial(bucket.table, row, known)) count++;
    return 0;
  });
  return count;
}

/**
 * How many requests that are not in the history the denials of one bucket need, the least possible, if each of them
 * spent at most `mostQuanta`, once, at whatever moment.
 *
 * Let B be the level above, which such requests lower as well, at the moment at which they spend. A spend, a refill up to
 * the capacity and the floor at zero keep the order of two levels and never widen the difference between them. So while
 * an explanation has made n(t) of these spends by t, and the sweep g(t) <= n(t),
 *   B(t) >= level of the sweep(t) - (n(t) - g(t)) * mostQuanta.
 * An explanation of a denial during [a, b] has a moment t in it with B(t) - in flight(t) < cost. Therefore
 *   n(b) >= n(t) > (level of the sweep(t) - in flight(t) + g(t) * mostQuanta - cost) / mostQuanta,
 * and n(b) is at least the least such number over all t in [a, b]. What g lacks of it the sweep spends at b. Its level
 * falls by all of that, or to zero, below which B is never: so the first inequality stays true, and g <= n at all
 * times. The last g is the bound.
 *
 * The room of a window keeps the first inequality as well: of what an explanation has spent at least as much is over as
 * of what the sweep has, which spends later.
 *
 * Where a lag fades, an explanation with n(t) = g(t) has made all its spends by those of the sweep, so its lag has faded as
 * far; one with more may have none of it faded, and is one request further. So what has faded counts up to `mostQuanta`.
 *
 * With `mostQuanta` a whole capacity it is a lower bound also where a request can explain one denial and no other, as an
 * attempt whose answer the denial repeats: without that one the others need g, by induction.
 *
 * A decision over several buckets may be explained by another one of them: here it needs nothing.
 */
export function requestsNeeded(
  bucket: BucketRows,
  { level, known, mostQuanta }: { level: LowestLevel; known: Known; mostQuanta: number },
): number {
  const { costTokens, kinds } = bucket.table;
  let needed = 0;
  bucket.loadByLast();
  new Sweep(bucket, { level, known, mostQuanta }).run((row, lowestQuanta) => {
    if (((kinds[row] as number) & KIND.several) !== 0) return 0;
    const beyond = lowestQuanta - (costTokens[row] as number) * level.quantaPerToken;
    const lacking = Math.max(0, Math.floor(beyond / mostQuanta) + 1 - needed);
    if ((needed + lacking) * mostQuanta > MOST_EXACT) return 0;
    needed += lacking;
    return lacking * mostQuanta;
  });
  return needed;
}

/** Levels and what is put back on them add up exactly below 2^53. Counting less is a bound, too. */
const MOST_EXACT = 2 ** 52;

/** The most that one request was seen to be charged: the largest cost, and what may have come on top. Tokens. */
export function mostChargedOf({ table, byInvoked, count }: BucketRows): number {
  let [cost, surplus] = [1, 0];
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const tokens = table.costTokens[row] as number;
    if (((table.kinds[row] as number) & KIND.surplus) !== 0) surplus = Math.max(surplus, tokens);
    else cost = Math.max(cost, tokens);
  }
  return cost + surplus;
}

/** The lowest level of what is charged as late as it can be. */
export interface LowestLevel {
  readonly spender: Pick<LatestSpender, 'levelAt' | 'spend'>;
  readonly quantaPerToken: number;
  /** What is taken off it for the clocks, at the moment that its spender was brought up to; most where not free. Quanta. */
  readonly lagOf: (isFree: boolean) => number;
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

/** Looks at a denial when it ends; gives what requests that are not in the history spend then. Quanta. */
type OnDenial = (row: number, lowestQuanta: number, lowestAtUs: number) => number;

class Sweep {
  readonly #bucket: BucketRows;
  readonly #known: Known;
  readonly #quantaPerToken: number;
  readonly #lagOf: LowestLevel['lagOf'];
  readonly #spender: LowestLevel['spender'];
  readonly #mostQuanta: number;
  /** What requests that are not in the history spent so far: it is put back on every lowest level. */
  #spentQuanta = 0;

  /** `mostQuanta` is what a request that is not in the history spends at most. */
  constructor(
    bucket: BucketRows,
    {
      level: { spender, quantaPerToken, lagOf },
      known,
      mostQuanta = Number.POSITIVE_INFINITY,
    }: { level: LowestLevel; known: Known; mostQuanta?: number },
  ) {
    this.#bucket = bucket;
    this.#known = known;
    this.#mostQuanta = mostQuanta;
    this.#quantaPerToken = quantaPerToken;
    this.#lagOf = lagOf;
    this.#spender = spender;
  }

  /** Walks all moments in order; at equal times invocations come first, since intervals are closed. */
  run(onDenial: OnDenial): void {
    const { table, byInvoked, byLast, count, lastCount } = this.#bucket;
    const { invokedUs, kinds, costTokens } = table;
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
        if (openDenials > 0) lowest.add(us, this.#lowestAt(us, flightTokens));
      }
      if (((kinds[row] as number) & KIND.outcome) === KIND.denied) {
        this.#look(row, nowUs, onDenial);
        if (--openDenials === 0) lowest.clear();
      } else {
        flightTokens -= costTokens[row] as number;
        this.#spender.spend(nowUs, (costTokens[row] as number) * this.#quantaPerToken);
      }
    }
  }

  #lowestAt(us: number, flightTokens: number): number {
    const level = this.#spender.levelAt(us) - flightTokens * this.#quantaPerToken;
    const faded = Math.min(this.#mostQuanta, level - this.#lagOf(flightTokens === 0));
    return Math.max(level - this.#lagOf(false), faded) + this.#spentQuanta;
  }

  /** A failure policy denies by a bucket of its own: that says nothing of the shared one. */
  #look(row: number, nowUs: number, onDenial: OnDenial): void {
    const { invokedUs, kinds } = this.#bucket.table;
    if (nowUs > this.#known.judgedUntilUs || ((kinds[row] as number) & KIND.fallback) !== 0) return;
    const { level, atUs: lowestAtUs } = lowest.since(invokedUs[row] as number);
    const spent = onDenial(row, level, lowestAtUs);
    if (spent === 0) return;
    this.#spender.spend(nowUs, spent);
    this.#spentQuanta += spent;
  }
}
