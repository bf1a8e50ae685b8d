import { type Bucket, fullBucket, refill, take } from '../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../src/core/policy.ts';
import { AckedCentral, ExactBucket, Grants, leaseUs } from './correct.ts';
import {
  type Answer,
  EPOCH_US,
  type Limiter,
  quantaOf,
  type Request,
  redisEvidence,
  type Specimen,
  States,
  type World,
} from './limiter.ts';
import type { Circumstances } from './workload.ts';

type Step = (
  state: Bucket,
  request: Request,
  world: World,
) => { bucket: Bucket; allowed: boolean; levelQuanta?: number };

/** A limiter that keeps one state for each bucket and brings it forward by `step`. */
class OneState implements Limiter {
  readonly #states: States<Bucket>;
  readonly #world: World;
  readonly #step: Step;

  constructor(world: World, step: Step, initial: Bucket = fullBucket(world.policy, EPOCH_US)) {
    this.#world = world;
    this.#step = step;
    this.#states = new States(() => initial);
  }

  decide(request: Request): Answer {
    const { bucket, allowed, levelQuanta } = this.#step(
      this.#states.of(request.bucket),
      request,
      this.#world,
    );
    this.#states.set(request.bucket, bucket);
    const level = levelQuanta ?? bucket.levelQuanta;
    return {
      outcome: allowed ? 'allowed' : 'denied',
      evidence: redisEvidence({ levelQuanta: Math.round(level), bucketUs: bucket.updatedAtUs }),
    };
  }
}

/** A step that refills as it should and then charges as `charge` says. */
function charging(
  charge: (level: number, cost: number, world: World) => { left: number; allowed: boolean },
): Step {
  return (state, { costTokens, nowUs }, world) => {
    const { levelQuanta, updatedAtUs } = refill(state, world.policy, EPOCH_US + nowUs);
    const { left, allowed } = charge(levelQuanta, quantaOf(world.policy, costTokens), world);
    return { bucket: { levelQuanta: left, updatedAtUs }, allowed };
  };
}

/** A step that charges as it should and reads the clock as `clock` says. */
function clocked(clock: (request: Request, world: World) => number): Step {
  return (state, request, world) => {
    const { bucket, result } = take(state, world.policy, {
      costTokens: request.costTokens,
      nowUs: EPOCH_US + clock(request, world),
    });
    return { bucket, allowed: result.allowed, levelQuanta: result.levelQuanta };
  };
}

const fillUs = ({ policy }: Circumstances) => policy.quantaPerToken / policy.quantaPerUs;
const simple = (name: string, step: Step, needs?: Specimen['needs']): Specimen => ({
  name,
  create: (world) => new OneState(world, step),
  ...(needs === undefined ? {} : { needs }),
});

const offByOne = charging((level, cost, { policy }) => {
  const allowed = level > cost - quantaOf(policy, 1);
  return { left: allowed ? level - cost : level, allowed };
});

const denialCharges = charging((level, cost) => ({
  left: Math.max(0, level - cost),
  allowed: level >= cost,
}));

const belowZero = charging((level, cost) => {
  const allowed = level > 0;
  return { left: allowed ? level - cost : level, allowed };
});

const costIgnored = charging((level, _cost, { policy }) => {
  const one = quantaOf(policy, 1);
  return { left: level >= one ? level - one : level, allowed: level >= one };
});

/** Levels in tokens, as 32-bit floats, and time in seconds since 1970, as many clients compute it. */
const floatDrift: Step = (state, { costTokens, nowUs }, { policy }) => {
  const perSecond = Math.fround(1_000_000 / fillOf(policy));
  const elapsedS = Math.fround((EPOCH_US + nowUs - state.updatedAtUs) / 1_000_000);
  const held = Math.fround(state.levelQuanta / policy.quantaPerToken);
  const level = Math.min(policy.capacityTokens, Math.fround(held + Math.fround(elapsedS * perSecond)));
  const allowed = level >= costTokens;
  const left = Math.fround(allowed ? level - costTokens : level);
  return {
    bucket: { levelQuanta: Math.round(left * policy.quantaPerToken), updatedAtUs: EPOCH_US + nowUs },
    allowed,
  };
};

