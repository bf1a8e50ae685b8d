import type { Policy } from '../../core/policy.ts';
import { type CheckerContext, clockOf } from '../bucket-result.ts';
import type { Unrecorded } from '../doubts/unrecorded.ts';
import { findMostCharged } from '../proofs/false-denial.ts';
import { doesLagFade } from '../proofs/lag.ts';
import type { Refund } from '../proofs/refund.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import type { JudgedSpan, Known } from '../rows/coverage.ts';
import { DecisionJudge, type FoundLie, type Granted, unitTokens } from './judge-decision.ts';
import { LevelSweep } from './level-sweep.ts';
import { type Basis, Lies } from './lies.ts';
import type { WallClock } from './stated-wait.ts';
import { WindowYardstick } from './window-yardstick.ts';
import { BucketYardstick, type Yardstick } from './yardstick.ts';

/** The lies in one bucket, and those that requests missing from the history can explain. */
export interface FoundLies {
  readonly lies: Lies;
  /** `needed`: a lower bound of the missing requests that explain the `doubtful` ones. */
  readonly doubtful: { readonly count: number; readonly needed: number };
}

const NONE: FoundLies = { lies: new Lies(), doubtful: { count: 0, needed: 0 } };

/** Judges what was stated in one loaded bucket. O(n log n). */
export function findLies(
  rows: BucketRows,
  policy: Policy,
  { context, refunds }: { readonly context: CheckerContext; readonly refunds: readonly Refund[] },
): FoundLies {
  const { stated, unrecorded } = context;
  if (stated === undefined || !rows.table.hasStated) return NONE;
  const granted: Granted = {
    excessTokens: stated.excessOf(rows.bucket),
    tooLow: stated.declaresTooLow,
    isFilled: refunds.some(({ fromUs }) => Number.isFinite(fromUs)), // others were before the history
  };
  const makeYardstick = () => yardstickOf(rows, policy, { context, refunds });
  const found = new BucketLies(rows, {
    ...{ makeYardstick, granted, wall: stated.wall },
    isOfWindows: context.windows !== undefined,
  });
  found.judge(context.known);
  return found.without(unrecorded, context.known);
}

function yardstickOf(
  rows: BucketRows,
  policy: Policy,
  { context, refunds }: { readonly context: CheckerContext; readonly refunds: readonly Refund[] },
): Yardstick {
  const { known, windows } = context;
  const clock = clockOf(context, rows.bucket);
  return windows === undefined
    ? new BucketYardstick(policy, { clock, known, fades: doesLagFade(rows, policy, refunds) })
    : new WindowYardstick(rows, { ...windows, known });
}

class BucketLies {
  readonly #rows: BucketRows;
  readonly #makeYardstick: () => Yardstick;
  readonly #granted: Granted;
  readonly #wall: WallClock | undefined;
  readonly #isOfWindows: boolean;
  readonly #lies = new Lies();
  readonly #counts: Record<Basis, number> = { certain: 0, high: 0, low: 0 };
  /** Waits that are too long, how many of them are true as milliseconds, and the longest over the longest true one. */
  readonly #waits = { tooLong: 0, fitMs: 0, sharp: 0, ratio: 0 };
  /** The lowest levels below which a decision states the truth, by row. */
  readonly #explained = new Map<number, number>();

  constructor(
    rows: BucketRows,
    options: {
      makeYardstick: () => Yardstick;
      granted: Granted;
      wall: WallClock | undefined;
      isOfWindows: boolean;
    },
  ) {
    this.#isOfWindows = options.isOfWindows;
    this.#rows = rows;
    this.#makeYardstick = options.makeYardstick;
    this.#granted = options.granted;
    this.#wall = options.wall;
  }

