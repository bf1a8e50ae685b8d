import { parsePolicies } from '../core/policies.ts';
import { traitsOf } from '../core/strategies.ts';
import type { Dice } from './dice.ts';
import type { Ground } from './ground.ts';
import type { HuntedLoad } from './schedule.ts';
import { DURATION_MS, EVERY_MS, MOST_USERS, RATE_PER_S, type Space, WAVES } from './space.ts';
import { drawMultiple } from './times.ts';

/** A small load, in which every bucket is at its limit now and then. The checks of a scenario refuse few users who do not all roam. */
export function drawLoad(dice: Dice, space: Space): HuntedLoad {
  return dice.chance(SHARE_OF_WAVES) ? drawWaves(dice, space) : drawSteady(dice, space.ground);
}

/** The share of loads that are waves. */
const SHARE_OF_WAVES = 0.6;

/** Steady, or quiet with peaks and with users who rest, so that buckets fill up and what was lent is returned. */
function drawSteady(dice: Dice, ground: Ground): HuntedLoad {
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

/**
 * Nearly no requests, and then more than the buckets have, in all regions at once; and again after one of the times by which
 * the limiter lives. What it kept of the time before shows.
 */
function drawWaves(dice: Dice, { ground, times }: Space): HuntedLoad {
  const users = dice.whole(WAVES.users.least, WAVES.users.most);
  const ratePerSecond = Math.max(1, Math.round(users * WAVES.ratePerUser * dice.random()));
  const everyMs = drawEvery(dice, times);
  const forMs = Math.min(everyMs - 1, dice.wide(100, 1_000));
  const inPeak = users * dice.wide(WAVES.requests.least, WAVES.requests.most);
  const peaks = {
    ratePerSecond: Math.min(WAVES.mostPerSecond, Math.round(inPeak / (forMs / 1_000))),
    everyMs,
    forMs,
  };
  const most = mostCostOf(ground);
  const durationMs = 100 * Math.ceil(dice.whole(everyMs, Math.max(WAVES.mostMs, everyMs)) / 100);
  return {
    ...{ users, ratePerSecond, durationMs, roaming: dice.chance(0.85) ? 1 : 0.5, skew: 0, peaks },
    costs:
      most > 1 && dice.chance(0.5)
        ? [1, most] // a token is taken where the cost of a burst is not left
        : drawCosts(dice, ground, { users, ...peaks, durationMs: peaks.forMs }),
  };
}

function drawEvery(dice: Dice, times: readonly number[]): number {
  const multiple = dice.chance(0.7) ? drawMultiple(dice, times, EVERY_MS) : undefined;
  return multiple ?? dice.wide(EVERY_MS.leastMs, EVERY_MS.mostMs);
}

/** Requests a second, with peaks. */
function meanRate({ ratePerSecond, peaks }: Pick<HuntedLoad, 'ratePerSecond' | 'peaks'>): number {
  if (peaks === undefined) return ratePerSecond;
  return ratePerSecond + ((peaks.ratePerSecond - ratePerSecond) * peaks.forMs) / peaks.everyMs;
}

/** Mostly so many tokens that a user wants, over the load, from one and a half to eight times of what its bucket can give. */
export function drawCosts(
  dice: Dice,
  ground: Ground,
  load: Pick<HuntedLoad, 'users' | 'ratePerSecond' | 'peaks' | 'durationMs'>,
): readonly number[] {
  const most = mostCostOf(ground);
  if (most === 1) return [1];
  if (dice.chance(0.1)) return [dice.whole(1, most)];
  const seconds = load.durationMs / 1_000;
  const tokens = Math.min(
    ...policiesOf(ground).map(
      ({ capacityTokens, quantaPerUs, quantaPerToken }) =>
        capacityTokens + (1e6 * seconds * quantaPerUs) / quantaPerToken,
    ),
  );
  const requests = (meanRate(load) * seconds) / load.users;
  const wanted = Math.round((dice.wide(150, 800) / 100) * (tokens / requests));
  const cost = Math.max(1, Math.min(most, wanted));
  return cost === 1 || dice.chance(0.3) ? [cost] : [1, cost];
}

/** A quarter of a bucket; 1 if the strategy takes nothing else. */
function mostCostOf(ground: Ground): number {
  if (ground.limiter === undefined && traitsOf(ground.strategy).unitCost) return 1;
  return Math.max(1, Math.floor(Math.min(...policiesOf(ground).map((each) => each.capacityTokens)) / 4));
}

const policiesOf = ({ policy }: Ground) => parsePolicies(policy).map((each) => each.policy);

export function drawResting(dice: Dice): NonNullable<HuntedLoad['resting']> {
  return { share: dice.one([0.5, 1]), restMs: dice.wide(500, 4_000), burstMs: dice.wide(100, 1_000) };
}

export function drawPeaks(dice: Dice): NonNullable<HuntedLoad['peaks']> {
  const everyMs = dice.wide(1_000, 5_000);
  return { ratePerSecond: dice.wide(60, 400), everyMs, forMs: dice.wide(50, 300) };
}