/** Whole tokens only, and the time is set to now all the same: what was gained of the next one is lost. */
const floorDrops: Step = (state, { costTokens, nowUs }, { policy }) => {
  const elapsedUs = EPOCH_US + nowUs - state.updatedAtUs;
  const gained = Math.floor(elapsedUs / fillOf(policy)) * policy.quantaPerToken;
  const level = Math.min(policy.capacityQuanta, state.levelQuanta + gained);
  const allowed = level >= quantaOf(policy, costTokens);
  const left = allowed ? level - quantaOf(policy, costTokens) : level;
  return { bucket: { levelQuanta: left, updatedAtUs: EPOCH_US + nowUs }, allowed };
};

/** The key expires after half the time to full; what is not there is full. */
const earlyExpiry: Step = (state, request, world) => {
  const { capacityQuanta, quantaPerUs } = world.policy;
  const lifeUs = (capacityQuanta - state.levelQuanta) / quantaPerUs / 2;
  const isGone = state.levelQuanta < capacityQuanta && EPOCH_US + request.nowUs - state.updatedAtUs >= lifeUs;
  return clocked(({ nowUs }) => nowUs)(isGone ? fullBucket(world.policy, EPOCH_US) : state, request, world);
};

const unlimitedRefill: Step = (state, { costTokens, nowUs }, { policy }) => {
  const elapsedUs = EPOCH_US + nowUs - state.updatedAtUs;
  const level = state.levelQuanta + elapsedUs * policy.quantaPerUs;
  const cost = quantaOf(policy, costTokens);
  const allowed = level >= cost;
  return { bucket: { levelQuanta: allowed ? level - cost : level, updatedAtUs: EPOCH_US + nowUs }, allowed };
};

/** A step back looks like time that passed. */
const backwardRefills: Step = (state, request, world) => {
  const stepUs = 4 * fillUs(world);
  const clockUs = request.nowUs - (Math.floor(request.nowUs / (10 * stepUs)) % 2) * stepUs;
  const elapsedUs = Math.abs(EPOCH_US + clockUs - state.updatedAtUs);
  const { bucket, result } = take({ levelQuanta: state.levelQuanta, updatedAtUs: 0 }, world.policy, {
    costTokens: request.costTokens,
    nowUs: elapsedUs,
  });
  const levelQuanta = result.allowed ? bucket.levelQuanta : result.levelQuanta;
  return { bucket: { levelQuanta, updatedAtUs: EPOCH_US + clockUs }, allowed: result.allowed };
};

const wholeSeconds = clocked(({ nowUs }) => Math.floor(nowUs / 1_000_000) * 1_000_000);

/** Every region reads its own clock, and the last one to write sets the time back. */
const skewedClients: Step = (state, request, world) => {
  const nowUs = EPOCH_US + request.nowUs + Math.ceil(request.region * 3 * fillUs(world));
  const elapsedUs = Math.max(0, nowUs - state.updatedAtUs);
  const { bucket, result } = take({ levelQuanta: state.levelQuanta, updatedAtUs: 0 }, world.policy, {
    costTokens: request.costTokens,
    nowUs: elapsedUs,
  });
  return {
    bucket: { levelQuanta: result.allowed ? bucket.levelQuanta : result.levelQuanta, updatedAtUs: nowUs },
    allowed: result.allowed,
  };
};

function fillOf(policy: Policy): number {
  return policy.quantaPerToken / policy.quantaPerUs;
}

/** Reads, thinks for a while, and writes what it has made of what it read. */
class NonAtomic implements Limiter {
  readonly #world: World;
  readonly #states: States<{ bucket: Bucket; pending: { atUs: number; bucket: Bucket }[] }>;

  constructor(world: World) {
    this.#world = world;
    this.#states = new States(() => ({ bucket: fullBucket(world.policy, EPOCH_US), pending: [] }));
  }

