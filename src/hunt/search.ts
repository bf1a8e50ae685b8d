import { makeRandom } from '../core/prng.ts';
import { Dice } from './dice.ts';
import { drawSchedule } from './draw.ts';
import type { Evaluate } from './evaluate.ts';
import { mutate } from './mutate.ts';
import { type Aim, compareOutcomes, isFound, isWorse, type Outcome, shareOfBound } from './outcome.ts';
import type { Schedule } from './schedule.ts';
import type { Space } from './space.ts';

/** A schedule that was run. */
export interface Tried {
  readonly schedule: Schedule;
  readonly outcome: Outcome;
}

/** What a search has done so far. */
export interface Progress {
  /** How many schedules were run. */
  readonly schedules: number;
  /** How many of them had an excess above what is allowed. */
  readonly found: number;
  /** The number of the first of those, from 1; absent if there is none. */
  readonly firstFound?: number;
  readonly restarts: number;
  /** The worst first; of schedules with the same kinds of faults, the worst. The first is the best of the search. */
  readonly best: readonly Tried[];
}

export interface SearchOptions {
  readonly space: Space;
  readonly evaluate: Evaluate;
  readonly seed: number;
  /** Ends after so many schedules. */
  readonly schedules: number;
  readonly signal?: AbortSignal;
  /** How many to keep. Default: 5. */
  readonly keep?: number;
  /** Default: excess. */
  readonly aim?: Aim;
  /** `climb` changes the worst schedules so far; `random` only draws. Default: climb. */
  readonly way?: 'climb' | 'random';
}

/** Schedules that are run together. It does not depend on the number of workers: a seed gives the same search for any. */
export const BATCH = 16;

/** The schedules of a climb that are changed. */
const ELITE = 4;
/** Batches without a worse schedule, after which the climb begins again elsewhere. */
const STALE = 14;
/** The share of a batch that is drawn and not changed. */
const FRESH = 0.3;

/** Searches the worst schedules: draws some, changes the worst of them, and begins again when that leads no further. */
export async function* search(options: SearchOptions): AsyncGenerator<Progress, void> {
  const { space, evaluate, seed, schedules: most, signal, keep = 5, way = 'climb', aim = 'excess' } = options;
  const dice = new Dice(makeRandom(seed, 'hunt'));
  let progress: Progress = { schedules: 0, found: 0, restarts: 0, best: [] };
  let elite: readonly Tried[] = [];
  let stale = 0;
  while (progress.schedules < most && !(signal?.aborted ?? false)) {
    const size = Math.min(BATCH, most - progress.schedules);
    const batch = Array.from({ length: size }, () => next(dice, space, way === 'climb' ? elite : []));
    const outcomes = await evaluate(batch);
    const tried = batch.map((schedule, at): Tried => ({ schedule, outcome: outcomeAt(outcomes, at) }));
    const best = eliteOf([...elite, ...tried], aim);
    stale = isBetter(best[0], elite[0], aim) ? 0 : stale + 1;
    const isOver = stale >= STALE;
    elite = isOver ? [] : best;
    if (isOver) stale = 0;
    progress = advance(progress, tried, { keep, isOver, aim });
    yield progress;
  }
}

function next(dice: Dice, space: Space, elite: readonly Tried[]): Schedule {
  const [first, ...more] = elite;
  if (first === undefined || dice.chance(FRESH)) return drawSchedule(dice, space);
  const { schedule } = dice.chance(0.5) ? first : dice.one(elite);
  return mutate(dice, space, { schedule, others: more.map((other) => other.schedule) });
}

function outcomeAt(outcomes: readonly Outcome[], at: number): Outcome {
  const outcome = outcomes[at];
  if (outcome === undefined) throw new RangeError(`there is no outcome of schedule ${at}`);
  return outcome;
}

function isBetter(one: Tried | undefined, other: Tried | undefined, aim: Aim): boolean {
  if (one === undefined) return false;
  return other === undefined || isWorse(one.outcome, other.outcome, aim);
}

/**
 * The worst, and those that reached the largest share of a bound above 0: else schedules with such a bound would never be
 * changed, since nothing is nearer to a bound of 0 than no excess at all.
 */
function eliteOf(tried: readonly Tried[], aim: Aim): readonly Tried[] {
  const worst = worstFirst(tried, aim).slice(0, ELITE);
  if (aim !== 'excess') return worst;
  const bounded = tried
    .filter((one) => shareOfBound(one.outcome) > 0 && !worst.includes(one))
    .sort((a, b) => shareOfBound(b.outcome) - shareOfBound(a.outcome));
  return [...worst, ...bounded.slice(0, ELITE / 2)];
}

/** Of equal ones, that with fewer faults: one that changes nothing is in the way of changes of the others. */
function worstFirst(tried: readonly Tried[], aim: Aim): readonly Tried[] {
  return tried.toSorted(
    (a, b) =>
      compareOutcomes(a.outcome, b.outcome, aim) || a.schedule.faults.length - b.schedule.faults.length,
  );
}

function advance(
  { schedules, found, firstFound, restarts, best }: Progress,
  tried: readonly Tried[],
  { keep, isOver, aim }: { readonly keep: number; readonly isOver: boolean; readonly aim: Aim },
): Progress {
  const isOne = ({ outcome }: Tried) => isFound(outcome);
  const at = tried.findIndex(isOne);
  const first = firstFound ?? (at < 0 ? undefined : schedules + at + 1);
  return {
    schedules: schedules + tried.length,
    found: found + tried.filter(isOne).length,
    ...(first !== undefined && { firstFound: first }),
    restarts: restarts + Number(isOver),
    best: ofEachKind(worstFirst([...best, ...tried], aim)).slice(0, keep),
  };
}

/** The first with each set of fault kinds. */
function ofEachKind(tried: readonly Tried[]): readonly Tried[] {
  const seen = new Set<string>();
  return tried.filter(({ schedule }) => {
    const kinds = [...new Set(schedule.faults.map(({ fault }) => fault))].sort().join();
    if (seen.has(kinds)) return false;
    seen.add(kinds);
    return true;
  });
}
