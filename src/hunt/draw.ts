import { traitsOf } from '../core/strategies.ts';
import type { PlannedFault } from '../scenario/plan.ts';
import { concernedBy } from './concerned.ts';
import type { Dice } from './dice.ts';
import { drawFault, type HuntedFault } from './draw-fault.ts';
import { drawLapse } from './draw-lapse.ts';
import { drawLoad } from './draw-load.ts';
import { drawPair } from './draw-pair.ts';
import { drawWhen } from './draw-when.ts';
import type { Ground } from './ground.ts';
import { isPossible, type Schedule } from './schedule.ts';
import type { Space } from './space.ts';

/** A schedule that the checks of a scenario accept; any without faults if they refuse all of this ground. */
export function drawSchedule(dice: Dice, space: Space): Schedule {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const load = drawLoad(dice, space);
    const count = Math.min(space.mostFaults, dice.one(COUNTS));
    const faults: PlannedFault[] = [];
    if (dice.chance(SHARE_OF_PLOTS)) faults.push(...drawPlot(dice, space, load).slice(0, count));
    while (faults.length < count) faults.push(drawPlanned(dice, space, { load, faults }));
    const schedule = inOrder({ seed: dice.seed(), load, faults });
    if (isPossible(space.ground, schedule)) return schedule;
  }
  for (let tries = 1; ; tries++) {
    const calm = { seed: dice.seed(), load: drawLoad(dice, space), faults: [] };
    if (tries === MOST_TRIES || isPossible(space.ground, calm)) return calm;
  }
}

/** Enough for faults of which most do not fit the topology. */
const MOST_TRIES = 200;

/** How many faults a schedule has, each equally likely. */
const COUNTS = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3] as const;

/** The share of schedules in which some faults are drawn together. */
const SHARE_OF_PLOTS = 0.6;

/** Faults that belong together, of a load; none if they do not fit it. */
function drawPlot(dice: Dice, space: Space, load: Schedule['load']): readonly PlannedFault[] {
  const draw = dice.one([drawPair, drawLapse]);
  return (space.mostFaults > 1 || draw === drawLapse ? draw(dice, space, load) : undefined) ?? [];
}

export function inOrder(schedule: Schedule): Schedule {
  return { ...schedule, faults: [...schedule.faults].sort((a, b) => a.atMs - b.atMs) };
}

/** A fault of any kind, mostly of a shard that another one concerns; its times are drawn by the load and the others. */
export function drawPlanned(
  dice: Dice,
  space: Space,
  { load, faults }: Pick<Schedule, 'load' | 'faults'>,
): PlannedFault {
  const isApart = faults.length === 0 || dice.chance(0.4);
  const places = isApart ? space.places : concernedBy(dice.one(faults), space.places);
  const spec = drawFault(drawKind(dice, space), dice, places);
  return { ...spec, ...drawWhen(dice, { load, faults, times: space.times }) };
}

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
  if (OFTEN.includes(fault)) return 3;
  return SELDOM.includes(fault) ? 0.5 : 1;
}

/** They part those who decide, or who have decided, from the others. */
const OFTEN: readonly HuntedFault[] = ['partition', 'store-outage', 'drop-reply', 'kill'];

const SELDOM: readonly HuntedFault[] = ['bandwidth', 'restart-empty', 'node-clock', 'flap'];
