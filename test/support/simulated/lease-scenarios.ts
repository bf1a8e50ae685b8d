import type { PlannedFault } from '../../../src/scenario/plan.ts';
import type { Burst, Senders } from './bursts.ts';
import type { Rule } from './lease-rules.ts';

/** A load and faults under which a lease without one rule goes wrong. */
export interface LeaseScenario extends Omit<Senders, 'seed' | 'users'> {
  /** In a sentence. */
  readonly what: string;
  readonly policy: string;
  readonly roundTripMs?: number;
  /** The clocks of all processes run at this rate. */
  readonly clockRate?: number;
  readonly faults: readonly PlannedFault[];
  readonly bursts: readonly Burst[];
  /** Default: 11 s. */
  readonly durationMs?: number;
  /** What shows the harm. Default: excess, and what replies say. */
  readonly claims?: readonly string[];
}

/** Redis is away for the services of eu-west; the nodes replicate on. */
const away = (atMs: number, forMs: number): PlannedFault => ({
  ...{ fault: 'store-outage', mode: 'blackhole', regions: ['eu-west'], atMs, forMs },
});
const unheard = (atMs: number, forMs: number): PlannedFault => ({
  ...{ fault: 'drop-reply', regions: ['eu-west'], atMs, forMs },
});
const slow = (addMs: number, atMs: number, forMs: number): PlannedFault => ({
  ...{ fault: 'latency', between: ['eu-west', 'ap-south'], addMs, jitterMs: 0, rampMs: 0, atMs, forMs },
});
const apart = (atMs: number, forMs: number): PlannedFault => ({
  ...{ fault: 'partition', mode: 'blackhole', bridge: ['us-east', 'eu-west'], atMs, forMs },
});
const failover = (node: string, atMs: number): PlannedFault => ({ fault: 'failover', node, atMs, forMs: 0 });

const from =
  (region: Burst['from']) =>
  (atMs: number, count: number, everyMs: number): Burst => ({
    ...{ from: region, atMs, count, everyMs },
  });
const us = from('us-east');
const eu = from('eu-west');
const ap = from('ap-south');

const AFTER_CUT = {
  what: 'a holder without Redis is used after its term',
  ...{ primary: 'us-east', laterMs: 100, policy: '20:10/s', faults: [away(3_000, 6_500)] },
  bursts: [eu(2_000, 6, 60), eu(3_500, 4, 700), eu(7_600, 20, 3), us(7_600, 30, 3)],
} as const satisfies LeaseScenario;

const RESTING = {
  what: 'a user rests for two seconds, then sends from two regions at once',
  ...{ laterMs: 100, policy: '20:20/s', faults: [] },
  bursts: [eu(2_000, 3, 100), eu(4_600, 20, 3), us(4_600, 30, 3)],
} as const satisfies LeaseScenario;

const UNHEARD = {
  what: 'the reply to a report of used tokens is lost, and the report repeated',
  ...{ primary: 'ap-south', laterMs: 100, policy: '20:20/s', faults: [unheard(2_800, 1_250)] },
  bursts: [eu(2_000, 6, 60), eu(2_900, 6, 30), eu(3_800, 4, 600), eu(6_000, 25, 3), us(6_000, 30, 3)],
} as const satisfies LeaseScenario;

