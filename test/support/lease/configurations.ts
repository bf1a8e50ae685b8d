import { LEASE_SWITCHES, type LeaseSwitches } from '../../../src/limiter/strategies/lease/protocol.ts';
import { SETTINGS, type WorldSettings } from './world.ts';

const small = { ...SETTINGS, inFlight: 1, leaseTicks: 1, capacity: 1, ticksPerToken: 1, wants: [1] };
const withNeighbour = { ...small, holders: 1, neighbour: true };
const two = { capacity: 2, wants: [2] };

/** Explored whole in the normal tests: each as large in some directions as its time allows. */
export const EXPLORED: readonly (readonly [what: string, settings: WorldSettings])[] = [
  [
    'a holder that crashes, grants of any size, a slow refill, a clock that loses',
    { ...withNeighbour, capacity: 2, leaseTicks: 2, ticksPerToken: 2, wants: [1, 2], crash: true },
  ],
  [
    'failovers that lose what is not acked, and crashes',
    { ...withNeighbour, ...two, failover: true, crash: true },
  ],
  [
    "home's clock steps, failovers, and a restart without state",
    { ...withNeighbour, marginTicks: 2, clockSteps: 1, stepTicks: 2, emptyRestarts: 1, failover: true },
  ],
  ['two messages at once, out of order', { ...withNeighbour, inFlight: 2, crash: true }],
  ['two holders, each with its own clock', { ...small, holders: 2, crash: true }],
];

/** Explored whole by `npm run soak`. */
export const LARGER: readonly (readonly [what: string, settings: WorldSettings])[] = [
  ['two messages at once, two tokens', { ...withNeighbour, ...two, inFlight: 2 }], // that of `grantedIsAsHomeHasIt`, with it
  ['two messages at once, failovers', { ...withNeighbour, inFlight: 2, failover: true, crash: true }],
  ['two holders, two tokens', { ...small, ...two, holders: 2 }],
  ['two holders, failovers', { ...small, holders: 2, failover: true }],
  ['three holders', { ...small, holders: 3 }],
  ['four tokens', { ...withNeighbour, capacity: 4, wants: [1, 4] }],
  [
    'three requests a lease, a slow refill',
    { ...withNeighbour, ...two, requestsPerLease: 3, leaseTicks: 2, ticksPerToken: 2 },
  ],
];

/** For each rule a small configuration in which doing without it goes wrong. */
export const WITHOUT: Readonly<Record<keyof LeaseSwitches, WorldSettings>> = {
  outstandingTakesRoom: { ...withNeighbour, leaseTicks: 2 },
  returnsLeaveFirst: withNeighbour,
  usedIsCumulative: { ...withNeighbour, ...two, leaseTicks: 3 },
  endedAccountsStayEnded: withNeighbour,
  termBeginsAtSending: { ...withNeighbour, inFlight: 2 },
  termIsReadAtEveryDecision: withNeighbour,
  holderClockIsMonotonic: withNeighbour,
  repeatedByTheSameNumber: { ...withNeighbour, ...two, wants: [1], watchesLent: true },
  keyOutlivesAccounts: { ...withNeighbour, leaseTicks: 2 },
  keyOutlivesRefill: { ...withNeighbour, ...two },
  takenBackAfterMargin: { ...withNeighbour, marginTicks: 2, driftTicks: 2 },
  unknownIsSpent: { ...withNeighbour, ...two, ticksPerToken: 2 },
  grantsAreAcked: { ...withNeighbour, failover: true },
  grantedIsAsHomeHasIt: { ...withNeighbour, ...two, inFlight: 2 },
  repeatsAreWritten: { ...withNeighbour, leaseTicks: 2 },
  restartIsAnotherHolder: { ...withNeighbour, crash: true },
};

/** The switches but one. */
export function without(rule: keyof LeaseSwitches): WorldSettings {
  return { ...WITHOUT[rule], switches: { ...LEASE_SWITCHES, [rule]: false } };
}
