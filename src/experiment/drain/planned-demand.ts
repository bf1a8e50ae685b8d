import type { Claim } from '../../checker/claims/claim.ts';
import { type NamedPolicy, parsePolicies } from '../../core/policies.ts';
import { bucketName } from '../../history/columns/table.ts';
import type { Request } from '../../load/arrivals.ts';
import { openArrivals, userDrawOf } from '../../load/pace.ts';
import { Shortfall } from '../../load/shortfall.ts';
import { bucketOf } from '../../load/target.ts';
import type { Users } from '../../load/users.ts';
import { busiestBuckets, shapeOf } from '../plan-file.ts';
import { usersOf } from '../play-run.ts';
import type { RunOptions } from '../run-context.ts';
import { type Allowance, allowanceOf, type Certainty } from './allowance.ts';

/** The part of a run that says who will ask for how much. */
export type PlannedLoad = Pick<RunOptions, 'plan' | 'promise' | 'recorded' | 'areUsersReal'>;

/** How many buckets of one policy a load drains. */
export interface Drained {
  readonly policy: NamedPolicy;
  readonly buckets: number;
  /** How many the claim wants, of how many. */
  readonly wanted: number;
  readonly of: number;
  /** The tokens that the busiest of the others is asked for, in all and within `spanUs` of the allowance. */
  readonly others: Asked;
  readonly allowance: Allowance;
}

interface Asked {
  readonly inAll: number;
  readonly inSpan: number;
}

/** More requests are not drawn beforehand: it would take longer than a second. */
export const MOST_DRAWN = 200_000;

/** Before an audit; they spend tokens of the first user if users are real or there is one. */
const WARM_UP_REQUESTS = 10;

/**
 * Draws the requests of an open load, and counts for each policy the buckets that they drain, until there are as many as
 * the claim wants. Undefined if that takes more than `MOST_DRAWN` requests.
 */
export function countDrained(
  load: PlannedLoad,
  claim: Claim,
  certainty: Certainty,
): readonly Drained[] | undefined {
  const users = usersOf(load);
  const demands = demandsOf(load, users, { claim, certainty });
  const ask = (atUs: number, request: Request) => {
    for (const demand of demands) demand.ask(atUs, request);
  };
  const [first] = users;
  if (certainty === 'possible' && first !== undefined && (load.areUsersReal || users.length === 1))
    for (let nth = 0; nth < WARM_UP_REQUESTS; nth++) ask(0, { user: first.name, cost: 1 });
  let drawn = 0;
  for (const { atUs, request } of plannedRequests(load, users)) {
    if (atUs >= 1_000 * load.plan.load.durationMs || demands.every((demand) => demand.isEnough)) break;
    if (++drawn > MOST_DRAWN) return undefined;
    if (request !== undefined) ask(atUs, request);
  }
  return demands.map((demand) => demand.found());
}

/** The requests of an open load, in the order of their times; without end unless they are recorded. */
export function plannedRequests({ plan, recorded }: PlannedLoad, users: Users) {
  const shape = shapeOf(plan);
  const draws = shape.regions.map((name) => ({ name, draw: userDrawOf(users, { region: name, recorded }) }));
  return openArrivals({ shape, users, recorded, regions: shape.regions, draws });
}

function demandsOf(
  { plan, promise }: PlannedLoad,
  users: Users,
  { claim: { unit, limit }, certainty }: { readonly claim: Claim; readonly certainty: Certainty },
): readonly Demand[] {
  const busiest = busiestBuckets(plan, users);
  const policies = parsePolicies(plan.policy);
  const most = policies.length === 1 ? limit : users.length; // buckets of all policies count together
  return policies.map((policy) => {
    const own = busiest.filter((bucket) => bucket.endsWith(bucketName('', policy.name)));
    const allowance = allowanceOf({ policy: policy.policy, promise, faults: plan.faults }, certainty);
    return unit === 'share'
      ? new Demand(
          { policy, allowance, of: own.length, wanted: Math.ceil(limit * own.length - ROUNDING) },
          own,
        )
      : new Demand({ policy, allowance, of: users.length, wanted: Math.min(limit, most) });
  });
}

/** 0.07 * 100 is above 7. */
const ROUNDING = 1e-9;

type Wanted = Pick<Drained, 'policy' | 'allowance' | 'wanted' | 'of'>;

interface BucketDemand {
  readonly shortfall: Shortfall;
  inAll: number;
  inSpan: number;
  isDrained: boolean;
}

/** What the buckets of one policy are asked for. */
class Demand {
  readonly #wanted: Wanted;
  readonly #buckets = new Map<string, BucketDemand>();
  readonly #only: ReadonlySet<string> | undefined;
  #drained = 0;

  /** Without `only` all buckets count. */
  constructor(wanted: Wanted, only?: readonly string[]) {
    this.#wanted = wanted;
    this.#only = only && new Set(only);
  }

  get isEnough(): boolean {
    return this.#drained >= this.#wanted.wanted;
  }

  ask(atUs: number, { user, cost }: Request): void {
    const { policy, allowance } = this.#wanted;
    const tokens = typeof cost === 'number' ? cost : (cost[policy.name] ?? 1);
    const name = bucketName(bucketOf(user), policy.name);
    if (tokens > allowance.mostAtOnce || this.#only?.has(name) === false) return;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { shortfall: new Shortfall(allowance), inAll: 0, inSpan: 0, isDrained: false };
      this.#buckets.set(name, bucket);
    }
    const asked = bucket.shortfall.ask(atUs, tokens);
    bucket.inAll += tokens;
    bucket.inSpan = Math.max(bucket.inSpan, asked);
    if (bucket.isDrained || asked <= allowance.limit) return;
    bucket.isDrained = true;
    this.#drained++;
  }

  found(): Drained {
    const others = [...this.#buckets.values()].filter(({ isDrained }) => !isDrained);
    const most = (measure: (asked: Asked) => number) =>
      others.reduce((sofar, asked) => Math.max(sofar, measure(asked)), 0);
    const asked = { inAll: most(({ inAll }) => inAll), inSpan: most(({ inSpan }) => inSpan) };
    const { policy, allowance, wanted, of } = this.#wanted;
    return { policy, allowance, wanted, of, buckets: this.#drained, others: asked };
  }
}
