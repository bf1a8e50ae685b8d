import { type Bucket, fullBucket, refill, take } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
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

/** The token bucket of src/core on one clock. Attempts of one decision are charged once. */
export class ExactBucket implements Limiter {
  readonly policy: Policy;
  readonly buckets: States<Bucket>;
  readonly #answers = new Map<string, Answer>();

  constructor(policy: Policy) {
    this.policy = policy;
    this.buckets = new States(() => fullBucket(policy, EPOCH_US));
  }

  decide(request: Request): Answer {
    if (request.decisionId === undefined) return this.take(request);
    const key = `${request.bucket}/${request.decisionId}`;
    const known = this.#answers.get(key);
    if (known?.outcome === 'allowed') return { outcome: 'allowed' };
    const answer = this.take(request);
    this.#answers.set(key, answer);
    return answer;
  }

  protected take({ bucket, costTokens, nowUs }: Request): Answer {
    const taken = take(this.buckets.of(bucket), this.policy, { costTokens, nowUs: EPOCH_US + nowUs });
    this.buckets.set(bucket, taken.bucket);
    const { allowed, levelQuanta, bucketUs } = taken.result;
    return { outcome: allowed ? 'allowed' : 'denied', evidence: redisEvidence({ levelQuanta, bucketUs }) };
  }
}

/** GCRA in quanta: the theoretical arrival time is when the bucket would be full again. */
class Gcra extends ExactBucket {
  readonly #fullAt = new States(() => 0);

  protected override take({ bucket, costTokens, nowUs }: Request): Answer {
    const now = nowUs * this.policy.quantaPerUs;
    const missing = Math.max(0, this.#fullAt.of(bucket) - now);
    const after = missing + quantaOf(this.policy, costTokens);
    const allowed = after <= this.policy.capacityQuanta;
    if (allowed) this.#fullAt.set(bucket, now + after);
    const levelQuanta = this.policy.capacityQuanta - (allowed ? after : missing);
    return {
      outcome: allowed ? 'allowed' : 'denied',
      evidence: redisEvidence({ levelQuanta, bucketUs: EPOCH_US + nowUs }),
    };
  }
}

interface Replicated {
  epoch: number;
  /** What the primary of this epoch started from. */
  base: Bucket;
  writes: { readonly atUs: number; readonly bucket: Bucket }[];
}

/**
 * One primary and a replica that is `replicationUs` behind; an admission counts only once the replica has it.
 * At a failover the replica takes over: what it had not heard of is gone, and was never answered.
 */
export class AckedCentral implements Limiter {
  readonly #world: World;
  readonly #states: States<Replicated>;
  readonly #answers = new Map<string, { readonly epoch: number; readonly outcome: Answer['outcome'] }>();

  constructor(world: World) {
    this.#world = world;
    this.#states = new States(() => ({ epoch: 0, base: fullBucket(world.policy, EPOCH_US), writes: [] }));
  }

  decide({ bucket, costTokens, nowUs, decisionId }: Request): Answer {
    const { policy, replicationUs } = this.#world;
    const state = this.#states.of(bucket);
    this.#failOver(state, nowUs);
    const key = `${bucket}/${decisionId}`;
    const known = decisionId === undefined ? undefined : this.#answers.get(key);
    if (known?.outcome === 'allowed' || known?.epoch === state.epoch) return { outcome: known.outcome };
    const taken = take(state.writes.at(-1)?.bucket ?? state.base, policy, {
      costTokens,
      nowUs: EPOCH_US + nowUs,
    });
    const { allowed, levelQuanta, bucketUs } = taken.result;
    const evidence = redisEvidence({ levelQuanta, bucketUs, node: `n${state.epoch}` });
    if (!allowed) return { outcome: 'denied', evidence };
    state.writes.push({ atUs: nowUs, bucket: taken.bucket });
    const isAcked = this.isAcked(nowUs, this.#endOf(state.epoch), replicationUs);
    if (decisionId !== undefined)
      this.#answers.set(key, { epoch: state.epoch, outcome: isAcked ? 'allowed' : 'unknown' });
    return isAcked ? { outcome: 'allowed', heldUs: replicationUs, evidence } : { outcome: 'unknown' };
  }

  /** Whether the client hears of the admission. */
  protected isAcked(nowUs: number, failoverUs: number, replicationUs: number): boolean {
    return nowUs + replicationUs < failoverUs;
  }

  #failOver(state: Replicated, nowUs: number): void {
    const failoverUs = this.#endOf(state.epoch);
    if (nowUs < failoverUs) return;
    const survived = state.writes.filter(({ atUs }) => atUs + this.#world.replicationUs < failoverUs);
    state.base = survived.at(-1)?.bucket ?? state.base;
    state.writes = [];
    state.epoch = Math.floor(nowUs / this.#world.failoverEveryUs);
  }

  #endOf(epoch: number): number {
    return (epoch + 1) * this.#world.failoverEveryUs;
  }
}

/** Every region has its own share of capacity and refill; the rest of the capacity is given up. */
class StaticSplit implements Limiter {
  readonly #shares: ExactBucket[];
  readonly #perToken: number;

  constructor({ policy, regions }: World) {
    const { tokens, perUs } = policy.refill;
    this.#perToken = perUs;
    const capacity = Math.floor(policy.capacityTokens / regions);
    const share = capacity === 0 ? undefined : makePolicy(capacity, { tokens, perUs: perUs * regions });
    this.#shares = share === undefined ? [] : Array.from({ length: regions }, () => new ExactBucket(share));
  }

