import type { Evaluate } from './evaluate.ts';
import type { Ground } from './ground.ts';
import { type Aim, beyondOf, isFound, type Outcome } from './outcome.ts';
import { isPossible, type Schedule } from './schedule.ts';
import type { Tried } from './search.ts';
import { simplerThan } from './simpler.ts';

export interface ShrinkOptions {
  readonly ground: Ground;
  readonly evaluate: Evaluate;
  /** Ends after so many schedules. Default: 400. */
  readonly schedules?: number;
  readonly signal?: AbortSignal;
  /** Default: excess. */
  readonly aim?: Aim;
}

/** What a shrinking has done so far. */
export interface Shrunk {
  readonly smallest: Tried;
  /** How many schedules were run. */
  readonly schedules: number;
}

/** Schedules that are run together, whatever the number of workers. */
const BATCH = 8;
const MOST_SCHEDULES = 400;

/** A finding of so many tokens is kept; of a smaller one, all. */
const KEPT_TOKENS = 1;
/** Of lost decisions. */
const KEPT_SHARE = 0.8;

/** Whether an outcome is still what was found. */
export function whatStays(found: Outcome, aim: Aim): (outcome: Outcome) => boolean {
  if (aim === 'availability')
    return ({ lostPerSecond }) => lostPerSecond > 0 && lostPerSecond >= KEPT_SHARE * found.lostPerSecond;
  const leastTokens = Math.min(KEPT_TOKENS, beyondOf(found));
  return (outcome) => isFound(outcome) && beyondOf(outcome) >= leastTokens;
}

/**
 * Makes a finding simpler while it stays one: fewer faults, users and requests, shorter times, rounder numbers. Gives the
 * smallest so far after each batch. A schedule that is no finding is given back as it is.
 */
export async function* shrink(found: Tried, options: ShrinkOptions): AsyncGenerator<Shrunk, void> {
  const { ground, evaluate, schedules: most = MOST_SCHEDULES, signal, aim = 'excess' } = options;
  const stays = whatStays(found.outcome, aim);
  const seen = new Set<string>();
  let [smallest, schedules] = [found, 0];
  yield { smallest, schedules };
  while (stays(found.outcome) && schedules < most && !(signal?.aborted ?? false)) {
    const batch = nextBatch(ground, smallest.schedule, { seen, most: Math.min(BATCH, most - schedules) });
    if (batch.length === 0) return;
    const outcomes = await evaluate(batch);
    schedules += batch.length;
    const tried = outcomes.map((outcome, at) => ({ schedule: batch[at] as Schedule, outcome }));
    smallest = tried.find(({ outcome }) => stays(outcome)) ?? smallest;
    yield { smallest, schedules };
  }
}

/** The next simpler schedules that were not tried. */
function nextBatch(
  ground: Ground,
  schedule: Schedule,
  { seen, most }: { readonly seen: Set<string>; readonly most: number },
): Schedule[] {
  const batch: Schedule[] = [];
  for (const candidate of simplerThan(schedule)) {
    const key = JSON.stringify(candidate);
    if (batch.length === most) return batch;
    if (seen.has(key) || !isPossible(ground, candidate)) continue;
    seen.add(key);
    batch.push(candidate);
  }
  return batch;
}