  judge(known: Known & JudgedSpan): void {
    const { table } = this.#rows;
    const yardstick = this.#makeYardstick();
    let isLie = false;
    const judge = new DecisionJudge(table, {
      ...{ yardstick, granted: this.#granted, wall: this.#wall },
      onLie: (row, lie) => {
        this.#add(row, lie, yardstick);
        isLie ||= lie.name === 'remaining';
      },
    });
    const { low, high, growth } = yardstick;
    new LevelSweep(this.#rows, { low, high, growth, known }).run((row, stated, range) => {
      const isLowJudged = table.lastUs(row) <= known.judgedUntilUs;
      isLie = false;
      judge.judge(row, stated, range, isLowJudged);
      if (growth !== undefined && known.initial === 'full' && stated.remaining !== undefined && !isLie) {
        const most = (Math.max(0, stated.remaining) + 1) * unitTokens(table, row) + range.openTokens;
        const quanta = most * yardstick.quantaPerToken;
        growth.state(row, { us: table.invokedUs[row] as number, quanta }, table.lastUs(row));
      }
      return 0;
    });
  }

  #add(row: number, lie: FoundLie, { mostS }: Yardstick): void {
    const { explainedBelow, fitsMs, ...rest } = lie;
    this.#lies.add({ row, ...rest });
    this.#counts[lie.basis]++;
    if (explainedBelow !== undefined)
      this.#explained.set(
        row,
        Math.min(explainedBelow, this.#explained.get(row) ?? Number.POSITIVE_INFINITY),
      );
    if (lie.reason !== 'retry too long' || lie.name !== 'retryAfterS') return;
    this.#waits.tooLong++;
    if (fitsMs) this.#waits.fitMs++;
    if (fitsMs === 'sharply' || this.#isOfWindows) this.#waits.sharp++;
    const { retryAfterS = 0 } = this.#rows.table.statedOf(row) ?? {};
    this.#waits.ratio = Math.max(this.#waits.ratio, retryAfterS / mostS);
  }

  /**
   * The lies without those that requests missing from the history can explain. Waits that are all true as
   * milliseconds, most of them not as fewer, and of which one is far longer than any, are in the wrong unit.
   */
  without({ mostRequests, mayRefund, mayRepeat }: Unrecorded, known: Known): FoundLies {
    const { high, low } = this.#counts;
    const most = high + low === 0 ? 0 : mostRequests();
    const isHighDoubtful = most > 0 && (mayRefund || mayRepeat) && high > 0;
    const needed = most === 0 || low === 0 ? 0 : this.#requestsNeeded(known, mayRepeat);
    const isLowDoubtful = needed > 0 && needed <= most;
    const isDoubtful: Record<Basis, boolean> = {
      certain: false,
      high: isHighDoubtful,
      low: isLowDoubtful,
    };
    const { tooLong, fitMs, sharp, ratio } = this.#waits;
    const isMs = ratio >= FAR_LONGER && fitMs === tooLong && 2 * sharp >= tooLong;
    const lies = this.#lies.where(
      ({ basis }) => !isDoubtful[basis],
      ({ reason, name }) =>
        isMs && reason === 'retry too long' && name === 'retryAfterS' ? 'wrong unit' : reason,
    );
    const doubtful = {
      count: this.#lies.length - lies.length,
      needed: Math.max(isLowDoubtful ? needed : 0, isHighDoubtful ? 1 : 0),
    };
    return { lies, doubtful };
  }

  /** Like `requestsNeeded` of false denials: a statement is true below a level, as a denial is below its cost. */
  #requestsNeeded(known: Known, mayRepeat: boolean): number {
    const { low, high, capacityQuanta, quantaPerToken } = this.#makeYardstick();
    const charged = findMostCharged(this.#rows) * quantaPerToken;
    const mostQuanta = mayRepeat ? capacityQuanta : Math.min(capacityQuanta, charged);
    let needed = 0;
    new LevelSweep(this.#rows, { low, high, known, mostQuanta }).run((row, _, { lowest }) => {
      const explainedBelow = this.#explained.get(row);
      if (explainedBelow === undefined) return 0;
      const lacking = Math.max(0, Math.floor((lowest - explainedBelow) / mostQuanta) + 1 - needed);
      if ((needed + lacking) * mostQuanta > MOST_EXACT) return 0;
      needed += lacking;
      return lacking * mostQuanta;
    });
    return Math.max(1, needed);
  }
}

/** Milliseconds are mostly larger than so many of the longest waits in seconds. */
const FAR_LONGER = 10;

/** Levels plus what missing requests spent are exact below 2^53. A smaller count is a lower bound too. */
const MOST_EXACT = 2 ** 52;
