import type { Policy } from '../core/policy.ts';
import { KIND } from '../history/table.ts';
import type { BucketRows } from './bucket-rows.ts';
import type { ClockLag } from './clock.ts';
import { FalseDenials } from './false-denials.ts';
import { isJudgedDenial, type JudgedSpan } from './horizon.ts';
import type { Known } from './known.ts';
import { type Lag, lagOf, NO_LAG } from './lag.ts';
import { LatestSpender } from './latest-spender.ts';
import { LatestWindow } from './latest-window.ts';
import { LowestSince } from './lowest-since.ts';
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
 * What the limiter's clock may lag is taken off it: see `lag.ts`.
 *
 * Between invocations lowest(t) only rises. A denial seen during [a, b] is false when at a, and at every
 * invocation within [a, b], it is at least the cost. With `initial: unknown` B is 0 until `knownFromUs`, the first
 * completion recorded: whatever is not in the history was spent by then.
 */
export interface JudgedDenials {
  readonly denials: FalseDenials;
  /** How many could not have been found false, whatever the bucket held. */
  readonly excused: number;
}

/** Judges the denials of one bucket. O(n log n). `levelOf` makes a level of which nothing is spent yet. */
export function judgeDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  { levelOf, mostQuanta }: { levelOf: () => LowestLevel; mostQuanta: number },
): JudgedDenials {
  const denials = new FalseDenials();
  if (bucket.denials === 0) return { denials, excused: 0 };
  bucket.loadByLast();
  const { costTokens } = bucket.table;
  const level = levelOf();
  let mostDeniedQuanta = 0;
  const sweep = new Sweep(bucket, { level, known });
  sweep.run((row, lowestQuanta, lowestAtUs) => {
    const quanta = (costTokens[row] as number) * level.quantaPerToken;
    if (lowestQuanta >= quanta) denials.add(row, lowestQuanta, lowestAtUs);
    if (quanta > mostDeniedQuanta && quanta <= mostQuanta) mostDeniedQuanta = quanta;
    return 0;
  });
  if (known.initial === 'full' && sweep.leastUnspentQuanta(mostQuanta) >= mostDeniedQuanta)
    return { denials, excused: 0 }; // as nearly always: it holds far more than is in flight and granted
  return { denials, excused: excusedDenials(bucket, known, { levelOf, mostQuanta }) };
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
    lag: lagOf(spender, policy, { clock, fades }),
  };
}

/** The least room of a window, whose room is its level: it only rises, too, while nothing is invoked. Tokens. */
export function windowLevel(
  { promise, clock }: { readonly promise: WindowPromise; readonly clock: WindowClock },
  known: Known,
): LowestLevel {
  return { spender: new LatestWindow(promise, clock, known), quantaPerToken: 1, lag: NO_LAG };
}

/**
 * How many denials could not have been found false, had the bucket been as full as it can be: the grant for clocks, what
 * was in flight or what came before the history excuses them. A cost above `mostQuanta` is denied rightly. A decision over
 * several buckets counts as that of its first.
 */
function excusedDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  { levelOf, mostQuanta }: { levelOf: () => LowestLevel; mostQuanta: number },
): number {
  const [level, { spender: full }] = [levelOf(), levelOf()];
  const levelAt = (us: number) => Math.max(level.spender.levelAt(us), full.levelAt(us)); // the first fades the lag
  const spend: LowestLevel['spender']['spend'] = (us, quanta) => level.spender.spend(us, quanta);
  let count = 0;
  new Sweep(bucket, { level: { ...level, spender: { levelAt, spend } }, known }).run((row, lowestQuanta) => {
    const quanta = (bucket.table.costTokens[row] as number) * level.quantaPerToken;
    const isExcused = lowestQuanta < quanta && quanta <= mostQuanta;
    if (isExcused && isJudgedDenial(bucket.table, row, known)) count++;
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
  /** What is taken off it for the clock. */
  readonly lag: Lag;
}

const lowest = new LowestSince();

/** Looks at a denial when it ends; gives what requests that are not in the history spend then. Quanta. */
type OnDenial = (row: number, lowestQuanta: number, lowestAtUs: number) => number;

class Sweep {
  readonly #bucket: BucketRows;
  readonly #known: Known;
  readonly #quantaPerToken: number;
  readonly #lag: Lag;
  readonly #lagQuanta: number;
  readonly #spender: LowestLevel['spender'];
  readonly #mostQuanta: number;
  /** What requests that are not in the history spent so far: it is put back on every lowest level. */
  #spentQuanta = 0;
  /** The most that was in flight at once so far. */
  #mostTokens = 0;

  /** `mostQuanta` is what a request that is not in the history spends at most. */
  constructor(
    bucket: BucketRows,
    {
      level: { spender, quantaPerToken, lag },
      known,
      mostQuanta = Number.POSITIVE_INFINITY,
    }: { level: LowestLevel; known: Known; mostQuanta?: number },
  ) {
    this.#bucket = bucket;
    this.#known = known;
    this.#mostQuanta = mostQuanta;
    this.#quantaPerToken = quantaPerToken;
    this.#lag = lag;
    this.#lagQuanta = lag.quanta;
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
        else {
          flightTokens += costTokens[next] as number;
          if (flightTokens > this.#mostTokens) this.#mostTokens = flightTokens;
        }
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

  /** At no moment so far was a bucket of which nothing had been spent, and that holds so much, lower than this. */
  leastUnspentQuanta(fullQuanta: number): number {
    return fullQuanta - this.#mostTokens * this.#quantaPerToken - this.#lagQuanta;
  }

  #lowestAt(us: number, flightTokens: number): number {
    const level = this.#spender.levelAt(us) - flightTokens * this.#quantaPerToken + this.#spentQuanta;
    const lowest = level - this.#lagQuanta;
    if (flightTokens > 0 || !this.#lag.fades) return lowest;
    return Math.max(lowest, Math.min(this.#mostQuanta + this.#spentQuanta, level - this.#lag.left()));
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
