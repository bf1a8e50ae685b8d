import { isDeepStrictEqual } from 'node:util';
import type { PlannedFault } from '../scenario/plan.ts';
import type { Dice } from './dice.ts';
import { drawPlanned, drawSchedule, inOrder } from './draw.ts';
import { drawFault, type HuntedFault } from './draw-fault.ts';
import { drawCosts, drawLoad, drawPeaks, drawResting } from './draw-load.ts';
import { drawLength, drawWhen } from './draw-when.ts';
import { type HuntedLoad, isPossible, type Schedule } from './schedule.ts';
import { LIMITS, type Space } from './space.ts';

/** Changes a schedule a little; the checks of a scenario accept the result. `others`: schedules whose faults it may take. */
export function mutate(
  dice: Dice,
  space: Space,
  { schedule, others }: { readonly schedule: Schedule; readonly others: readonly Schedule[] },
): Schedule {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    let changed = schedule;
    for (let times = dice.one(TIMES); times > 0; times--) changed = changeOnce(dice, space, changed, others);
    changed = inOrder(changed);
    if (!isDeepStrictEqual(changed, schedule) && isPossible(space.ground, changed)) return changed;
  }
  return drawSchedule(dice, space);
}

const MOST_TRIES = 50;

/** How many changes at once, each equally likely. */
const TIMES = [1, 1, 2, 2, 3, 4] as const;

function changeOnce(dice: Dice, space: Space, schedule: Schedule, others: readonly Schedule[]): Schedule {
  if (dice.chance(0.1)) return { ...schedule, seed: dice.seed() };
  if (dice.chance(0.2)) return { ...schedule, load: changeLoad(dice, space, schedule.load) };
  return { ...schedule, faults: changeFaults(dice, space, schedule, others) };
}

function changeFaults(
  dice: Dice,
  space: Space,
  schedule: Schedule,
  others: readonly Schedule[],
): readonly PlannedFault[] {
  const { faults } = schedule;
  const isFull = faults.length >= space.mostFaults;
  const added = () => [...faults, drawPlanned(dice, space, schedule)];
  if (faults.length === 0) return added();
  if (!isFull && dice.chance(0.25)) return added();
  const at = dice.whole(0, faults.length - 1);
  const one = faults[at] as PlannedFault;
  const lent = others.flatMap((other) => other.faults);
  const changed = dice.one<() => PlannedFault | undefined>([
    ...Array.from({ length: 6 }, () => () => nudged(dice, one)),
    () => redrawn(dice, space, one),
    () => ({ ...one, forMs: drawLength(dice, { ...schedule, times: space.times }, one.atMs) }),
    () => ({
      ...one,
      ...drawWhen(dice, { load: schedule.load, faults: faults.toSpliced(at, 1), times: space.times }),
    }),
    () => drawPlanned(dice, space, { ...schedule, faults: faults.toSpliced(at, 1) }),
    () => (lent.length > 0 ? dice.one(lent) : undefined),
    ...Array.from({ length: 2 }, () => () => undefined),
  ])();
  const kept = faults.toSpliced(at, 1);
  return changed === undefined
    ? kept
    : [...kept, { ...changed, ...within(changed, schedule.load.durationMs) }];
}

/** One of its numbers is changed: a time by up to two seconds, any other by up to a factor of two. */
function nudged(dice: Dice, fault: PlannedFault): PlannedFault {
  const numbers = Object.entries(fault).filter(([, value]) => typeof value === 'number');
  const [key, value] = dice.one(dice.chance(0.5) ? numbers : numbers.filter(([name]) => isTime(name)));
  if (!isTime(key)) return { ...fault, [key]: Math.round(value * 2 ** (2 * dice.random() - 1)) };
  const byMs = dice.wide(1, MOST_NUDGE_MS) * (dice.chance(0.5) ? 1 : -1);
  return { ...fault, [key]: Math.max(0, value + byMs) };
}

const MOST_NUDGE_MS = 2_000;

const isTime = (key: string) => key === 'atMs' || key === 'forMs';

/** The same kind at the same time. */
function redrawn(dice: Dice, { places }: Space, { fault, atMs, forMs }: PlannedFault): PlannedFault {
  return { ...drawFault(fault as HuntedFault, dice, places), atMs, forMs };
}

/** A fault must be healed by the end of the load. */
function within({ atMs, forMs }: PlannedFault, durationMs: number): Pick<PlannedFault, 'atMs' | 'forMs'> {
  const at = Math.min(atMs, durationMs - 1);
  return { atMs: at, forMs: Math.max(1, Math.min(forMs, durationMs - at)) };
}

function changeLoad(dice: Dice, space: Space, load: HuntedLoad): HuntedLoad {
  const { resting: _, peaks: __, ...calm } = load;
  const { resting, peaks, users, ratePerSecond, durationMs } = load;
  return dice.one<() => HuntedLoad>([
    () => drawLoad(dice, space),
    () => ({ ...load, users: limited(users + dice.one([-2, -1, 1, 2]), LIMITS.users) }),
    () => ({ ...load, ratePerSecond: limited(scaled(dice, ratePerSecond), LIMITS.ratePerSecond) }),
    () => ({
      ...load,
      durationMs: 100 * Math.ceil(limited(scaled(dice, durationMs), LIMITS.durationMs) / 100),
    }),
    () => ({ ...load, costs: drawCosts(dice, space.ground, load) }),
    () => ({ ...load, skew: dice.one([0, 1]), roaming: dice.one([0.5, 1, 1, 1]) }),
    () => ({ ...calm, ...(peaks && { peaks }), resting: drawResting(dice) }),
    () => ({ ...calm, ...(peaks && { peaks }) }),
    () => ({ ...calm, ...(resting && { resting }), peaks: drawPeaks(dice) }),
    () => ({
      ...load,
      ...(peaks && { peaks: { ...peaks, everyMs: Math.max(peaks.forMs + 1, scaled(dice, peaks.everyMs)) } }),
    }),
    () => ({
      ...load,
      ...(peaks && { peaks: { ...peaks, forMs: Math.min(peaks.everyMs - 1, scaled(dice, peaks.forMs)) } }),
    }),
    () => ({
      ...load,
      ...(peaks && {
        peaks: {
          ...peaks,
          ratePerSecond: limited(scaled(dice, peaks.ratePerSecond), LIMITS.peakRatePerSecond),
        },
      }),
    }),
  ])();
}

function limited(value: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.max(least, Math.min(most, value));
}

/** By up to a factor of two. */
function scaled(dice: Dice, value: number): number {
  return Math.max(1, Math.round(value * 2 ** (2 * dice.random() - 1)));
}
