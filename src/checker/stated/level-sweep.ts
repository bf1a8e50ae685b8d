import { KIND } from '../../history/columns/table.ts';
import type { Stated } from '../../history/records/operation.ts';
import type { LowestLevel } from '../proofs/lowest-level.ts';
import { LowestSince } from '../proofs/lowest-since.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { Known } from '../rows/coverage.ts';
import type { HighestLevel } from './highest-level.ts';
import type { StatedGrowth, StatedSince } from './stated-growth.ts';

/** The possible levels at the moment of a decision, without its own charge in `highest`, with it in `lowest`. Quanta. */
export interface LevelRange {
  readonly lowest: number;
  readonly lowestAtUs: number;
  readonly highest: number;
  readonly highestAtUs: number;
  /** The tokens of all possible charges without a reply, of requests that began by its end. */
  readonly openTokens: number;
  /** The level that earlier statements leave at most, when the decision began. */
  readonly since: StatedSince | undefined;
}

/** Called at the end of each decision with statements; returns the quanta that missing requests spend then. */
type OnStated = (row: number, stated: Stated, range: LevelRange) => number;

const lowest = new LowestSince();
const highest = new LowestSince(); // of levels below zero

/**
 * Walks the operations of a bucket in order of time, and gives the lowest and the highest level within the interval of
 * each decision with statements. lowest: see `false-denial.ts`. highest: see `highest-level.ts`; it only rises between
 * the ends of admissions, so it is taken before each of them. O(n log n).
 */
export class LevelSweep {
  readonly #bucket: BucketRows;
  readonly #low: LowestLevel;
  readonly #high: HighestLevel;
  readonly #growth: StatedGrowth | undefined;
  readonly #known: Known;
  readonly #mostQuanta: number;
  readonly #firstRow: number;
  /** The place in `high` of each row of the bucket. */
  readonly #places: Uint32Array;
  readonly #sinces = new Map<number, StatedSince>();
  #spentQuanta = 0;
  #flightTokens = 0;
  /** Of all possible charges without a reply so far. */
  #openTokens = 0;
  #open = 0;

  /** `mostQuanta`: the most that one missing request spends. */
  constructor(
    bucket: BucketRows,
    {
      low,
      high,
      growth,
      known,
      mostQuanta = Number.POSITIVE_INFINITY,
    }: {
      readonly low: LowestLevel;
      readonly high: HighestLevel;
      readonly growth?: StatedGrowth | undefined;
      readonly known: Known;
      readonly mostQuanta?: number;
    },
  ) {
    this.#bucket = bucket;
    this.#low = low;
    this.#high = high;
    this.#growth = growth;
    this.#known = known;
    this.#mostQuanta = mostQuanta;
    const { starts } = bucket.table;
    this.#firstRow = starts[bucket.bucket] as number;
    this.#places = new Uint32Array((starts[bucket.bucket + 1] as number) - this.#firstRow);
  }

  /** At equal times invocations come first, since intervals are closed. */
  run(onStated: OnStated): void {
    const bucket = this.#bucket;
    bucket.loadByLast();
    const { table, byInvoked, byLast, count, lastCount } = bucket;
    let invoked = 0;
    lowest.clear();
    highest.clear();
    for (let last = 0; last < lastCount; last++) {
      const row = byLast[last] as number;
      const nowUs = table.lastUs(row);
      for (; invoked < count; invoked++) {
        const next = byInvoked[invoked] as number;
        if ((table.invokedUs[next] as number) > nowUs) break;
        this.#begin(next);
      }
      this.#end(row, nowUs, onStated);
    }
  }

  #begin(row: number): void {
    const { table } = this.#bucket;
    const us = table.invokedUs[row] as number;
    if (this.#isStated(row)) {
      this.#open++;
      const since = this.#growth?.at(us);
      if (since !== undefined) this.#sinces.set(row, since);
    }
    if (this.#outcomeOf(row) !== KIND.denied) this.#flightTokens += table.costTokens[row] as number;
    if (this.#outcomeOf(row) === KIND.info) this.#openTokens += table.costTokens[row] as number;
    if (this.#isCharged(row)) this.#places[row - this.#firstRow] = this.#high.begin(us);
    if (this.#open > 0) lowest.add(us, this.#lowestAt(us));
  }

  #end(row: number, nowUs: number, onStated: OnStated): void {
    const { table } = this.#bucket;
    const [isCharged, isStated] = [this.#isCharged(row), this.#isStated(row)];
    if (this.#open > 0 && (isCharged || isStated)) highest.add(nowUs, -this.#high.at(nowUs));
    if (isStated) this.#look(row, nowUs, onStated);
    const quanta = (table.costTokens[row] as number) * this.#low.quantaPerToken;
    if (isCharged)
      this.#high.finish(this.#places[row - this.#firstRow] as number, { row, lastUs: nowUs, quanta });
    if (this.#outcomeOf(row) === KIND.denied) return;
    this.#flightTokens -= table.costTokens[row] as number;
    this.#low.spender.spend(nowUs, quanta);
  }

  #look(row: number, nowUs: number, onStated: OnStated): void {
    const { table } = this.#bucket;
    const invokedUs = table.invokedUs[row] as number;
    const stated = table.statedOf(row) as Stated;
    const [low, high] = [lowest.since(invokedUs), highest.since(invokedUs)];
    const since = this.#sinces.get(row);
    this.#sinces.delete(row);
    const spent = onStated(row, stated, {
      lowest: low.level,
      lowestAtUs: low.atUs,
      highest: this.#high.within(invokedUs, nowUs, -high.level),
      highestAtUs: high.atUs,
      openTokens: this.#openTokens,
      since,
    });
    if (spent > 0) {
      this.#low.spender.spend(nowUs, spent);
      this.#spentQuanta += spent;
    }
    if (--this.#open > 0) return;
    lowest.clear();
    highest.clear();
  }

  #lowestAt(us: number): number {
    const { spender, quantaPerToken, lag } = this.#low;
    const level = spender.levelAt(us) - this.#flightTokens * quantaPerToken + this.#spentQuanta;
    const lowest = level - lag.at(us);
    if (this.#flightTokens > 0 || !lag.fades) return lowest;
    return Math.max(lowest, Math.min(this.#mostQuanta + this.#spentQuanta, level - lag.left(us)));
  }

  #outcomeOf(row: number): number {
    return (this.#bucket.table.kinds[row] as number) & KIND.outcome;
  }

  /** Whether it certainly charged the bucket, after the start of the history. A failure policy decides without it. */
  #isCharged(row: number): boolean {
    const { kinds, invokedUs } = this.#bucket.table;
    if (((kinds[row] as number) & (KIND.outcome | KIND.fallback)) !== KIND.allowed) return false;
    return this.#known.initial === 'full' || (invokedUs[row] as number) >= this.#known.knownFromUs;
  }

  /** Whether what it states can be judged: a failure policy does not know the shared bucket. */
  #isStated(row: number): boolean {
    const { kinds } = this.#bucket.table;
    const kind = kinds[row] as number;
    if ((kind & (KIND.fallback | KIND.multiBucket | KIND.joined)) !== 0) return false;
    if ((kind & KIND.outcome) === KIND.info) return false;
    return this.#bucket.table.stated?.has(row) === true;
  }
}
