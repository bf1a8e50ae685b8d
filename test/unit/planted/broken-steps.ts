import { type Bucket, fullBucket, refill, take } from '../../../src/core/bucket.ts';
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

/** How a decision changes the state of its bucket. `shown`: what the reply says, where that is not the state. */
export type Step = (
  state: Bucket,
  request: Request,
  world: World,
) => { bucket: Bucket; allowed: boolean; shown?: Bucket };

/** A limiter that keeps one state for each bucket and brings it forward by `step`. */
export class OneState implements Limiter {
  readonly #states: States<Bucket>;
  readonly #world: World;
  readonly #step: Step;

  constructor(world: World, step: Step, initial: Bucket = fullBucket(world.policy, EPOCH_US)) {
    this.#world = world;
    this.#step = step;
    this.#states = new States(() => initial);
  }

  decide(request: Request): Answer {
    const { bucket, allowed, shown } = this.#step(this.#states.of(request.bucket), request, this.#world);
    this.#states.set(request.bucket, bucket);
    const { levelQuanta, updatedAtUs } = shown ?? bucket;
    return {
      outcome: allowed ? 'allowed' : 'denied',
      evidence: redisEvidence({ levelQuanta: Math.round(levelQuanta), bucketUs: updatedAtUs }),
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
export function clocked(clock: (request: Request, world: World) => number): Step {
  return (state, request, world) => {
    const { bucket, result } = take(state, world.policy, {
      costTokens: request.costTokens,
      nowUs: EPOCH_US + clock(request, world),
    });
    const { allowed, levelQuanta, bucketUs } = result;
    return { bucket, allowed, shown: { levelQuanta, updatedAtUs: bucketUs } };
  };
}

export const offByOne = charging((level, cost, { policy }) => {
  const allowed = level > cost - quantaOf(policy, 1);
  return { left: allowed ? level - cost : level, allowed };
});

export const denialCharges = charging((level, cost) => ({
  left: Math.max(0, level - cost),
  allowed: level >= cost,
}));

export const belowZero = charging((level, cost) => {
  const allowed = level > 0;
  return { left: allowed ? level - cost : level, allowed };
});

export const costIgnored = charging((level, _cost, { policy }) => {
  const one = quantaOf(policy, 1);
  return { left: level >= one ? level - one : level, allowed: level >= one };
});

/** Levels in tokens, as 32-bit floats, and time in seconds since 1970, as many clients compute it. */
export const floatDrift: Step = (state, { costTokens, nowUs }, { policy }) => {
  const perSecond = Math.fround(1_000_000 / fillUs(policy));
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
export const floorDrops: Step = (state, { costTokens, nowUs }, { policy }) => {
  const elapsedUs = EPOCH_US + nowUs - state.updatedAtUs;
  const gained = Math.floor(elapsedUs / fillUs(policy)) * policy.quantaPerToken;
  const level = Math.min(policy.capacityQuanta, state.levelQuanta + gained);
  const allowed = level >= quantaOf(policy, costTokens);
  const left = allowed ? level - quantaOf(policy, costTokens) : level;
  return { bucket: { levelQuanta: left, updatedAtUs: EPOCH_US + nowUs }, allowed };
};

/** The key expires after half the time to full; what is not there is full. */
export const earlyExpiry: Step = (state, request, world) => {
  const { capacityQuanta, quantaPerUs } = world.policy;
  const lifeUs = (capacityQuanta - state.levelQuanta) / quantaPerUs / 2;
  const isGone = state.levelQuanta < capacityQuanta && EPOCH_US + request.nowUs - state.updatedAtUs >= lifeUs;
  return clocked(({ nowUs }) => nowUs)(isGone ? fullBucket(world.policy, EPOCH_US) : state, request, world);
};

export const unlimitedRefill: Step = (state, { costTokens, nowUs }, { policy }) => {
  const elapsedUs = EPOCH_US + nowUs - state.updatedAtUs;
  const level = state.levelQuanta + elapsedUs * policy.quantaPerUs;
  const cost = quantaOf(policy, costTokens);
  const allowed = level >= cost;
  return { bucket: { levelQuanta: allowed ? level - cost : level, updatedAtUs: EPOCH_US + nowUs }, allowed };
};

/** A step back looks like time that passed. */
export const backwardRefills: Step = (state, request, world) => {
  const stepUs = 4 * fillUs(world.policy);
  const clockUs = request.nowUs - (Math.floor(request.nowUs / (10 * stepUs)) % 2) * stepUs;
  const elapsedUs = Math.abs(EPOCH_US + clockUs - state.updatedAtUs);
  const { bucket, result } = take({ levelQuanta: state.levelQuanta, updatedAtUs: 0 }, world.policy, {
    costTokens: request.costTokens,
    nowUs: elapsedUs,
  });
  const levelQuanta = result.allowed ? bucket.levelQuanta : result.levelQuanta;
  return { bucket: { levelQuanta, updatedAtUs: EPOCH_US + clockUs }, allowed: result.allowed };
};

export const wholeSeconds = clocked(({ nowUs }) => Math.floor(nowUs / 1_000_000) * 1_000_000);

/** Every region reads its own clock, and the last one to write sets the time back. */
export const skewedClients: Step = (state, request, world) => {
  const nowUs = EPOCH_US + request.nowUs + Math.ceil(request.region * 3 * fillUs(world.policy));
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
