import { type Evaluate, evaluateHere } from '../../../src/hunt/evaluate.ts';
import { type Ground, groundOf } from '../../../src/hunt/ground.ts';
import type { Outcome } from '../../../src/hunt/outcome.ts';
import { LEASE_SWITCHES } from '../../../src/limiter/strategies/lease/protocol.ts';
import { DEFAULT_POLICY } from '../../../src/scenario/defaults.ts';
import { Replicas } from '../../../src/simulation/nodes/replication/replicas.ts';
import { REMOVE, type Rule } from '../simulated/lease-rules.ts';
import { SCENARIOS } from '../simulated/lease-scenarios.ts';
import { patch, type ScriptBug, scriptBug, type Undo } from '../simulated/patches.ts';
import { PLANTED, type Planted } from '../simulated/planted.ts';

/** A limiter that is broken in one known way. */
export interface Broken {
  readonly name: string;
  readonly ground: Ground;
  /** Breaks it, until it is undone. Absent: the strategy itself is what is broken. */
  readonly plant?: (() => Undo) | ScriptBug;
}

const RULES = Object.keys(LEASE_SWITCHES) as Rule[];

/** A WAIT is answered at once, as if all replicas had the writes. */
const noWait = () =>
  patch(
    Replicas.prototype,
    'wait',
    () =>
      ({ replicas }, done) =>
        done(replicas),
  );

const planted = (name: string): Planted => {
  const one = PLANTED.find((each) => each.name === name);
  if (one === undefined) throw new RangeError(`no planted bug is called ${name}`);
  return one;
};

/** The planted bugs that concern the store. */
const OF_STORE: readonly string[] = [
  'TTL too early',
  'clock going back refills',
  'refill beyond capacity',
  'failover loses the last writes',
  'reads from a lagging replica',
  'two regions each with a full bucket',
  'lease not subtracted',
  'counters merged by last write',
  'client clock skew between regions',
];

const OLD_IDS = 'old outbox ids of active-active';

/** No schedule of a hunt shows these as excess; docs/results/hunt.md says why. */
export const HIDDEN: readonly string[] = ['repeatedByTheSameNumber', OLD_IDS];

/** Where a refill in the time of a decision hides an excess, a slower one. */
const POLICIES: Partial<Record<Rule, string>> = {
  ...{ returnsLeaveFirst: '20:4/s', termIsReadAtEveryDecision: '20:4/s', holderClockIsMonotonic: '20:4/s' },
  takenBackAfterMargin: '20:1/s',
};
/** Of a lease, whose excess of a token is hidden where a decision takes as long as a refill of one. */
const SHORT_MS = 20;

export const BROKEN: readonly Broken[] = [
  ...RULES.map(ofRule),
  {
    name: 'key margin of 0',
    ground: ofRule('keyOutlivesAccounts').ground,
    plant: scriptBug(
      ['lease'],
      [
        ['math.ceil(lifetime / 1000) + 1000', 'math.ceil(lifetime / 1000)'],
        ['math.ceil((full - clock) / 1000) + 1000', 'math.ceil((full - clock) / 1000)'],
      ],
    ),
  },
  { name: 'acked without WAIT', ground: { ...groundOf('acked'), policy: '20:1/s' }, plant: noWait },
  {
    name: OLD_IDS,
    ground: groundOf('active-active'),
    plant: scriptBug(['active-take'], [["'0-*'", "'*'"]]),
  },
  ...OF_STORE.map((name) => ofPlanted(planted(name))),
];

/** Under the policy and the round trips of the scenario in which the rule is known to be needed. */
function ofRule(rule: Rule): Broken {
  const { roundTripMs: ms = SHORT_MS } = SCENARIOS[rule];
  const policy = POLICIES[rule] ?? SCENARIOS[rule].policy;
  const { topology, ...ground } = groundOf('lease');
  const roundTripMs = { 'us-east:eu-west': ms, 'eu-west:ap-south': ms, 'us-east:ap-south': ms };
  return {
    name: rule,
    ground: { ...ground, policy, topology: { ...topology, roundTripMs } },
    plant: rule === 'grantsAreAcked' ? noWait : REMOVE[rule],
  };
}

function ofPlanted(one: Planted): Broken {
  if (!('strategy' in one)) throw new RangeError(`${one.name} has no strategy`);
  const { name, strategy, plant, apart, policy = DEFAULT_POLICY } = one;
  const ground = groundOf(strategy);
  const isBroken = plant === undefined && strategy !== 'active-active-lww';
  return {
    name,
    ground: {
      ...{ ...ground, policy },
      ...(isBroken && { above: 'nothing' as const }),
      ...(apart && { topology: { ...ground.topology, apart, replicas: 0 } }),
    },
    ...(plant && { plant }),
  };
}

/** A schedule after the one that was looked for. */
const NOT_RUN: Outcome = {
  ...{ excess: 0, bound: null, lacking: Number.POSITIVE_INFINITY, verdict: 'unknown', requests: 0 },
  ...{ lostPerSecond: 0, failure: 'not run' },
};

/**
 * Simulates schedules with a broken limiter, up to the first outcome that is looked for: no other of them matters. It is
 * broken again for each, since some count the processes that start.
 */
export function evaluateBroken({ ground, plant }: Broken, isLast: (outcome: Outcome) => boolean): Evaluate {
  const evaluate = evaluateHere(ground);
  return async (schedules) => {
    const outcomes: Outcome[] = [];
    for (const schedule of schedules) {
      if (outcomes.some(isLast)) {
        outcomes.push(NOT_RUN);
        continue;
      }
      const undo = plant?.();
      try {
        outcomes.push(...(await evaluate([schedule])));
      } finally {
        undo?.();
      }
    }
    return outcomes;
  };
}
