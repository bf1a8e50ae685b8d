import type { LieReason } from '../../../src/checker/stated/lies.ts';
import { fullBucket, refill, take } from '../../../src/core/bucket.ts';
import type { Stated } from '../../../src/history/records/operation.ts';
import { ExactBucket } from './correct.ts';
import { EPOCH_US, fillUs, type Specimen, States, type World } from './limiter.ts';
import { honestly, type Known, stating, waitS } from './stated.ts';

/** A limiter that decides right and states one thing wrongly. */
export interface DishonestSpecimen extends Specimen {
  /** What it is convicted of. */
  readonly reason: LieReason;
  /** What else the same value may be, at other moments. */
  readonly others?: readonly LieReason[];
}

type State = (known: Known) => Stated;

function dishonest(
  name: string,
  reason: LieReason,
  makeState: (world: World) => State,
  more: Partial<Pick<DishonestSpecimen, 'others' | 'needs'>> = {},
): DishonestSpecimen {
  const exact: Specimen = { name, create: ({ policy }) => new ExactBucket(policy) };
  const state = (world: World): State => {
    const lie = makeState(world);
    return (known) => ({ ...honestly(known), ...lie(known) });
  };
  return { ...stating(exact, state), name, reason, ...more };
}

/** A wrong wait after a denial, and none after an admission. */
function waits(
  name: string,
  reason: LieReason,
  waitOf: (known: Known) => number,
  others: readonly LieReason[] = [],
): DishonestSpecimen {
  return dishonest(
    name,
    reason,
    () => (known) => (known.outcome === 'denied' ? { retryAfterS: waitOf(known) } : {}),
    { others },
  );
}

const nowS = ({ request }: Known) => Math.floor((EPOCH_US + request.nowUs) / 1_000_000);
const costWaitS = (known: Known) => waitS(known, known.request.costTokens);
const capacityOf = ({ world }: Known) => world.policy.capacityTokens;
const tokensOf = ({ world, levelQuanta }: Known) => Math.floor(levelQuanta / world.policy.quantaPerToken);

/** A level that is too high also grows, where the history does not show how high it can be. */
const GROWS: Partial<DishonestSpecimen> = { others: ['grows without refill'] };

export const DISHONEST: readonly DishonestSpecimen[] = [
  waits('Retry-After in milliseconds', 'wrong unit', (known) => Math.ceil(1_000 * costWaitS(known)), [
    'retry too long',
  ]),
  waits(
    'Retry-After as seconds since 1970',
    'wrong unit',
    (known) => nowS(known) + Math.ceil(costWaitS(known)),
  ),
  dishonest('RateLimit reset as seconds since 1970', 'wrong unit', () => (known) => ({
    reset: nowS(known) + 1,
    resetForm: 'delta',
  })),
  dishonest('X-RateLimit-Reset in milliseconds since 1970', 'wrong unit', () => (known) => ({
    reset: 1_000 * nowS(known),
    resetForm: 'any',
  })),
  dishonest(
    'off by the burst',
    'remaining too high',
    () => (known) => ({ remaining: tokensOf(known) + capacityOf(known) }),
    GROWS,
  ),
  dishonest(
    'remaining before the charge',
    'remaining too high',
    () => (known) => ({
      remaining: tokensOf(known) + (known.outcome === 'allowed' ? known.request.costTokens : 0),
    }),
    GROWS,
  ),
  dishonest('remaining that ignores other instances', 'remaining too high', remainingOfInstance, {
    ...GROWS,
    needs: (drawn) => ({ ...drawn, regions: 3 }),
  }),
  dishonest('remaining of a stale read', 'remaining too high', staleRemaining, {
    others: ['remaining too low', 'grows without refill'],
  }),
  dishonest(
    'a denial that states a full bucket',
    'remaining too high',
    () => (known) => (known.outcome === 'denied' ? { remaining: capacityOf(known) } : {}),
    GROWS,
  ),
  dishonest(
    'remaining of the capacity minus the count of a fixed window',
    'remaining too low',
    countInWindow,
    {
      others: ['remaining too high', 'grows without refill'],
    },
  ),
  dishonest('remaining of a counter that never refills', 'remaining too low', neverRefilled),
  dishonest('remaining of another bucket', 'remaining too high', otherBucket, {
    others: ['remaining too low', 'grows without refill'],
    needs: (drawn) => ({ ...drawn, buckets: 5 }),
  }),
  waits('Retry-After 0', 'retry too short', () => 0),
  waits('Retry-After too short by half', 'retry too short', (known) => Math.floor(costWaitS(known) / 2)),
  waits('Retry-After of the full bucket', 'retry too long', (known) =>
    Math.ceil(waitS(known, capacityOf(known))),
  ),
  waits(
    "a window's end as Retry-After of a bucket",
    'retry too long',
    (known) => 3_600 - (nowS(known) % 3_600),
    ['retry too short'],
  ),
  dishonest('a policy with another quota', 'wrong policy', () => (known) => ({
    limit: 2 * capacityOf(known) + 1,
  })),
  dishonest('the window of a policy in milliseconds', 'wrong policy', () => (known) => ({
    limit: capacityOf(known),
    windowS: Math.ceil(1_000 * waitS({ ...known, levelQuanta: 0 }, capacityOf(known))) + 2,
  })),
  dishonest(
    'a reset in milliseconds',
    'wrong unit',
    () => (known) => ({
      reset: Math.ceil(1_000 * waitS(known, capacityOf(known))),
      resetForm: 'delta',
    }),
    { others: ['retry too long'] },
  ),
  dishonest('a remaining that grows by one each time', 'grows without refill', growing, {
    others: ['remaining too high', 'remaining too low'],
    needs: (drawn) => ({
      ...drawn,
      ...{ lossRate: 0, doubleRate: 0, startShare: 0 },
      latencyUs: Math.ceil(10 * fillUs(drawn.policy)), // many requests at once, so that the level is not known
    }),
  }),
];