  decide(request: Request): Answer {
    const answer = this.#shares[request.region]?.decide(request);
    if (answer === undefined) return { outcome: 'denied', knownQuanta: 0 };
    const { levelQuanta = 0 } = answer.evidence ?? {};
    const whole = Math.floor(levelQuanta / (this.#perToken * this.#shares.length));
    return { outcome: answer.outcome, knownQuanta: whole * this.#perToken };
  }
}

interface Grant {
  readonly region: number;
  readonly tokens: number;
  readonly arrivesUs: number;
  readonly expiresUs: number;
  used: number;
  /** Whether home has taken back what was left. */
  isSettled: boolean;
}

interface Home {
  bucket: Bucket;
  /** Granted and not settled: level and this together never pass the capacity. */
  outstandingQuanta: number;
  grants: Grant[];
}

export type GrantBug = 'not subtracted' | 'spent after expiry';

/**
 * A home bucket that grants tokens to regions, which spend them without asking. `lifeUs` is how long a grant
 * lives: for ever with escrow. Home takes back what is left when the grant is over and its report has come.
 */
export class Grants implements Limiter {
  readonly #policy: Policy;
  readonly #travelUs: number;
  readonly #lifeUs: number;
  readonly #homes: States<Home>;
  readonly #batch: number;
  readonly #bug: GrantBug | undefined;

  constructor({ policy, latencyUs, regions }: World, lifeUs: number, bug?: GrantBug) {
    this.#policy = policy;
    this.#travelUs = latencyUs;
    this.#lifeUs = lifeUs;
    this.#bug = bug;
    this.#batch = Math.max(1, Math.floor(policy.capacityTokens / regions / 2));
    this.#homes = new States(() => ({
      bucket: fullBucket(policy, EPOCH_US),
      outstandingQuanta: 0,
      grants: [],
    }));
  }

  decide({ bucket, region, costTokens, nowUs }: Request): Answer {
    const home = this.#homes.of(bucket);
    this.#settle(home, nowUs);
    const usable = home.grants.filter((grant) => grant.region === region && this.#isUsable(grant, nowUs));
    const left = usable.reduce((sum, { tokens, used }) => sum + tokens - used, 0);
    if (left < costTokens) {
      this.#ask(home, region, nowUs);
      return { outcome: 'denied', knownQuanta: quantaOf(this.#policy, left) };
    }
    let due = costTokens;
    for (const grant of usable) {
      const part = Math.min(due, grant.tokens - grant.used);
      grant.used += part;
      due -= part;
    }
    return { outcome: 'allowed', knownQuanta: quantaOf(this.#policy, left - costTokens) };
  }

  #isUsable({ arrivesUs, expiresUs }: Grant, nowUs: number): boolean {
    return arrivesUs <= nowUs && (nowUs < expiresUs || this.#bug === 'spent after expiry');
  }

  /** Asks home for a batch, unless one is under way to the region. */
  #ask(home: Home, region: number, nowUs: number): void {
    if (home.grants.some((grant) => grant.region === region && grant.arrivesUs > nowUs)) return;
    const level = this.#levelOf(home, nowUs);
    const tokens = Math.min(this.#batch, Math.floor(level / this.#policy.quantaPerToken));
    if (tokens === 0) return;
    const quanta = this.#bug === 'not subtracted' ? 0 : quantaOf(this.#policy, tokens);
    home.bucket = { levelQuanta: level - quanta, updatedAtUs: EPOCH_US + nowUs };
    home.outstandingQuanta += quanta;
    const arrivesUs = nowUs + this.#travelUs;
    home.grants.push({
      region,
      tokens,
      used: 0,
      arrivesUs,
      expiresUs: arrivesUs + this.#lifeUs,
      isSettled: false,
    });
  }

  #levelOf(home: Home, nowUs: number): number {
    const { levelQuanta } = refill(home.bucket, this.#policy, EPOCH_US + nowUs);
    return Math.min(levelQuanta, this.#policy.capacityQuanta - home.outstandingQuanta);
  }

  /** A grant is settled when it is used up, or over for as long as its report travels. */
  #settle(home: Home, nowUs: number): void {
    for (const grant of home.grants) {
      const isOver = grant.used === grant.tokens || nowUs >= grant.expiresUs + this.#travelUs;
      if (grant.isSettled || !isOver) continue;
      grant.isSettled = true;
      const level = this.#levelOf(home, nowUs);
      const quanta = this.#bug === 'not subtracted' ? 0 : quantaOf(this.#policy, grant.tokens);
      home.outstandingQuanta -= quanta;
      const back = quantaOf(this.#policy, grant.tokens - grant.used);
      const most = this.#policy.capacityQuanta - home.outstandingQuanta;
      home.bucket = { levelQuanta: Math.min(most, level + back), updatedAtUs: EPOCH_US + nowUs };
    }
    home.grants = home.grants.filter(
      ({ isSettled, used, tokens }) => !isSettled || (this.#bug === 'spent after expiry' && used < tokens),
    );
  }
}

/** Six limiters that keep their promise under all these circumstances. */
export const CORRECT: readonly Specimen[] = [
  { name: 'exact bucket', create: ({ policy }) => new ExactBucket(policy) },
  { name: 'GCRA', create: ({ policy }) => new Gcra(policy) },
  { name: 'acked central', failovers: true, create: (world) => new AckedCentral(world) },
  { name: 'static split', splits: true, create: (world) => new StaticSplit(world) },
  { name: 'escrow', splits: true, create: (world) => new Grants(world, Number.POSITIVE_INFINITY) },
  { name: 'lease', splits: true, create: (world) => new Grants(world, leaseUs(world)) },
];

/** Twice the time in which an empty bucket fills up. */
export function leaseUs({ policy }: World): number {
  return Math.ceil((2 * policy.capacityQuanta) / policy.quantaPerUs);
}
