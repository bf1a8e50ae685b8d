import type { WindowPromise } from '../../core/promise.ts';
import { KIND } from '../../history/columns/table.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import { isJudgedDenial, type JudgedSpan } from '../rows/coverage.ts';
import type { WindowClock } from '../windows/clock.ts';
import { FalseDenials } from './false-denials.ts';
import type { Lag } from './lag.ts';
import { type LowestLevel, windowLevel } from './lowest-level.ts';
import { LowestSince } from './lowest-since.ts';

/**
 * False denials of one bucket.
 *
 * The lowest level at time t over all placements of the operations: a finished operation spent as late as possible, at
 * its completion, since an earlier spend leaves more room for refill; an operation in flight at t spent just before t. So
 * with B the level of a bucket that is charged at completions,
 *   lowest(t) = B(t) - the costs in flight at t.
 * An `info` counts like an admission in flight until its last moment, or forever if that is unknown. No bucket is
 * negative right after a spend, so neither is B. What certainly came back is added where it must be there: see
 * `refunded-spender.ts`.
 *
 * The possible lag of the limiter's clock is subtracted: see `lag.ts`.
 *
 * Between invocations lowest(t) only rises. A denial seen during [a, b] is false if lowest is at least the cost at a and
 * at every invocation within [a, b]. With `initial: unknown` B is 0 until `knownFromUs`, the first recorded completion:
 * all operations missing before it had spent by then.
 */
export interface JudgedDenials {
  readonly denials: FalseDenials;
  /** Denials that no level of the bucket could have shown to be false. */
  readonly excused: number;
  /** Those among them that the requests of the history do not explain, if it began with a full bucket on an exact clock. */
  readonly unexplained: number;
}

/** The levels by which denials are judged. */
interface Levels {
  /** Makes a level without spends. */
  readonly levelOf: () => LowestLevel;
  /** The same without anything granted: of a bucket that was full at the start, on an exact clock. */
  readonly exactLevelOf: () => LowestLevel;
  readonly mostQuanta: number;
}

/** Judges the denials of one bucket. O(n log n). */
export function judgeDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  levels: Omit<Levels, 'exactLevelOf'> & Partial<Levels>,
): JudgedDenials {
  const { levelOf, mostQuanta, exactLevelOf = levelOf } = levels;
  const denials = new FalseDenials();
  if (bucket.denials === 0) return { denials, excused: 0, unexplained: 0 };
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
    return { denials, excused: 0, unexplained: 0 }; // the usual case: the bucket holds far more than the costs in flight and the clock grant
  return { denials, ...excusedDenials(bucket, known, { levelOf, exactLevelOf, mostQuanta }) };
}

/** Judges the denials of one bucket by windows of which it is known what they hold. */
export function judgeWindowDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  windows: { readonly promise: WindowPromise; readonly clock: WindowClock },
): JudgedDenials {
  return judgeDenials(bucket, known, {
    levelOf: () => windowLevel(windows, known),
    mostQuanta: windows.promise.limit,
  });
}

/** The denials of one bucket, of any rows of it, that no placement of these rows explains. */
export function findFalseDenials(bucket: BucketRows, known: Known, level: LowestLevel): FalseDenials {
  const denials = new FalseDenials();
  bucket.loadByLast();
  new Sweep(bucket, { level, known }).run((row, lowestQuanta, lowestAtUs) => {
    const quanta = (bucket.table.costTokens[row] as number) * level.quantaPerToken;
    if (lowestQuanta >= quanta) denials.add(row, lowestQuanta, lowestAtUs);
    return 0;
  });
  return denials;
}

/**
 * Denials that could not have been shown to be false even by the fullest possible bucket: the clock grant, the costs in
 * flight or the unknown start excuse them. A cost above `mostQuanta` is denied correctly. A decision over several buckets
 * counts with its first.
 */
function excusedDenials(
  bucket: BucketRows,
  known: Known & JudgedSpan,
  { levelOf, exactLevelOf, mostQuanta }: Levels,
): Pick<JudgedDenials, 'excused' | 'unexplained'> {
  const [level, { spender: full }] = [levelOf(), levelOf()];
  const levelAt = (us: number) => Math.max(level.spender.levelAt(us), full.levelAt(us)); // `level` lets the lag fade
  const spend: LowestLevel['spender']['spend'] = (us, quanta) => level.spender.spend(us, quanta);
  const quantaOf = (row: number) => (bucket.table.costTokens[row] as number) * level.quantaPerToken;
  const excused = new Set<number>();
  new Sweep(bucket, { level: { ...level, spender: { levelAt, spend } }, known }).run((row, lowestQuanta) => {
    const quanta = quantaOf(row);
    const isExcused = lowestQuanta < quanta && quanta <= mostQuanta;
    if (isExcused && isJudgedDenial(bucket.table, row, known)) excused.add(row);
    return 0;
  });
  let unexplained = 0;
  new Sweep(bucket, { level: exactLevelOf(), known }).run((row, lowestQuanta) => {
    if (excused.has(row) && lowestQuanta >= quantaOf(row)) unexplained++;
    return 0;
  });
  return { excused: excused.size, unexplained };
}

