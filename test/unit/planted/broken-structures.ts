import { type Bucket, fullBucket, refill, take } from '../../../src/core/bucket.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { AckedCentral, ExactBucket } from './correct.ts';
import {
  type Answer,
  EPOCH_US,
  fillUs,
  type Limiter,
  quantaOf,
  type Request,
  redisEvidence,
  States,
  type World,
} from './limiter.ts';

/** Reads, thinks for a while, and writes what it has made of what it read. */
export class NonAtomic implements Limiter {
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
    const { allowed, levelQuanta, bucketUs } = taken.result;
    const evidence = redisEvidence({ levelQuanta, bucketUs });
    if (!allowed) return { outcome: 'denied', evidence };
    const thinkUs = Math.ceil(fillUs(this.#world.policy) / 4);
    state.pending.push({ atUs: nowUs + thinkUs, bucket: taken.bucket });
    return { outcome: 'allowed', heldUs: thinkUs, evidence };
  }
}

/** Each region has a bucket of its own, of the whole capacity; `syncEveryUs` merges them by the last write. */
export class Regional implements Limiter {
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
    const { allowed, levelQuanta, bucketUs } = taken.result;
    const evidence = redisEvidence({ levelQuanta, bucketUs, node: `n${region}` });
    return { outcome: allowed ? 'allowed' : 'denied', evidence };
  }
}

/** Decides on what a replica knew a while ago, and charges the primary. */
export class LaggingReplica implements Limiter {
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
export class FixedWindow implements Limiter {
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
export class LongDenyCache implements Limiter {
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
      denied.us = request.nowUs + 3 * request.costTokens * fillUs(this.#policy);
    return answer;
  }
}

/** Charges every attempt of a decision. */
export class ChargesRetries extends ExactBucket {
  override decide({ decisionId: _, ...request }: Request): Answer {
    return super.decide(request);
  }
}

/** Answers before the replica knows: a failover takes back what was admitted. */
export class Unacked extends AckedCentral {
  protected override isAcked(): boolean {
    return true;
  }
}