/** Each region counts its own admissions only. */
function remainingOfInstance({ policy }: World): State {
  const buckets = new States(() => fullBucket(policy, EPOCH_US));
  return ({ request: { bucket, region, costTokens, nowUs }, outcome }) => {
    const key = 100 * bucket + region;
    const now = refill(buckets.of(key), policy, EPOCH_US + nowUs);
    const taken =
      outcome === 'allowed' ? take(now, policy, { costTokens, nowUs: EPOCH_US + nowUs }).bucket : now;
    buckets.set(key, taken);
    const tokens = Math.floor(taken.levelQuanta / policy.quantaPerToken);
    return { remaining: outcome === 'denied' ? Math.min(tokens, costTokens) : tokens };
  };
}

/** The level of some time ago, as a replica shows it. */
function staleRemaining({ policy }: World): State {
  const levels = new States((): { atUs: number; tokens: number }[] => []);
  const behindUs = policy.capacityTokens * fillUs(policy);
  return (known) => {
    const { bucket, nowUs, costTokens } = known.request;
    const ofBucket = levels.of(bucket);
    ofBucket.push({ atUs: nowUs, tokens: tokensOf(known) });
    while (ofBucket.length > 1 && (ofBucket[1]?.atUs ?? 0) <= nowUs - behindUs) ofBucket.shift();
    const tokens = ofBucket[0]?.tokens ?? 0;
    return { remaining: known.outcome === 'denied' ? Math.min(tokens, costTokens) : tokens };
  };
}

function countInWindow({ policy }: World): State {
  const windowUs = policy.capacityTokens * fillUs(policy);
  const counts = new States(() => ({ window: -1, tokens: 0 }));
  return ({ request: { bucket, nowUs, costTokens }, outcome }) => {
    const window = Math.floor(nowUs / windowUs);
    const before = counts.of(bucket);
    const tokens = (before.window === window ? before.tokens : 0) + (outcome === 'allowed' ? costTokens : 0);
    counts.set(bucket, { window, tokens });
    return { remaining: Math.max(0, policy.capacityTokens - tokens) };
  };
}

function neverRefilled({ policy }: World): State {
  const taken = new States(() => 0);
  return ({ request: { bucket, costTokens }, outcome }) => {
    if (outcome === 'allowed') taken.set(bucket, taken.of(bucket) + costTokens);
    return { remaining: Math.max(0, policy.capacityTokens - taken.of(bucket)) };
  };
}

/** A cache under a wrong key: the level of the bucket before. */
function otherBucket(): State {
  let [last, before] = [0, 0];
  return (known) => {
    [before, last] = [last, tokensOf(known)];
    return { remaining: known.outcome === 'denied' ? Math.min(before, known.request.costTokens) : before };
  };
}

function growing({ policy }: World): State {
  const counts = new States(() => 0);
  return ({ request: { bucket } }) => {
    const next = (counts.of(bucket) + 1) % (policy.capacityTokens + 1);
    counts.set(bucket, next);
    return { remaining: next };
  };
}