  decide({ bucket, costTokens, nowUs }: Request): Answer {
    const state = this.#states.of(bucket);
    while (state.pending[0] !== undefined && state.pending[0].atUs <= nowUs)
      state.bucket = state.pending.shift()?.bucket ?? state.bucket;
    const taken = take(state.bucket, this.#world.policy, { costTokens, nowUs: EPOCH_US + nowUs });
    if (!taken.result.allowed) return { outcome: 'denied' };
    const thinkUs = Math.ceil(fillUs(this.#world) / 4);
    state.pending.push({ atUs: nowUs + thinkUs, bucket: taken.bucket });
    return { outcome: 'allowed', heldUs: thinkUs };
  }
}

/** Each region has a bucket of its own, of the whole capacity; `syncEveryUs` merges them by the last write. */
class Regional implements Limiter {
  readonly #policy: Policy;
  readonly #states: States<Bucket[]>;
  readonly #syncEveryUs: number;
  readonly #syncedAt = new States(() => ({ us: 0 }));

  constructor({ policy, regions }: World, syncEveryUs: number) {
    this.#policy = policy;
    this.#syncEveryUs = syncEveryUs;
    this.#states = new States(() => Array.from({ length: regions }, () => fullBucket(policy, EPOCH_US)));
  }

  decide({ bucket, region, costTokens, nowUs }: Request): Answer {
    const states = this.#states.of(bucket);
    const synced = this.#syncedAt.of(bucket);
    if (nowUs - synced.us > this.#syncEveryUs) {
      const last = states.reduce((a, b) => (b.updatedAtUs > a.updatedAtUs ? b : a));
      states.fill(last);
      synced.us = nowUs;
    }
    const taken = take(states[region] as Bucket, this.#policy, { costTokens, nowUs: EPOCH_US + nowUs });
    states[region] = taken.bucket;
    return { outcome: taken.result.allowed ? 'allowed' : 'denied' };
  }
}

/** Decides on what a replica knew a while ago, and charges the primary. */
class LaggingReplica implements Limiter {
  readonly #world: World;
  readonly #states: States<{ level: Bucket; writes: { atUs: number; level: Bucket }[] }>;

  constructor(world: World) {
    this.#world = world;
    this.#states = new States(() => ({ level: fullBucket(world.policy, EPOCH_US), writes: [] }));
  }

  decide({ bucket, costTokens, nowUs }: Request): Answer {
    const { policy, replicationUs } = this.#world;
    const state = this.#states.of(bucket);
    while (state.writes[1] !== undefined && state.writes[1].atUs + replicationUs <= nowUs)
      state.writes.shift();
    const known = state.writes[0];
    const replica =
      known !== undefined && known.atUs + replicationUs <= nowUs ? known.level : fullBucket(policy, EPOCH_US);
    if (refill(replica, policy, EPOCH_US + nowUs).levelQuanta < quantaOf(policy, costTokens))
      return { outcome: 'denied' };
    const { levelQuanta, updatedAtUs } = refill(state.level, policy, EPOCH_US + nowUs);
    state.level = { levelQuanta: Math.max(0, levelQuanta - quantaOf(policy, costTokens)), updatedAtUs };
    state.writes.push({ atUs: nowUs, level: state.level });
    return { outcome: 'allowed' };
  }
}

/** As many as the capacity in each window of the time to full. */
class FixedWindow implements Limiter {
  readonly #policy: Policy;
  readonly #counts = new States(() => ({ window: -1, used: 0 }));

  constructor({ policy }: World) {
    this.#policy = policy;
  }

  decide({ bucket, costTokens, nowUs }: Request): Answer {
    const counts = this.#counts.of(bucket);
    const window = Math.floor((nowUs * this.#policy.quantaPerUs) / this.#policy.capacityQuanta);
    if (window !== counts.window) Object.assign(counts, { window, used: 0 });
    if (counts.used + costTokens > this.#policy.capacityTokens) return { outcome: 'denied' };
    counts.used += costTokens;
    return { outcome: 'allowed' };
  }
}

/** Remembers a denial for three times as long as it says. */
class LongDenyCache implements Limiter {
  readonly #exact: ExactBucket;
  readonly #deniedUntil = new States(() => ({ us: 0 }));
  readonly #policy: Policy;

  constructor({ policy }: World) {
    this.#policy = policy;
    this.#exact = new ExactBucket(policy);
  }

  decide(request: Request): Answer {
    const denied = this.#deniedUntil.of(request.bucket);
    if (request.nowUs < denied.us) return { outcome: 'denied' };
    const answer = this.#exact.decide(request);
    if (answer.outcome === 'denied')
      denied.us = request.nowUs + 3 * request.costTokens * fillOf(this.#policy);
    return answer;
  }
}

/** Charges every attempt of a decision. */
class ChargesRetries extends ExactBucket {
  override decide({ decisionId: _, ...request }: Request): Answer {
    return super.decide(request);
  }
}

/** Answers before the replica knows: a failover takes back what was admitted. */
class Unacked extends AckedCentral {
  protected override isAcked(): boolean {
    return true;
  }
}

const twoRegions = (drawn: Circumstances): Circumstances => ({ ...drawn, regions: 2, demand: 4 });
const busy = (drawn: Circumstances): Circumstances => ({ ...drawn, demand: 4 });
const retried = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  lossRate: 0.2,
  retryRate: 1,
  knownRate: 1,
});
const costly = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  policy: drawn.policy.capacityTokens < 3 ? makePolicy(10, drawn.policy.refill) : drawn.policy,
  mostCost: 3,
});
const slowlyFilled = (drawn: Circumstances): Circumstances => ({
  ...busy(drawn),
  policy: makePolicy(10, '5/s'),
});

/** Limiters each broken in one known way. */
export const BROKEN: readonly Specimen[] = [
  simple('off by one at the limit', offByOne, busy),
  simple('denial charges', denialCharges, busy),
  simple('float drift', floatDrift, (drawn) => ({ ...busy(drawn), hasLevels: true })),
  simple('whole-second clock', wholeSeconds, slowlyFilled),
  simple('floor that drops fractions', floorDrops, busy),
  simple('TTL too early', earlyExpiry, (drawn) => ({ ...drawn, demand: 1.5 })),
  {
    name: 'a new bucket starts empty',
    needs: (drawn) => ({ ...drawn, startShare: 0 }),
    create: (world) =>
      new OneState(
        world,
        clocked(({ nowUs }) => nowUs),
        { levelQuanta: 0, updatedAtUs: EPOCH_US },
      ),
  },
  { name: 'non-atomic get-then-set', needs: busy, create: (world) => new NonAtomic(world) },
  simple('client clock skew between regions', skewedClients, twoRegions),
  simple('clock going back refills', backwardRefills, busy),
  { name: 'retry charges twice', needs: retried, create: ({ policy }) => new ChargesRetries(policy) },
  {
    name: 'failover loses the last writes',
    failovers: true,
    needs: (drawn) => ({ ...busy(drawn), hasLevels: true }),
    create: (world) => new Unacked(world),
  },
  { name: 'reads from a lagging replica', needs: busy, create: (world) => new LaggingReplica(world) },
  {
    name: 'two regions each with a full bucket',
    needs: twoRegions,
    create: (world) => new Regional(world, Number.POSITIVE_INFINITY),
  },
  { name: 'fixed window instead of bucket', needs: busy, create: (world) => new FixedWindow(world) },
  simple('refill beyond capacity', unlimitedRefill, (drawn) => ({ ...drawn, demand: 0.5 })),
  simple('cost ignored', costIgnored, costly),
  simple('level below zero', belowZero, costly),
  { name: 'deny cache that outlives the refill', needs: busy, create: (world) => new LongDenyCache(world) },
  {
    name: 'lease not subtracted',
    needs: twoRegions,
    splits: true,
    create: (world) => new Grants(world, leaseUs(world), 'not subtracted'),
  },
  {
    name: 'lease spent after expiry',
    needs: (drawn) => ({ ...drawn, demand: 0.5, regions: 2 }),
    splits: true,
    create: (world) => new Grants(world, fillUs(world), 'spent after expiry'),
  },
  {
    name: 'counters merged by last write',
    needs: twoRegions,
    create: (world) => new Regional(world, 3 * fillUs(world)),
  },
];
