import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { Stated } from '../../history/records/operation.ts';
import type { LevelRange } from './level-sweep.ts';
import type { Basis, LieReason, StatedName } from './lies.ts';
import { type Wait, type WallClock, waitOf } from './stated-wait.ts';
import type { Denied, Yardstick } from './yardstick.ts';

export interface FoundLie {
  readonly reason: LieReason;
  readonly name: StatedName;
  readonly limit: number;
  readonly basis: Basis;
  readonly atUs?: number;
  readonly since?: number;
  /** The lowest level below which it is true. */
  readonly explainedBelow?: number;
  /** Whether it is true as milliseconds; `sharply` if a few milliseconds would not be. */
  readonly fitsMs?: boolean | 'sharply';
}

/** What a limiter is granted. */
export interface Granted {
  /** How many tokens more than an ideal bucket it may state; Infinity if it declares no bound. */
  readonly excessTokens: number;
  /** Whether it declares fewer tokens and longer waits than the truth, since it splits its tokens. */
  readonly tooLow: boolean;
  /** Whether refunds or resets may have filled the bucket. */
  readonly isFilled: boolean;
}

/** Values from here on are seconds or milliseconds since 1970: more than 31 years. */
const EPOCH_S = 1e9;

/** Seconds since 1970, at most. */
const MOST_EPOCH_S = 1e11;

/** A reset as large as this many longest waits is in milliseconds. */
const MS_RATIO = 50;

/** What one of those that are left costs at most: a limiter may count tokens, or requests like this one. */
export function unitTokens({ costTokens }: OperationTable, row: number): number {
  return Math.max(1, costTokens[row] as number);
}

/** Judges the statements of one decision after another. */
export class DecisionJudge {
  readonly #table: OperationTable;
  readonly #yardstick: Yardstick;
  readonly #granted: Granted;
  readonly #wall: WallClock | undefined;
  readonly #onLie: (row: number, lie: FoundLie) => void;

  constructor(
    table: OperationTable,
    options: {
      readonly yardstick: Yardstick;
      readonly granted: Granted;
      readonly wall: WallClock | undefined;
      readonly onLie: (row: number, lie: FoundLie) => void;
    },
  ) {
    this.#table = table;
    this.#yardstick = options.yardstick;
    this.#granted = options.granted;
    this.#wall = options.wall;
    this.#onLie = options.onLie;
  }

