import type { Claim } from '../../checker/claims/claim.ts';
import { parsePolicies } from '../../core/policies.ts';
import { traitsOf } from '../../core/strategies.ts';
import { LIMITS, TIMES } from '../../scenario/defaults.ts';
import type { LoadPlan } from '../../scenario/plan.ts';
import { countDrained, MOST_DRAWN, type PlannedLoad } from './planned-demand.ts';

/** Values of a load as flags and scenarios write them. */
type Values = Readonly<Partial<Record<'users' | 'rate' | 'duration', string>>>;

/** Beside a higher rate, where no number of users alone is enough. */
const FEW_USERS = 5;

/**
 * Round values, each nearest to that of the load, with which every right limiter drains as many buckets as the claim
 * wants. None where that is not certain.
 */
export function enoughValues(load: PlannedLoad, claim: Claim): readonly Values[] {
  const { plan } = load;
  const { users, ratePerSecond: rate, durationMs } = plan.load;
  const regions = plan.topology.regions.length;
  if (rate === undefined || !isSimple(load)) return [];
  const isEnough = (changed: Partial<LoadPlan>) => {
    const counts = countDrained(withLoad(load, changed), claim, 'certain');
    return counts?.every(({ buckets, wanted }) => buckets >= wanted) ?? false;
  };
  const seconds = durationMs / 1_000;
  const rates = ROUND.filter(
    (value) => value > rate && value <= Math.min(LIMITS.rate[1], MOST_DRAWN / seconds),
  );
  const times = ROUND.filter(
    (value) => value > seconds && value <= Math.min(TIMES.duration.mostMs / 1_000, MOST_DRAWN / rate),
  );
  const fewer = ROUND.filter(
    (value) => Number.isInteger(value) && value >= regions && value < users,
  ).reverse();
  const few = Math.min(users, Math.max(FEW_USERS, regions));
  const some = nearest(fewer, (value) => isEnough({ users: value }));
  const fast = nearest(rates, (value) => isEnough({ ratePerSecond: value }));
  const long = nearest(times, (value) => isEnough({ durationMs: 1_000 * value }));
  const both =
    some === undefined && few < users
      ? nearest(rates, (value) => isEnough({ users: few, ratePerSecond: value }))
      : undefined;
  return [
    ...(some === undefined ? [] : [{ users: `${some}` }]),
    ...(both === undefined ? [] : [{ users: `${few}`, rate: `${both}` }]),
    ...(fast === undefined ? [] : [{ rate: `${fast}` }]),
    ...(long === undefined ? [] : [{ duration: `${long}s` }]),
  ];
}

/** Otherwise buckets get tokens back, or less is asked of each, in ways that are known afterwards only. */
function isSimple({ plan: { load, faults, policy, strategy } }: PlannedLoad): boolean {
  const { perRegionBucket, lends } = traitsOf(strategy);
  const isSteady = load.peaks === undefined && load.actuals === undefined && faults.length === 0;
  return isSteady && parsePolicies(policy).length === 1 && !perRegionBucket && !lends;
}

function withLoad(load: PlannedLoad, changed: Partial<LoadPlan>): PlannedLoad {
  return { ...load, plan: { ...load.plan, load: { ...load.plan.load, ...changed } } };
}

/** From 1 to 800,000. */
const ROUND = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((power) =>
  [1, 1.5, 2, 3, 4, 5, 6, 8].map((digit) => digit * power),
);

/** The first of an ordered list that is enough, where those behind it are, too; undefined if the last is not. */
function nearest(ordered: readonly number[], isEnough: (value: number) => boolean): number | undefined {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isEnough(ordered[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return ordered[low];
}
