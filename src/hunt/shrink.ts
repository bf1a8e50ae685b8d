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
  /** Schedules that are run together: 1 where they run one after another. Default: 8, whatever the number of workers. */
  readonly batch?: number;
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

const BATCH = 8;
const MOST_SCHEDULES = 400;

/** Of lost decisions. */
const KEPT_SHARE = 0.8;

/**
 * Makes a finding simpler while it stays one: fewer faults, users and requests, shorter times, rounder numbers. Gives the
 * smallest so far after each batch. For excess it first runs the load of the finding without faults, which measures the
 * noise. A schedule is given back as it is if it is no finding, or if that run fails.
 */
export async function* shrink(found: Tried, options: ShrinkOptions): AsyncGenerator<Shrunk, void> {
  const { ground, evaluate, schedules: most = MOST_SCHEDULES, batch: together = BATCH } = options;
  const { signal, aim = 'excess' } = options;
  let [smallest, schedules] = [found, 0];
  yield { smallest, schedules };
  if (most < 1 || !whatStays(found.outcome, aim)(found.outcome)) return;
  const calm = aim === 'excess' ? await runWithoutFaults(found.schedule, options) : undefined;
  if (calm !== undefined) {
    schedules++;
    if (isFound(calm.outcome)) smallest = calm;
    yield { smallest, schedules };
    if (calm.outcome.failure !== undefined) return;
  }
  const stays = whatStays(found.outcome, aim, calm && noiseOf(calm.outcome));
  const seen = new Set(calm && [JSON.stringify(calm.schedule)]);
  let kind = 0; // the last that made it simpler: others made nothing simpler just before, and each run may take long
  while (schedules < most && !(signal?.aborted ?? false)) {
    const size = Math.min(together, most - schedules);
    const batch = nextBatch(ground, smallest.schedule, { seen, kind, size });
    if (batch.length === 0) return;
    const outcomes = await evaluate(batch.map(({ schedule }) => schedule));
    schedules += batch.length;
    const at = outcomes.findIndex(stays);
    const [simpler, outcome] = [batch[at], outcomes[at]];
    if (simpler !== undefined && outcome !== undefined) {
      smallest = { schedule: simpler.schedule, outcome };
      kind = simpler.kind;
    }
    yield { smallest, schedules };
  }
}

/**
 * Whether an outcome is still what was found. Of an excess: it is proven, and by more tokens than the noise. It may be
 * smaller than that which was found: how large it is depends on moments that no run repeats.
 */
function whatStays(found: Outcome, aim: Aim, noiseTokens = 0): (outcome: Outcome) => boolean {
  if (aim === 'availability')
    return ({ lostPerSecond }) => lostPerSecond > 0 && lostPerSecond >= KEPT_SHARE * found.lostPerSecond;
  return (outcome) => isFound(outcome) && beyondOf(outcome) > noiseTokens;
}

/** Undefined for a schedule that has no faults, or that is refused without them. */
async function runWithoutFaults(
  schedule: Schedule,
  { ground, evaluate }: Pick<ShrinkOptions, 'ground' | 'evaluate'>,
): Promise<Tried | undefined> {
  const calm = { ...schedule, faults: [] };
  if (schedule.faults.length === 0 || !isPossible(ground, calm)) return undefined;
  const [outcome] = await evaluate([calm]);
  return outcome && { schedule: calm, outcome };
}

/** Tokens above the bound that a run without faults does not prove. An excess that it proves is a finding, not noise. */
function noiseOf(calm: Outcome): number {
  return isFound(calm) ? 0 : Math.max(0, beyondOf(calm));
}

interface Candidate {
  readonly schedule: Schedule;
  /** Its place among the kinds of simpler schedules. */
  readonly kind: number;
}

/** The next simpler schedules that were not tried: those of `kind`, then of the kinds behind it, then of those before it. */
function nextBatch(
  ground: Ground,
  schedule: Schedule,
  { seen, kind, size }: { readonly seen: Set<string>; readonly kind: number; readonly size: number },
): Candidate[] {
  const kinds = simplerThan(schedule).map((of, at) => of.map((one) => ({ schedule: one, kind: at })));
  const batch: Candidate[] = [];
  for (const candidate of [...kinds.slice(kind), ...kinds.slice(0, kind)].flat()) {
    const key = JSON.stringify(candidate.schedule);
    if (batch.length === size) return batch;
    if (seen.has(key) || !isPossible(ground, candidate.schedule)) continue;
    seen.add(key);
    batch.push(candidate);
  }
  return batch;
}
