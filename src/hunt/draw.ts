import { parsePolicies } from '../core/policies.ts';
import { traitsOf } from '../core/strategies.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import type { Dice } from './dice.ts';
import { drawFault, type HuntedFault } from './draw-fault.ts';
import type { Ground } from './ground.ts';
import { type HuntedLoad, isPossible, type Schedule } from './schedule.ts';
import { DURATION_MS, MOST_USERS, RATE_PER_S, type Space } from './space.ts';

/** A schedule that the checks of a scenario accept. */
export function drawSchedule(dice: Dice, space: Space): Schedule {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const load = drawLoad(dice, space.ground);
    const count = Math.min(space.mostFaults, dice.one(COUNTS));
    const faults: PlannedFault[] = [];
    while (faults.length < count) faults.push(drawPlanned(dice, space, { load, faults }));
    const schedule = inOrder({ seed: dice.seed(), load, faults });
    if (isPossible(space.ground, schedule)) return schedule;
  }
  return { seed: dice.seed(), load: drawLoad(dice, space.ground), faults: [] };
}

/** Enough for faults of which most do not fit the topology. */
const MOST_TRIES = 200;

/** How many faults a schedule has, each equally likely. */
const COUNTS = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3] as const;

export function inOrder(schedule: Schedule): Schedule {
  return { ...schedule, faults: [...schedule.faults].sort((a, b) => a.atMs - b.atMs) };
}

/** A fault at a time of its own, with one of the others, or with a peak: what meets does what neither does alone. */
export function drawPlanned(
  dice: Dice,
  space: Space,
  { load, faults }: Pick<Schedule, 'load' | 'faults'>,
): PlannedFault {
  const { places } = space;
  const spec = drawFault(drawKind(dice, space), dice, places);
  const latestMs = load.durationMs - SHORTEST_MS;
  const wantedMs = drawTime(dice, { load, faults }, latestMs);
  const atMs = Math.max(0, Math.min(latestMs, wantedMs));
  return { ...spec, atMs, forMs: drawLength(dice, load.durationMs - atMs) };
}

function drawTime(dice: Dice, { load, faults }: Pick<Schedule, 'load' | 'faults'>, latestMs: number): number {
  if (faults.length > 0 && dice.chance(0.5)) return drawNear(dice, dice.one(faults));
  const { peaks, durationMs } = load;
  if (peaks === undefined || peaks.everyMs > durationMs || dice.chance(0.4)) return dice.whole(0, latestMs);
  const endsMs = dice.whole(1, Math.floor(durationMs / peaks.everyMs)) * peaks.everyMs; // a period ends with its peak
  return drawNear(dice, { atMs: endsMs - peaks.forMs, forMs: peaks.forMs }) - dice.one([0, peaks.forMs]);
}

const SHORTEST_MS = 50;

/** A kind of fault by its weight. */
function drawKind(dice: Dice, { faults, ground }: Space): HuntedFault {
  const weights = faults.map((fault) => weightOf(fault, ground));
  let left = dice.random() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return faults[Math.max(0, at)] as HuntedFault;
}

/**
 * A fault that adds to the bound seldom shows anything, and a small message seldom waits for bandwidth. The clock of a
 * service decides nothing where nodes do.
 */
function weightOf(fault: HuntedFault, { strategy, limiter }: Ground): number {
  if (fault === 'gateway-clock') return limiter === undefined && traitsOf(strategy).nodeClock ? 0.1 : 1;
  return SELDOM.includes(fault) ? 0.5 : 1;
}

const SELDOM: readonly HuntedFault[] = ['bandwidth', 'restart-empty', 'node-clock', 'flap'];

export function drawLength(dice: Dice, mostMs: number): number {
  const longest = Math.max(SHORTEST_MS, mostMs);
  if (dice.chance(0.1)) return mostMs;
  return dice.chance(0.5) ? dice.whole(SHORTEST_MS, longest) : dice.wide(SHORTEST_MS, longest);
}

/** During the other, or soon after its end. */
function drawNear(dice: Dice, { atMs, forMs }: Pick<PlannedFault, 'atMs' | 'forMs'>): number {
  return atMs + dice.one([() => dice.whole(0, forMs), () => forMs + dice.wide(1, 2_000)])();
}

/**
 * A small load, in which every bucket is at its limit now and then: steady, or quiet with peaks and with users who rest, so
 * that buckets fill up and what was lent is returned.
 */
function drawLoad(dice: Dice, ground: Ground): HuntedLoad {
  const users = dice.whole(1, MOST_USERS);
  const ratePerSecond = dice.wide(RATE_PER_S.least, RATE_PER_S.most);
  const durationMs = 100 * dice.whole(DURATION_MS.least / 100, DURATION_MS.most / 100);
  const peaks = dice.chance(0.6) ? { peaks: drawPeaks(dice) } : {};
  return {
    ...{ users, ratePerSecond, durationMs },
    roaming: dice.chance(0.85) ? 1 : 0.5,
    skew: dice.chance(0.7) ? 0 : 1,
    costs: drawCosts(dice, ground, { users, ratePerSecond, durationMs, ...peaks }),
    ...(dice.chance(0.5) && { resting: drawResting(dice) }),
    ...peaks,
  };
}

/** Requests a second, with peaks. */
function meanRate({ ratePerSecond, peaks }: Pick<HuntedLoad, 'ratePerSecond' | 'peaks'>): number {
  if (peaks === undefined) return ratePerSecond;
  return ratePerSecond + ((peaks.ratePerSecond - ratePerSecond) * peaks.forMs) / peaks.everyMs;
}

/** Mostly so many tokens that a user wants, over the load, from one to four times of what its bucket can give. */
export function drawCosts(
  dice: Dice,
  { strategy, limiter, policy }: Ground,
  load: Pick<HuntedLoad, 'users' | 'ratePerSecond' | 'peaks' | 'durationMs'>,
): readonly number[] {
  const policies = parsePolicies(policy).map((each) => each.policy);
  const most = Math.max(1, Math.floor(Math.min(...policies.map((each) => each.capacityTokens)) / 4));
  if (most === 1 || (limiter === undefined && traitsOf(strategy).unitCost)) return [1];
  if (dice.chance(0.1)) return [dice.whole(1, most)];
  const seconds = load.durationMs / 1_000;
  const tokens = Math.min(
    ...policies.map(
      ({ capacityTokens, quantaPerUs, quantaPerToken }) =>
        capacityTokens + (1e6 * seconds * quantaPerUs) / quantaPerToken,
    ),
  );
  const requests = (meanRate(load) * seconds) / load.users;
  const wanted = Math.round((dice.wide(100, 400) / 100) * (tokens / requests));
  const cost = Math.max(1, Math.min(most, wanted));
  return cost === 1 || dice.chance(0.7) ? [cost] : [1, cost];
}

export function drawResting(dice: Dice): NonNullable<HuntedLoad['resting']> {
  return { share: dice.one([0.5, 1]), restMs: dice.wide(500, 4_000), burstMs: dice.wide(100, 1_000) };
}

export function drawPeaks(dice: Dice): NonNullable<HuntedLoad['peaks']> {
  const everyMs = dice.wide(1_000, 5_000);
  return { ratePerSecond: dice.wide(60, 400), everyMs, forMs: dice.wide(50, 300) };
}
