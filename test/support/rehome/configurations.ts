import { REHOME_SWITCHES, type RehomeSwitches } from '../../../src/limiter/rehome/protocol.ts';
import { type RehomeSettings, SETTINGS } from './world.ts';

const there = { move: 1, from: 0, to: 1 };
const back = [there, { move: 2, from: 1, to: 0, after: 0 }];
const thereAgain = [...back, { move: 3, from: 0, to: 1, after: 1 }];
/** The second move may begin while the first is on its way. */
const onward = [there, { move: 2, from: 1, to: 2, afterClose: 0 }];
/** Two processes that each move the bucket elsewhere; the second may begin before the first has ended, or after. */
const apart = [there, { move: 2, from: 0, to: 2 }];
/** The same by the same number. */
const alike = [there, { ...there, to: 2 }];

/** Explored whole in the normal tests. */
export const EXPLORED: readonly (readonly [what: string, settings: RehomeSettings])[] = [
  ['there, back and there again', { ...SETTINGS, moves: thereAgain, ticksPerToken: 2 }],
  ['failovers that lose what is not acked', { ...SETTINGS, moves: back, failover: true }],
  ['clocks that differ', { ...SETTINGS, moves: thereAgain, clocks: [0, 3], ticksPerToken: 2 }],
  ['clocks that step', { ...SETTINGS, moves: back, clockSteps: 2 }],
  ['two moves at once, to two places', { ...SETTINGS, moves: apart, places: 3 }],
  ['a second move before the first has ended', { ...SETTINGS, moves: onward, places: 3 }],
  ['two moves at once, to two places, by one number', { ...SETTINGS, moves: alike, places: 3 }],
  ['two moves at once, to one place', { ...SETTINGS, moves: [there, { ...there, move: 2 }] }],
  ['two moves at once, failovers', { ...SETTINGS, moves: apart, places: 3, failover: true, capacity: 1 }],
  [
    'a move that is given up, and its target moved to by another way',
    { ...SETTINGS, moves: [...apart, { move: 3, from: 2, to: 1, after: 1 }], places: 3 },
  ],
  ['leases', { ...SETTINGS, moves: back, leaseTicks: 2 }],
  ['marks that end', { ...SETTINGS, moves: back, takesEarly: false, keepTicks: 3 }],
];

/** Explored whole by `npm run soak`. */
export const LARGER: readonly (readonly [what: string, settings: RehomeSettings])[] = [
  ['there, back and there again, failovers', { ...SETTINGS, moves: thereAgain, failover: true }],
  [
    'failovers, clocks that step',
    { ...SETTINGS, moves: back, failover: true, clockSteps: 2, clocks: [0, 1] },
  ],
  [
    'three moves, three places, failovers',
    {
      ...SETTINGS,
      moves: [...apart, { move: 3, from: 2, to: 1, after: 1 }],
      places: 3,
      failover: true,
      capacity: 1,
    },
  ],
  [
    'leases, there, back and there again',
    { ...SETTINGS, moves: thereAgain, leaseTicks: 3, ticksPerToken: 2 },
  ],
];

/** For each rule a small configuration in which doing without it goes wrong. */
export const WITHOUT: Readonly<Record<keyof RehomeSwitches, RehomeSettings>> = {
  closesFirst: SETTINGS,
  leavesMark: SETTINGS,
  levelTravels: SETTINGS,
  wayAddsNoRefill: { ...SETTINGS, clocks: [0, 1] },
  opensOnlyWhatItClosed: SETTINGS,
  openedStaysOpen: SETTINGS,
  lowerIsRefused: { ...SETTINGS, moves: back },
  repeatAnswersTheSame: SETTINGS,
  leavesForOne: { ...SETTINGS, moves: alike, places: 3 },
  leavesOnce: { ...SETTINGS, moves: apart, places: 3 },
  closedStays: { ...SETTINGS, moves: onward, places: 3 },
  cancelLeavesMark: { ...SETTINGS, moves: apart, places: 3 },
  resetKeepsMarks: SETTINGS,
  markOutlivesRefill: { ...SETTINGS, takesEarly: false, keepTicks: 3 },
  stepsAreAcked: { ...SETTINGS, takesEarly: false, failover: true },
  repeatsAreWritten: { ...SETTINGS, failover: true },
  waitsForLent: { ...SETTINGS, leaseTicks: 2 },
  renewsNoTerm: { ...SETTINGS, leaseTicks: 2 },
};

/** The switches but one. */
export function without(rule: keyof RehomeSwitches): RehomeSettings {
  return { ...WITHOUT[rule], switches: { ...REHOME_SWITCHES, [rule]: false } };
}