/** For each rule. */
export const SCENARIOS: Readonly<Record<Rule, LeaseScenario>> = {
  outstandingTakesRoom: RESTING,
  returnsLeaveFirst: {
    what: 'the reply to a return is lost, and the holder is used',
    ...{ primary: 'ap-south', laterMs: 100, policy: '20:10/s', faults: [unheard(3_800, 3_000)] },
    bursts: [eu(2_000, 10, 80), eu(5_200, 20, 3), us(5_200, 30, 3)],
  },
  usedIsCumulative: UNHEARD,
  endedAccountsStayEnded: {
    what: 'a holder without Redis returns tokens after its account has ended',
    ...{ primary: 'us-east', laterMs: 100, policy: '20:5/s', faults: [away(3_000, 5_500)] },
    bursts: [eu(2_000, 6, 60), us(8_000, 80, 50), eu(8_800, 4, 300)],
  },
  termBeginsAtSending: {
    what: 'the reply to a request is slow, and the holder without Redis is used at the end of its term',
    ...{ primary: 'eu-west', laterMs: 20, policy: '60:60/s', roundTripMs: 10 },
    faults: [slow(330, 1_700, 1_400), away(2_780, 6_000)],
    bursts: [eu(2_000, 3, 1), eu(3_600, 3, 900), eu(6_650, 12, 1), us(6_650, 70, 0)],
  },
  termIsReadAtEveryDecision: AFTER_CUT,
  holderClockIsMonotonic: AFTER_CUT,
  repeatedByTheSameNumber: {
    what: 'replies to a first request come after its timeout, and another region needs the rest',
    ...{ primary: 'ap-south', laterMs: 100, policy: '20:10/m', claims: ['false-denials <= 0'] },
    faults: [{ fault: 'slow-store', regions: ['eu-west'], latencyMs: 1_700, atMs: 2_800, forMs: 5_000 }],
    bursts: [eu(2_900, 12, 300), us(6_800, 11, 60)],
  },
  keyOutlivesAccounts: RESTING,
  keyOutlivesRefill: {
    what: 'a holder without Redis spends what it has left at the end of its term',
    ...{ primary: 'us-east', laterMs: 20, policy: '40:9/s', faults: [away(3_100, 4_600)] },
    bursts: [eu(2_000, 20, 20), eu(3_500, 3, 800), eu(6_500, 40, 4), us(8_220, 60, 1)],
  },
  takenBackAfterMargin: {
    what: 'clocks of processes lose 115 ms a second, and a holder without Redis is used at the end of its term',
    ...{ primary: 'us-east', laterMs: 20, policy: '60:60/s', roundTripMs: 10, clockRate: 0.885 },
    faults: [away(2_200, 6_500)],
    bursts: [eu(2_000, 3, 1), eu(3_600, 3, 900), eu(6_450, 12, 1), us(6_450, 70, 0)],
  },
  unknownIsSpent: {
    what: 'a holder without Redis spends what it has left',
    ...{ primary: 'us-east', laterMs: 100, policy: '20:1/s', faults: [away(3_000, 4_200)] },
    bursts: [eu(2_000, 6, 60), eu(3_300, 12, 60), us(8_400, 30, 3)],
  },
  grantsAreAcked: {
    what: 'a primary without its replica grants, and dies',
    ...{ laterMs: 100, policy: '20:1/s' },
    faults: [apart(1_000, 9_000), { fault: 'kill', node: 'us-east-0', atMs: 3_500, forMs: 6_000 }],
    bursts: [ap(2_000, 20, 20), ap(8_000, 30, 100), eu(8_000, 30, 100)],
  },
  grantedIsAsHomeHasIt: {
    what: 'a first request is on its way for 13 s, while its primary fails over and comes back',
    ...{ primary: 'ap-south', laterMs: 100, policy: '60:12/s', durationMs: 23_000 },
    faults: [slow(13_000, 1_750, 13_700), failover('us-east-1', 2_300), failover('ap-south-0', 9_800)],
    bursts: [
      ...[2_000, 3_300, 7_500, 11_500, 16_800].map((atMs) => eu(atMs, 1, 0)),
      ...[ap(14_000, 120, 15), eu(21_500, 60, 15), ap(21_500, 80, 15)],
    ],
  },
  repeatsAreWritten: {
    what: 'a primary without its replica is asked again over another connection, and dies',
    ...{ primary: 'us-east', laterMs: 100, policy: '20:10/m' },
    faults: [
      apart(1_900, 3_500),
      { fault: 'store-outage', mode: 'refuse', regions: ['ap-south'], atMs: 2_300, forMs: 300 },
      { fault: 'kill', node: 'us-east-0', atMs: 5_200, forMs: 2_500 },
    ],
    bursts: [ap(2_000, 20, 40), ap(3_400, 64, 25), ap(9_600, 30, 40), eu(9_600, 30, 40)],
  },
  restartIsAnotherHolder: {
    what: 'a service of eu-west is killed and starts again',
    ...{ laterMs: 15, policy: '80:1/s' },
    faults: [{ fault: 'restart-service', region: 'eu-west', atMs: 250, forMs: 50 }],
    bursts: [eu(10, 15, 0), eu(1_100, 40, 5), us(1_300, 100, 3)],
  },
};
