import { RULES, type Rules } from '../../../src/limiter/lease/protocol.ts';
import { SETTINGS, type WorldSettings } from './world.ts';

const small = { ...SETTINGS, inFlight: 1, leaseTicks: 1, capacity: 1, ticksPerToken: 1, wants: [1] };
const beside = { ...small, holders: 1, neighbour: true };
const two = { capacity: 2, wants: [2] };

/** Explored whole in the normal tests: each as large in some directions as its time allows. */
export const EXPLORED: readonly (readonly [what: string, settings: WorldSettings])[] = [
  [
    'a holder that crashes, grants of any size, a slow refill, a clock that loses',
    { ...beside, capacity: 2, leaseTicks: 2, ticksPerToken: 2, wants: [1, 2], crash: true },
  ],
  ['failovers that lose what is not acked, and crashes', { ...beside, ...two, failover: true, crash: true }],
  [
    "home's clock steps, failovers, and a restart without state",
    { ...beside, marginTicks: 2, clockSteps: 1, stepTicks: 2, emptyRestarts: 1, failover: true },
  ],
  ['two messages at once, out of order', { ...beside, inFlight: 2, crash: true }],
  ['two holders, each with its own clock', { ...small, holders: 2, crash: true }],
];

/** Explored whole by `npm run soak`. */
export const LARGER: readonly (readonly [what: string, settings: WorldSettings])[] = [
  ['two messages at once, two tokens', { ...beside, ...two, inFlight: 2 }], // that of `grantedIsAsHomeHasIt`, with it
  ['two messages at once, failovers', { ...beside, inFlight: 2, failover: true, crash: true }],
  ['two holders, two tokens', { ...small, ...two, holders: 2 }],
  ['two holders, failovers', { ...small, holders: 2, failover: true }],
  ['three holders', { ...small, holders: 3 }],
  ['four tokens', { ...beside, capacity: 4, wants: [1, 4] }],
  [
    'three requests a lease, a slow refill',
    { ...beside, ...two, requestsPerLease: 3, leaseTicks: 2, ticksPerToken: 2 },
  ],
];

/** For each rule a small configuration in which doing without it goes wrong. */
export const WITHOUT: Readonly<Record<keyof Rules, WorldSettings>> = {
  outstandingTakesRoom: { ...beside, leaseTicks: 2 },
  returnsLeaveFirst: beside,
  usedIsCumulative: { ...beside, ...two, leaseTicks: 3 },
  endedAccountsStayEnded: beside,
  termBeginsAtSending: { ...beside, inFlight: 2 },
  termIsReadAtEveryDecision: beside,
  holderClockIsMonotonic: beside,
  askedAgainByTheSameNumber: { ...beside, ...two, wants: [1], watchesLent: true },
  keyOutlivesAccounts: { ...beside, leaseTicks: 2 },
  keyOutlivesRefill: { ...beside, ...two },
  takenBackAfterMargin: { ...beside, marginTicks: 2, driftTicks: 2 },
  unknownIsSpent: { ...beside, ...two, ticksPerToken: 2 },
  grantsAreAcked: { ...beside, failover: true },
  grantedIsAsHomeHasIt: { ...beside, ...two, inFlight: 2 },
  repeatsAreWritten: { ...beside, leaseTicks: 2 },
  restartIsAnotherHolder: { ...beside, crash: true },
};

/** The rules but one. */
export function without(rule: keyof Rules): WorldSettings {
  return { ...WITHOUT[rule], rules: { ...RULES, [rule]: false } };
}