  /** `isLowJudged`: whether all operations until its end are known. */
  judge(row: number, stated: Stated, range: LevelRange, isLowJudged: boolean): void {
    const { limit, windowS } = stated;
    const isWrong = limit !== undefined && !this.#yardstick.describes({ limit, windowS });
    const found = (lie: FoundLie | undefined) => {
      if (lie !== undefined) this.#onLie(row, lie);
    };
    if (isWrong) found({ reason: 'wrong policy', name: 'limit', limit: Number.NaN, basis: 'certain' });
    const isLow = isLowJudged && !this.#granted.tooLow;
    if (stated.remaining !== undefined) found(this.#remaining(row, stated.remaining, range, isLow));
    const denied = this.#deniedOf(row, range);
    const wait = waitOf(stated, denied, this.#wall);
    if (wait !== undefined && denied !== undefined) found(this.#wait(wait, denied, isLow));
    if (stated.reset !== undefined) found(this.#reset(stated, isWrong ? 0 : (windowS ?? 0), denied));
  }

  /**
   * R tokens, after the charge of an admission. Rounding up or down is granted, so R - 1 must be below the highest level
   * and R + 1 above the lowest. A limiter may read the level after it has decided: then refill until the end of the
   * interval counts, and R itself must not be above it. R may also count requests of the same cost.
   */
  #remaining(row: number, tokens: number, range: LevelRange, isLow: boolean): FoundLie | undefined {
    const { quantaPerToken: perToken, capacityQuanta, high } = this.#yardstick;
    const [fromUs, untilUs] = [this.#table.invokedUs[row] as number, this.#table.lastUs(row)];
    const isAbove = (highest: number) => {
      const level = Math.max(0, this.#after(row, highest));
      return (tokens - 1) * perToken >= level && tokens * perToken > high.later(level, fromUs, untilUs);
    };
    const highest = this.#highest(range);
    const limit = Math.max(0, this.#after(row, highest)) / perToken;
    if (isAbove(highest)) {
      const basis = isAbove(capacityQuanta) ? 'certain' : 'high';
      return { reason: 'remaining too high', name: 'remaining', limit, basis, atUs: range.highestAtUs };
    }
    const explainedBelow = (Math.max(0, tokens) + 1) * unitTokens(this.#table, row) * perToken;
    if (isLow && range.lowest >= explainedBelow) {
      const found = { limit: range.lowest / perToken, atUs: range.lowestAtUs, explainedBelow };
      return { reason: 'remaining too low', name: 'remaining', basis: 'low', ...found };
    }
    return this.#growth(row, tokens, range);
  }

  /** More tokens than an earlier statement and the refill since then leave. */
  #growth(row: number, tokens: number, { since }: LevelRange): FoundLie | undefined {
    const { quantaPerToken: perToken, high } = this.#yardstick;
    const { isFilled, tooLow, excessTokens } = this.#granted;
    if (since === undefined || isFilled || tooLow) return undefined;
    const most = high.later(since.quanta, since.us, this.#table.lastUs(row)) + excessTokens * perToken;
    const level = Math.max(0, this.#after(row, most));
    if ((tokens - 1) * perToken < level) return undefined;
    const limit = level / perToken;
    return { reason: 'grows without refill', name: 'remaining', limit, basis: 'low', since: since.row };
  }

  #wait({ name, leastS, mostS }: Wait, denied: Denied, isLow: boolean): FoundLie | undefined {
    const yardstick = this.#yardstick;
    if (name === 'retryAfterS' && leastS >= EPOCH_S && yardstick.mostS < EPOCH_S / 10)
      return { reason: 'wrong unit', name, limit: yardstick.longestS(denied), basis: 'certain' };
    if (yardstick.isTooShort(denied, mostS))
      return { reason: 'retry too short', name, limit: yardstick.shortestS(denied), basis: 'high' };
    const isSure = leastS - 1 >= yardstick.longestOfAllS(denied);
    if (this.#granted.tooLow || !(isLow || isSure)) return undefined;
    const longestS = yardstick.longestS(denied);
    if (leastS - 1 < longestS) return undefined;
    const ms = leastS / 1_000;
    const fits = name === 'retryAfterS' && ms < longestS + 0.001 && !yardstick.isTooShort(denied, ms);
    const fitsMs = fits && yardstick.isTooShort(denied, 0) ? 'sharply' : fits;
    return {
      ...{ reason: 'retry too long', name, limit: longestS, fitsMs },
      ...(isSure
        ? { basis: 'certain' }
        : { basis: 'low', explainedBelow: denied.costQuanta - yardstick.refillIn(leastS - 1) }),
    };
  }

  /**
   * A reset may be the time until any token comes back, or until all have. A number without an agreed form may also be
   * seconds since 1970.
   */
  #reset(
    { reset = 0, resetForm }: Stated,
    windowS: number,
    denied: Denied | undefined,
  ): FoundLie | undefined {
    const yardstick = this.#yardstick;
    const mostS = Math.max(yardstick.mostS, windowS);
    const lie = { name: 'reset', limit: mostS, basis: 'certain' } as const;
    const isEpoch = reset >= EPOCH_S && mostS < EPOCH_S / 10;
    const isAgreed = resetForm === 'delta';
    if (isEpoch) return isAgreed || reset >= MOST_EPOCH_S ? { ...lie, reason: 'wrong unit' } : undefined;
    if (reset - 1 >= mostS && !this.#granted.tooLow) {
      const isMs = reset >= MS_RATIO * mostS && reset / 1_000 <= mostS + 1;
      if (isMs) return { ...lie, reason: 'wrong unit' };
      return isAgreed ? { ...lie, reason: 'retry too long' } : undefined;
    }
    if (!isAgreed || denied === undefined) return undefined;
    const nextToken = { ...denied, costQuanta: Math.min(denied.costQuanta, yardstick.quantaPerToken) };
    if (!yardstick.isTooShort(nextToken, reset)) return undefined;
    const limit = yardstick.shortestS(nextToken);
    return { reason: 'retry too short', name: 'reset', limit, basis: 'high' };
  }

  /** The highest level before the charge, with the declared excess. */
  #highest({ highest }: LevelRange): number {
    const { capacityQuanta, quantaPerToken } = this.#yardstick;
    if (this.#granted.isFilled) return capacityQuanta;
    return Math.min(capacityQuanta, highest + this.#granted.excessTokens * quantaPerToken);
  }

  /** The highest level after a decision that met at most `highest`. A denial shows that the cost was not there. */
  #after(row: number, highest: number): number {
    const { quantaPerToken, capacityQuanta } = this.#yardstick;
    const cost = (this.#table.costTokens[row] as number) * quantaPerToken;
    const isAllowed = ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.allowed;
    if (isAllowed) return highest - cost;
    return cost <= capacityQuanta ? Math.min(highest, cost - 1) : highest;
  }

  /** Undefined for an admission, and for a cost above the capacity, which is never there. */
  #deniedOf(row: number, range: LevelRange): Denied | undefined {
    const { quantaPerToken, capacityQuanta } = this.#yardstick;
    const costQuanta = (this.#table.costTokens[row] as number) * quantaPerToken;
    const isDenied = ((this.#table.kinds[row] as number) & KIND.outcome) === KIND.denied;
    if (!isDenied || costQuanta > capacityQuanta) return undefined;
    const highest = this.#highest(range);
    return {
      invokedUs: this.#table.invokedUs[row] as number,
      lastUs: this.#table.lastUs(row),
      costQuanta,
      highest: this.#granted.isFilled ? highest : this.#after(row, highest),
      lowest: range.lowest,
    };
  }
}