/**
 * A lower bound of the requests missing from the history that the denials of one bucket need, if each of them spent at
 * most `mostQuanta`, once, at any moment.
 *
 * Let B be the level above, lowered by the missing requests too, when they spend. A spend, a refill up to the capacity
 * and the floor at zero keep the order of two levels and never widen their difference. So while an explanation has made
 * n(t) of these spends by t, and the sweep g(t) <= n(t),
 *   B(t) >= level of the sweep(t) - (n(t) - g(t)) * mostQuanta.
 * An explanation of a denial during [a, b] has a moment t in it with B(t) - in flight(t) < cost. Therefore
 *   n(b) >= n(t) > (level of the sweep(t) - in flight(t) + g(t) * mostQuanta - cost) / mostQuanta,
 * and n(b) is at least the least such number over all t in [a, b]. The sweep spends the difference to g at b. Its level
 * falls by all of that, or to zero, below which B never is: so the first inequality stays true, and g <= n at all times.
 * The last g is the bound.
 *
 * The room of a window keeps the first inequality as well: the spends of an explanation leave the window no later than
 * those of the sweep, which spends later.
 *
 * If the lag fades, an explanation with n(t) = g(t) has made all its spends no later than the sweep, so its lag has faded
 * as far. One with n(t) > g(t) may have its whole lag, but needs one request more. So faded lag counts up to
 * `mostQuanta`.
 *
 * With a whole capacity as `mostQuanta` the bound also holds if a request can explain one denial only, like an attempt
 * whose reply the denial repeats: without that denial the others need g, by induction.
 *
 * A denial over several buckets may be explained by another of its buckets: here it needs no request.
 */
export function requestsNeeded(
  bucket: BucketRows,
  { level, known, mostQuanta }: { level: LowestLevel; known: Known; mostQuanta: number },
): number {
  const { costTokens, kinds } = bucket.table;
  let needed = 0;
  bucket.loadByLast();
  new Sweep(bucket, { level, known, mostQuanta }).run((row, lowestQuanta) => {
    if (((kinds[row] as number) & KIND.multiBucket) !== 0) return 0;
    const beyond = lowestQuanta - (costTokens[row] as number) * level.quantaPerToken;
    const lacking = Math.max(0, Math.floor(beyond / mostQuanta) + 1 - needed);
    if ((needed + lacking) * mostQuanta > MOST_EXACT) return 0;
    needed += lacking;
    return lacking * mostQuanta;
  });
  return needed;
}

/** Levels plus `#spentQuanta` are exact below 2^53. A smaller count is a lower bound too. */
const MOST_EXACT = 2 ** 52;

/** The largest charge of one request in the history: the largest cost plus the largest surplus. Tokens. */
export function findMostCharged({ table, byInvoked, count }: BucketRows): number {
  let [cost, surplus] = [1, 0];
  for (let at = 0; at < count; at++) {
    const row = byInvoked[at] as number;
    const tokens = table.costTokens[row] as number;
    if (((table.kinds[row] as number) & KIND.surplus) !== 0) surplus = Math.max(surplus, tokens);
    else cost = Math.max(cost, tokens);
  }
  return cost + surplus;
}

const lowest = new LowestSince();

/** Called at the end of a denial; returns the quanta that missing requests spend then. */
type OnDenial = (row: number, lowestQuanta: number, lowestAtUs: number) => number;

class Sweep {
  readonly #bucket: BucketRows;
  readonly #known: Known;
  readonly #quantaPerToken: number;
  readonly #lag: Lag;
  readonly #lagQuanta: number;
  readonly #spender: LowestLevel['spender'];
  readonly #mostQuanta: number;
  /** Spent by missing requests so far; added to every lowest level. */
  #spentQuanta = 0;
  /** The most that was in flight at once so far. */
  #mostTokens = 0;

  /** `mostQuanta`: the most that one missing request spends. */
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
    let flightTokens = 0; // in tokens: quanta could pass 2^53, and rounding errors would remain after subtraction
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

  /** A lower bound of the level so far of a bucket without spends, with a capacity of `fullQuanta`. */
  leastUnspentQuanta(fullQuanta: number): number {
    return fullQuanta - this.#mostTokens * this.#quantaPerToken - this.#lagQuanta;
  }

  #lowestAt(us: number, flightTokens: number): number {
    const level = this.#spender.levelAt(us) - flightTokens * this.#quantaPerToken + this.#spentQuanta;
    const lowest = level - this.#lag.at(us);
    if (flightTokens > 0 || !this.#lag.fades) return lowest;
    return Math.max(lowest, Math.min(this.#mostQuanta + this.#spentQuanta, level - this.#lag.left(us)));
  }

  /** A denial by a failure policy is skipped: it shows nothing about the shared bucket. */
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
